"""Routes of moods: of tracks, of playlists at Spotify, and answers about recordings."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request

from application.tasks.track_moods import TrackMood
from application.web.request_context import (
    Answer,
    json_object,
    links,
    parameter,
    services,
    stages,
)
from emosync.sources import Source

moods_bp = Blueprint("moods", __name__)


@moods_bp.post("/mood")
def track_moods() -> Answer:
    """Tell the mood of each of a list of tracks."""
    message = json_object("tracks")
    method = parameter({**request.args, **message}, "method")
    told = services().moods.of_tracks(message, method=method, stages=stages())
    return {"tracks": [member(track) for track in told]}


# A path, so that a link works as well as an id.
@moods_bp.get("/playlists/<path:playlist>/moods")
def playlist_moods(playlist: str) -> Answer:
    """Tell the mood of each track of a playlist at Spotify."""
    method = parameter(request.args, "method")
    told = services().moods.of_playlist(playlist, method=method, stages=stages())
    return {"tracks": [member(track) for track in told]}


def member(told: TrackMood) -> Answer:
    """Write a track and its mood.

    Parameters
    ----------
    told : TrackMood
        What was told.

    Returns
    -------
    dict
        Without a mood, `reason` says why.
    """
    answer = {**names(told), "mood": told.mood, "probabilities": told.probabilities or None}
    return {**answer, "reason": told.reason} if told.reason else answer


def names(told: TrackMood) -> Answer:
    """Repeat what names a track."""
    track = told.track
    return {
        "id": track.id,
        "name": track.name,
        "artist": track.artist,
        "album": track.album,
        "preview_url": track.preview_url,
    }


def hear(source: Source, parameters: Mapping[str, Any]) -> Answer:
    """Answer for an uploaded recording.

    Parameters
    ----------
    source : Source
        The recording.
    parameters : mapping
        Form, query or JSON: `method`.

    Returns
    -------
    dict
    """
    services().moods.check_heard(parameter(parameters, "method"))
    told = services().moods.recognise(source, stages=stages())
    entry = told.entry
    return {
        "mood": entry.emotion,
        "confidence": entry.confidence,
        "probabilities": entry.probabilities,
        "valence": told.valence,
        "arousal": told.arousal,
        "audio_file": entry.audio_file,
        **links(entry),
        "duration_s": entry.duration_s,
        "filename": entry.filename,
        "timestamp": entry.time_text,
        "task": entry.task,
        "method": entry.method,
    }
