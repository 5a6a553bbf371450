"""The text of environment variables as values.

Each function raises ValueError, with what would do, for text that it cannot take.
"""

import base64
import re
from pathlib import Path

from emosync.labels import MOOD_OF_EMOTION, MOODS
from emosync.logs import FORMS


def positive(text: str) -> float:
    """Take a finite number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError("it must be a number above 0")
    return value


def count(text: str) -> int:
    """Take a whole number above 0."""
    value = int(text)
    if value < 1:
        raise ValueError("it must be a whole number above 0")
    return value


def runtime(text: str) -> str:
    """Take onnx or native."""
    if text not in {"onnx", "native"}:
        raise ValueError("it must be onnx or native")
    return text


def log_format(text: str) -> str:
    """Take a form of the log."""
    if text not in FORMS:
        raise ValueError(f"it must be {' or '.join(FORMS)}")
    return text


def origins(text: str) -> tuple[str, ...]:
    """Split origins of web pages at commas."""
    return tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())


def database_url(text: str) -> str:
    """Name the driver; Heroku still says postgres://, which SQLAlchemy does not know."""
    for scheme in ("postgres://", "postgresql://"):
        if text.startswith(scheme):
            return "postgresql+psycopg://" + text.removeprefix(scheme)
    return text


def seconds(text: str) -> float:
    """Take a finite number that is not below 0."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError("it must be 0 or a number above 0")
    return value


def bucket(text: str) -> str:
    """Take the name of a bucket."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{3,255}", text):
        raise ValueError("it must be the name of a bucket alone")
    return text


def endpoint(text: str) -> str:
    """Take the URL of a server."""
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return text


def prefix(text: str) -> str:
    """Name a folder of the library: relative, and with one slash at its end."""
    folders = text.removesuffix("/").split("/")
    if {"", ".", ".."} & set(folders):
        raise ValueError("it must name a folder, as in SONGS/")
    return "/".join(folders) + "/"


def switch(text: str) -> bool:
    """Take 1 or 0."""
    if text not in {"0", "1"}:
        raise ValueError("it must be 1 or 0")
    return text == "1"


def proxy(text: str) -> str:
    """Take the URL of a proxy."""
    if not re.fullmatch(r"(https?|socks4a?|socks5h?)://\S+", text):
        raise ValueError("it must begin with http://, https:// or socks5://")
    return text


def file(text: str) -> str:
    """Take the path of a file that is there."""
    if not Path(text).is_file():
        raise ValueError("there is no such file")
    return text


def rate_limits(text: str) -> str:
    """Take limits as Flask-Limiter writes them, but only the simple ones."""
    limits = [limit.strip() for limit in text.split(";")]
    if not all(re.fullmatch(r"[1-9]\d*/(second|minute|hour|day)", limit) for limit in limits):
        raise ValueError("it must be limits such as 60/minute;1000/day")
    return ";".join(limits)


def redis_url(text: str) -> str:
    """Take the URL of a Redis server."""
    if not text.startswith(("redis://", "rediss://", "redis+unix://")):
        raise ValueError("it must begin with redis:// or rediss://")
    return text


def number(text: str) -> int:
    """Take a whole number that is not below 0."""
    value = int(text)
    if value < 0:
        raise ValueError("it must be 0 or a whole number above 0")
    return value


def broker_url(text: str) -> str:
    """Take the URL of a broker that Celery has a transport for here."""
    if not text.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
        raise ValueError("it must begin with redis://, rediss://, amqp:// or amqps://")
    return text


def webhook_secret(text: str) -> bytes:
    """Decode base64, as `openssl rand -base64 32` makes it, with or without whsec_ before it."""
    secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    if not 24 <= len(secret) <= 64:
        raise ValueError("it must be 24 to 64 bytes in base64")
    return secret


def moods(text: str) -> tuple[tuple[str, str], ...]:
    """Read "happy=Happy,sad=Calm"; emotions that it does not name keep their mood."""
    moods = []
    for pair in text.split(","):
        emotion, _, mood = (part.strip() for part in pair.partition("="))
        if emotion not in MOOD_OF_EMOTION:
            raise ValueError(f"'{emotion}' must be one of {', '.join(MOOD_OF_EMOTION)}")
        if mood not in MOODS:
            raise ValueError(f"the mood of '{emotion}' must be one of {', '.join(MOODS)}")
        moods.append((emotion, mood))
    return tuple(moods)
