"""Routes of songs: playback sequences, the library, curves and tags."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from application.tasks.song_service import AUDIO, TASK
from application.web.request_context import (
    Answer,
    links,
    page_limit,
    parameter,
    services,
    stages,
)
from emosync.errors import MissingInput, ParameterError
from emosync.playback import playback_settings
from emosync.sources import Source

_DEFAULT_LIMIT: Final = 100

songs_bp = Blueprint("songs", __name__)


@songs_bp.get("/predict")
def playback() -> Response:
    """Tell the playback sequence of a song in the library."""
    task = parameter(request.args, "task")
    if task is not None and task != TASK:
        services().check_task(task)
        raise ParameterError("Send speech as a file, by POST; GET answers for songs.")
    text = services().songs.playback(
        _song_id(),
        method=parameter(request.args, "method"),
        settings=playback_settings(request.args),
        stages=stages(),
    )
    return Response(text, mimetype="application/json")


@songs_bp.get("/songs")
def song_list() -> Answer:
    """List the songs of the library, in the order of their ids."""
    limit = page_limit() or _DEFAULT_LIMIT
    prefix = request.args.get("prefix", "")
    after = request.args.get("after") or None
    ids = services().songs.song_ids(prefix=prefix, after=after, limit=limit)
    following = None
    if len(ids) == limit:
        following = url_for(".song_list", limit=limit, after=ids[-1], prefix=prefix or None)
    return {"songs": ids, "next": following}


# A path, so that an id with a slash is told that it is no id.
@songs_bp.get("/songs/<path:song_id>/curve")
def curve(song_id: str) -> Answer:
    """Tell valence and arousal of a song over time."""
    return {"song_id": song_id, **services().songs.curve(song_id, stages=stages())}


@songs_bp.get("/songs/<path:song_id>/tags")
def tags(song_id: str) -> Answer:
    """Tell the most likely tags of a song."""
    return {"song_id": song_id, "tags": services().songs.tags(song_id, stages=stages())}


def hear(source: Source, parameters: Mapping[str, Any]) -> Answer:
    """Answer for an uploaded song.

    Parameters
    ----------
    source : Source
        The recording.
    parameters : mapping
        Form, query or JSON: `smooth`, `amplify`, `min_duration`, `detail` and `method`.

    Returns
    -------
    dict
    """
    _check_heard(parameter(parameters, "method"))
    detail = parameter(parameters, "detail")
    if detail not in (None, "curve"):
        raise ParameterError("The parameter 'detail' must be curve.")
    settings = playback_settings(parameters)
    song = services().songs.hear(source, settings=settings, stages=stages())
    entry = song.entry
    return {
        "sequence": song.sequence,
        "tags": song.tags,
        "audio_file": entry.audio_file,
        **links(entry),
        **({"curve": song.curve} if detail else {}),
        "duration_s": entry.duration_s,
        "filename": entry.filename,
        "timestamp": entry.time_text,
        "task": entry.task,
        "method": entry.method,
    }


def _check_heard(method: str | None) -> None:
    if method is None:
        return
    services().songs.methods.check(method)
    if method != AUDIO:
        raise ParameterError(f"An uploaded song is heard: its method can only be {AUDIO}.")


def _song_id() -> str:
    song_id = request.args.get("song_id")
    if not song_id:
        raise MissingInput("The parameter 'song_id' is missing.")
    return song_id
