"""Routes of faces: answers about pictures, and the tracks that fit a face."""

import json
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, request

from application.tasks.recommendations import Wish
from application.views import mood_views
from application.web.request_context import (
    Answer,
    current_config,
    json_object,
    links,
    parameter,
    sent_values,
    services,
    stages,
    upload,
)
from emosync.errors import ParameterError, TooLarge
from emosync.sources import Source, from_object

FIELD: Final = "image"
# How forms write yes and no.
_SWITCH: Final = {"1": True, "true": True, "0": False, "false": False}

faces_bp = Blueprint("faces", __name__)


@faces_bp.post("/recommend")
def recommend() -> Answer:
    """Tell which tracks fit a face or an emotion."""
    if request.is_json:
        message = json_object(FIELD)
        picture = from_object(message, member=FIELD) if FIELD in message else None
    else:
        message = _form()
        picture = upload(FIELD) if FIELD in request.files else None
    parameters = {**request.args, **message}
    wish = Wish(
        picture=picture,
        emotion=parameter(parameters, "emotion"),
        message=message,
        playlist=_text(parameters, "playlist"),
        method=parameter(parameters, "method"),
        detect=detects(parameters),
    )
    told = services().recommendations.fitting(wish, stages=stages())
    return {
        "emotion": told.emotion,
        "mood": told.mood,
        "tracks": [
            {
                **mood_views.names(track),
                "mood": track.mood,
                "probability": track.probabilities.get(told.mood),
                **({"reason": track.reason} if track.reason else {}),
            }
            for track in told.tracks
        ],
    }


def tell(source: Source, parameters: Mapping[str, Any]) -> Answer:
    """Answer for an uploaded picture.

    Parameters
    ----------
    source : Source
        The picture.
    parameters : mapping
        Form, query or JSON: `method` and `detect`.

    Returns
    -------
    dict
    """
    told = services().faces.recognise(
        source,
        method=parameter(parameters, "method"),
        detect=detects(parameters),
        stages=stages(),
    )
    entry = told.entry
    return {
        "faces": told.faces,
        "width": told.width,
        "height": told.height,
        **links(entry),
        "audio_file": entry.audio_file,
        "filename": entry.filename,
        "timestamp": entry.time_text,
        "task": entry.task,
        "method": entry.method,
    }


def detects(parameters: Mapping[str, Any]) -> bool:
    """Read the parameter `detect`: 1, the default, or 0; raises ParameterError."""
    text = parameter(parameters, "detect")
    if text is None:
        return True
    if text not in _SWITCH:
        raise ParameterError("The parameter 'detect' must be 1 or 0 (or true or false).")
    return _SWITCH[text]


def _form() -> dict[str, Any]:
    """Read a form whose field `tracks` is JSON, as a text or as a file."""
    message: dict[str, Any] = dict(sent_values())
    text = message.get("tracks") or _tracks_file()
    if text is not None:
        message["tracks"] = _tracks(text)
    return message


def _tracks_file() -> bytes | None:
    part = request.files.get("tracks")
    if part is None:
        return None
    limit_bytes = current_config().max_json_bytes
    data: bytes = part.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise TooLarge(f"The file in the field 'tracks' has more than {limit_bytes / 1e6:g} MB.")
    return data


def _tracks(text: str | bytes) -> Any:
    """Read the list, which may be the member `tracks` of an object as in JSON to `/mood`."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ParameterError("The field 'tracks' is no valid JSON; send a list of tracks.") from exc
    return found["tracks"] if isinstance(found, dict) and "tracks" in found else found


def _text(parameters: Mapping[str, Any], name: str) -> str | None:
    """Return a parameter as it was written; None if it is absent or empty."""
    parameter(parameters, name)
    return parameters.get(name) or None
