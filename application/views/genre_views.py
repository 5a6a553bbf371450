"""Answers about genres: of an upload, and of a video by its URL."""

from collections.abc import Mapping
from typing import Any

from application.tasks.genre_service import TASK
from application.web.request_context import (
    Answer,
    links,
    parameter,
    services,
    stages,
)
from emosync.errors import MissingInput, ParameterError
from emosync.history import Entry
from emosync.sources import Source


def tell(source: Source, parameters: Mapping[str, Any]) -> Answer:
    """Answer for an uploaded recording.

    Parameters
    ----------
    source : Source
        The recording.
    parameters : mapping
        Form, query or JSON: `method` and `detail`.

    Returns
    -------
    dict
    """
    with_slices = _wants_slices(parameters)
    method = parameter(parameters, "method")
    entry = services().genres.recognise(source, method=method, stages=stages())
    return _answer(entry, with_slices=with_slices)


def tell_video(parameters: Mapping[str, Any]) -> Answer:
    """Answer for a video.

    Parameters
    ----------
    parameters : mapping
        JSON and query: `url`, `method` and `detail`.

    Returns
    -------
    dict

    Raises
    ------
    MissingInput
        If there is no `url`.
    ParameterError
        If it is no text, or another task than that of genres is asked for.
    """
    task = parameter(parameters, "task")
    if task not in (None, TASK):
        raise ParameterError(f"A video's genre is told: its task can only be {TASK}.")
    url = parameters.get("url")
    if url is None or url == "":
        raise MissingInput("The member 'url' is missing; send a file in a form instead.")
    if not isinstance(url, str):
        raise ParameterError("The member 'url' must be a string.")
    with_slices = _wants_slices(parameters)
    method = parameter(parameters, "method")
    video = services().genres.recognise_video(url, method=method, stages=stages())
    return {"video_title": video.title, **_answer(video.entry, with_slices=with_slices)}


def _wants_slices(parameters: Mapping[str, Any]) -> bool:
    detail = parameter(parameters, "detail")
    if detail not in (None, "slices"):
        raise ParameterError("The parameter 'detail' must be slices.")
    return detail is not None


def _answer(entry: Entry, *, with_slices: bool) -> Answer:
    answer: Answer = {
        "top_prediction": entry.emotion,
        "results": [
            {"genre": genre, "probability": probability}
            for genre, probability in entry.probabilities.items()
        ],
        "duration_s": entry.duration_s,
        "slices": len(entry.windows),
        "method": entry.method,
        "audio_file": entry.audio_file,
        **links(entry),
        "filename": entry.filename,
        "timestamp": entry.time_text,
        "task": entry.task,
    }
    if with_slices:
        answer["genre_over_time"] = [
            {"start_s": w.start_s, "genre": w.emotion, "probability": w.confidence}
            for w in entry.windows
        ]
    return answer
