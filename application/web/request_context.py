"""What views ask of the request and of the application."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from flask import current_app, g, request, url_for

from application.services import Services
from emosync.config import Config
from emosync.errors import MissingInput, ParameterError, StorageUnavailable
from emosync.history import Entry
from emosync.sources import Source, from_upload, parse_object
from emosync.stages import Stages

# In the environment of a request that a job replays. A client's headers all begin with HTTP_.
REPLAY: Final = "emosync.replay"
MAX_LIMIT: Final = 1_000
# What is told of a form that lacks its file.
_MAX_TOLD: Final = 5
_MAX_LENGTH: Final = 40
_LIMIT: Final = re.compile(r"[1-9]\d{0,3}", re.ASCII)

Answer = dict[str, Any]


def is_replay() -> bool:
    """Tell whether part of a job is at work, whose caller was let in when it was accepted."""
    return REPLAY in request.environ


def upload(field: str) -> Source:
    """Read the file of a multipart field.

    Raises
    ------
    MissingInput
        If there is no such field, or no file in it.
    StorageUnavailable
        If the disk is full.
    """
    with _receiving():
        part = request.files.get(field)
        if part is None:
            raise MissingInput(_missing(field))
        return from_upload(part.read(), part.filename or "", field=field)


def _missing(field: str) -> str:
    """Say that a form lacks its file, and what it has instead."""
    missing = f"The form has no file in the field '{field}'"
    if field in request.form:
        return f"{missing}, but a text; with curl an @ stands before the name of a file."
    if "url" in request.form:
        return f"{missing}; a 'url' is sent as JSON, with Content-Type: application/json."
    if "image" in request.files:
        return f"{missing}, but one in 'image'; a picture takes task=face as well."
    # A part of a form may have no name.
    names = [name for name in (*request.files, *request.form) if name]
    if any(name.lstrip().startswith("{") for name in names):
        return f"{missing}; JSON needs the header Content-Type: application/json."
    came = [name[:_MAX_LENGTH] for name in names][:_MAX_TOLD]
    return f"{missing}; it has {', '.join(map(repr, came))}." if came else f"{missing}."


def sent_values() -> Mapping[str, str]:
    """Return what the query and the form say; raises StorageUnavailable if the disk is full."""
    with _receiving():
        return request.values


def sent_form() -> Mapping[str, Any]:
    """Return the fields of a form, its files too; raises StorageUnavailable if the disk is full."""
    with _receiving():
        return {**request.files, **request.form}


def body_bytes() -> bytes:
    """Return the whole body as it was sent; the view can read it still.

    Raises
    ------
    StorageUnavailable
        If the disk is full.
    """
    # A recorder may forget the type of its JSON.
    if request.mimetype != "multipart/form-data":
        request.max_content_length = current_config().max_json_bytes
    with _receiving():
        return request.get_data()


@contextmanager
def _receiving() -> Iterator[None]:
    """Read the body, of which larger uploads pass through a temporary file."""
    try:
        yield
    except OSError as exc:
        raise StorageUnavailable("The upload cannot be stored at the moment.") from exc


def json_object(member: str) -> dict[str, Any]:
    """Read a body that must be a JSON object, within its own limit of size.

    Parameters
    ----------
    member : str
        What it should hold, for the messages.

    Returns
    -------
    dict

    Raises
    ------
    MissingInput, ParameterError
        If it is empty, no JSON, or no object.
    """
    request.max_content_length = current_config().max_json_bytes
    if "message" not in g:
        g.message = _parsed(member)
    message: dict[str, Any] = g.message
    return message


def _parsed(member: str) -> dict[str, Any]:
    try:
        return parse_object(request.get_data(), member=member)
    except ParameterError as exc:
        if request.is_json or not request.mimetype or isinstance(exc, MissingInput):
            raise
        wanted = "Send JSON, with the header Content-Type: application/json"
        raise ParameterError(f"{exc.message} {wanted}; {request.mimetype} came.") from exc


def parameter(parameters: Mapping[str, Any], name: str) -> str | None:
    """Return a parameter, in lower case; None if it is absent or empty."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ParameterError(f"The parameter '{name}' must be a string.")
    return value.strip().lower()


def links(entry: Entry) -> dict[str, str]:
    """Return the links of an entry: its picture, and its report."""
    return {
        "visualization": url_for("emosync.visualization", audio_file=entry.audio_file),
        "report": url_for("emosync.download_report", filename=entry.audio_file),
    }


def page_limit() -> int | None:
    """Return the parameter `limit`, None if it is absent; raises ParameterError."""
    text = request.args.get("limit")
    if not text:
        return None
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise ParameterError(f"The parameter 'limit' must be a number from 1 to {MAX_LIMIT}.")
    return int(text)


def stages() -> Stages:
    """Return the clock of the request."""
    clock: Stages = g.stages
    return clock


def current_config() -> Config:
    """Return the settings of the process."""
    found: Config = current_app.config["EMOSYNC"]
    return found


def services() -> Services:
    """Return what `create_app` built."""
    found: Services = current_app.extensions["emosync"]
    return found
