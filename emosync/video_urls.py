"""Which video a URL means; everything that is not surely one video of YouTube is refused.

Only the id is ever used: the address that is fetched is rebuilt from it, so that no host,
port, name, password, redirect or other parameter of the caller's gets through.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from emosync.errors import InvalidVideoUrl, PlaylistUrl, VideoHostRefused

MAX_URL_CHARS: Final = 2048
VIDEO_HOSTS: Final = (
    "youtube.com",
    "www.youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "youtu.be",
)
_SHORT_HOST: Final = "youtu.be"
# Printable ASCII: a look-alike letter, a control character or a blank is none of it. Browsers
# read a backslash as a slash, parsers do not, so that the two would see different hosts.
_PLAIN: Final = re.compile(r"[!-\[\]-~]+")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}")
_LONG_PATH: Final = re.compile(r"/(?:shorts|live|embed)/([^/]+)/?")
_SHORT_PATH: Final = re.compile(r"/([^/]+)/?")
# Words of 11 letters that stand where an id does: a player of a playlist and one of a channel.
_NO_IDS: Final = frozenset({"videoseries", "live_stream"})
_COLLECTION: Final = re.compile(r"/(?:playlist|@[^/]+|(?:channel|c|user|browse)/[^/]+)(?:/.*)?")


def parse_video_url(url: str) -> str:
    """Read the id of a video from a URL.

    Taken are `/watch?v=ID`, `/shorts/ID`, `/live/ID` and `/embed/ID` of `VIDEO_HOSTS`, and
    `youtu.be/ID`. A video that was opened from a playlist (`/watch?v=ID&list=...`) is that
    video: the list is dropped, as every other parameter is, since whoever copies such a
    URL wants what was playing.

    Parameters
    ----------
    url : str
        As a browser shows it; blanks around it are passed over.

    Returns
    -------
    str
        11 characters out of A-Z, a-z, 0-9, `_` and `-`.

    Raises
    ------
    PlaylistUrl
        If it is that of a playlist or channel.
    VideoHostRefused
        If its host is no other than those of `VIDEO_HOSTS`, or comes with a name or port.
    InvalidVideoUrl
        If it is anything else.
    """
    host, path, query = _parts(url.strip(" "))
    video_id = _path_id(host, path) or _query_id(host, path, query)
    if video_id in _NO_IDS or _is_collection(path, query):
        raise PlaylistUrl("The URL is that of a playlist or channel; send that of one video.")
    if not _ID.fullmatch(video_id):
        raise InvalidVideoUrl(
            "The URL is not that of a video; "
            "send one such as https://www.youtube.com/watch?v=ID or https://youtu.be/ID."
        )
    return video_id


def watch_url(video_id: str) -> str:
    """Build the address of a video.

    Parameters
    ----------
    video_id : str
        As `parse_video_url` returns it.

    Returns
    -------
    str
        Always on www.youtube.com, by https.

    Raises
    ------
    InvalidVideoUrl
        If it is no id.
    """
    if not _ID.fullmatch(video_id):
        raise InvalidVideoUrl("The id of a video has 11 characters: letters, digits, _ and -.")
    return f"https://www.youtube.com/watch?v={video_id}"


def _parts(url: str) -> tuple[str, str, str]:
    """Return host, path and query, the host being one of ours."""
    if len(url) > MAX_URL_CHARS:
        raise InvalidVideoUrl(f"The URL is longer than {MAX_URL_CHARS} characters.")
    if not _PLAIN.fullmatch(url):
        raise InvalidVideoUrl("The URL is empty or holds a character that no URL may hold.")
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise InvalidVideoUrl(
            "The URL cannot be read; copy it from the browser's address bar."
        ) from exc
    if parts.scheme not in {"http", "https"}:
        raise InvalidVideoUrl("The URL must begin with https:// or http://.")
    # The whole of what stands there is compared, so that name@host and host:port are none.
    host = parts.netloc.lower()
    if host not in VIDEO_HOSTS:
        raise VideoHostRefused(f"Videos are taken from {', '.join(VIDEO_HOSTS)} only.")
    return host, parts.path, parts.query


def _path_id(host: str, path: str) -> str:
    """Return what stands in the path where an id should, or an empty text."""
    found = (_SHORT_PATH if host == _SHORT_HOST else _LONG_PATH).fullmatch(path)
    return found[1] if found else ""


def _query_id(host: str, path: str, query: str) -> str:
    """Return the value of `v`; an empty text if there are two, or one in disguise."""
    if host == _SHORT_HOST or path not in {"/watch", "/watch/"}:
        return ""
    pairs = _pairs(query)
    values = [value for name, value in pairs if name == "v"]
    disguised = any("%" in name for name, _ in pairs)
    return values[0] if len(values) == 1 and not disguised else ""


def _is_collection(path: str, query: str) -> bool:
    names = {name for name, _ in _pairs(query)}
    is_list = path in {"/watch", "/watch/"} and "list" in names and "v" not in names
    return is_list or _COLLECTION.fullmatch(path) is not None


def _pairs(query: str) -> list[tuple[str, str]]:
    """Split a query and decode nothing: what must be decoded is no id."""
    parts = (pair.partition("=") for pair in query.split("&"))
    return [(name, value) for name, _, value in parts]
