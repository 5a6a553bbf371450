"""Where recordings come from: an upload, or base64 in JSON."""

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from emosync.errors import InvalidBase64, MissingInput, ParameterError

# Recorders send webm and mp4 as video/*, and some know no type at all.
_TYPES: Final = MappingProxyType(
    {
        "audio": r"(?:audio|video)/[\w.+-]+|application/(?:ogg|octet-stream)",
        "image": r"image/[\w.+-]+|application/octet-stream",
    }
)
_EXAMPLES: Final = MappingProxyType({"audio": "audio/wav", "image": "image/jpeg"})
_NAMES: Final = MappingProxyType({"audio": "recording", "image": "picture"})
_DATA_URLS: Final = MappingProxyType(
    {
        member: re.compile(
            rf"data:(?:{types})(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII | re.IGNORECASE
        )
        for member, types in _TYPES.items()
    }
)


@dataclass(frozen=True)
class Source:
    """A recording as it was sent.

    Parameters
    ----------
    data : bytes
        The file.
    filename : str
        The name that the client gave it; data, never a path.
    """

    data: bytes
    filename: str


def from_upload(data: bytes, filename: str, *, field: str) -> Source:
    """Take one part of a multipart form.

    Parameters
    ----------
    data : bytes
        Content of the part.
    filename : str
        File name of the part.
    field : str
        Name of the form's field, for the messages.

    Returns
    -------
    Source

    Raises
    ------
    MissingInput
        If the part has no name or no content.
    """
    if not filename.strip():
        raise MissingInput(f"The field '{field}' holds no file; choose one before sending.")
    if not data:
        raise MissingInput(f"The file in the field '{field}' is empty.")
    return Source(data, as_text(filename))


def parse_object(body: bytes, *, member: str = "audio") -> dict[str, Any]:
    """Read a body that must be a JSON object.

    Parameters
    ----------
    body : bytes
        Body of the request.
    member : str
        What it should hold, for the messages.

    Returns
    -------
    dict
        Its members.

    Raises
    ------
    MissingInput
        If the body is empty.
    ParameterError
        If it is no JSON, or no object.
    """
    if not body.strip():
        raise MissingInput(f"The body is empty; send JSON with the member '{member}'.")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise ParameterError(
            f"The body is no valid JSON; send an object with the member '{member}'."
        ) from exc
    if not isinstance(message, dict):
        raise ParameterError(f"The body must be a JSON object with the member '{member}'.")
    return message


def from_object(message: Mapping[str, Any], *, member: str = "audio") -> Source:
    """Take the member `audio` or `image`: base64, bare or as a data URL.

    Parameters
    ----------
    message : mapping
        A JSON object.
    member : {"audio", "image"}
        Which.

    Returns
    -------
    Source
        Named "recording" or "picture".

    Raises
    ------
    MissingInput
        If there is no such member.
    ParameterError
        If it is no string.
    InvalidBase64
        If it is no base64, or a data URL of no type that can hold what is asked for.
    """
    text = message.get(member)
    if text is None or text == "":
        raise MissingInput(f"The member '{member}' is missing or empty.")
    if not isinstance(text, str):
        raise ParameterError(f"The member '{member}' must be a string of base64.")
    return Source(_decoded(text, member), _NAMES[member])


def _decoded(text: str, member: str) -> bytes:
    if text[:5].lower() == "data:":
        head = _DATA_URLS[member].match(text)
        if head is None:
            example = _EXAMPLES[member]
            raise InvalidBase64(
                f"The data URL in '{member}' must start like data:{example};base64,"
            )
        text = text[head.end() :]
    try:
        data = binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError as exc:
        raise InvalidBase64(
            f"The member '{member}' is no valid base64; encode the bytes of the file, all of them."
        ) from exc
    if not data:
        raise InvalidBase64(f"The member '{member}' holds no data; encode the bytes of the file.")
    return data


def as_text(name: str) -> str:
    """Replace what a database or UTF-8 refuses: NUL and halves of surrogate pairs.

    Parameters
    ----------
    name : str
        As somebody else wrote it.

    Returns
    -------
    str
    """
    return name.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
