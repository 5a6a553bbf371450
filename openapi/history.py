"""The history, pictures and reports."""

from datetime import datetime
from typing import Any, Final

from emosync.errors import (
    DatabaseUnavailable,
    ModelUnavailable,
    NotFound,
    ParameterError,
    StorageUnavailable,
    UnreadableMedia,
    UnsupportedMedia,
    UnusableAudio,
)
from emosync.history import Entry
from emosync.history_csv import csv_lines
from openapi.kept import AUDIO_FILE, DURATION_S, LINKS, TIMESTAMP
from openapi.paging import limit_parameter, next_link
from openapi.parts import (
    JSON,
    PROBABILITY,
    Errors,
    Json,
    Operation,
    Page,
    count,
    file_answer,
    listed,
    members,
    named,
    parameter,
    text,
    tree,
)
from openapi.vocabulary import TASKS

_ROW: Final = members(
    {
        "id": count("Number in the history.", minimum=1),
        "timestamp": TIMESTAMP,
        "filename": text("The name that the client gave it."),
        "predicted_emotion": text(
            "Or the genre, or the mood; of a picture that of the largest face."
        ),
        "confidence": PROBABILITY,
        "top_3_probabilities": text(
            "An object of label to probability, as text.", contentMediaType=JSON
        ),
        "task": text(enum=list(TASKS)),
        "method": text(),
        "duration_s": DURATION_S,
        "audio_file": AUDIO_FILE,
        **LINKS,
    }
)
_AUDIO_FILE: Final = "20260115-143025-5f0c9a3be1d24c77.wav"
_ENTRY: Final = Entry(
    _AUDIO_FILE,
    "voice.wav",
    datetime(2026, 1, 15, 14, 30, 25),
    task="speech",
    method="whisper",
    emotion="neutral",
    confidence=0.62,
    probabilities={"neutral": 0.62, "sad": 0.21, "calm": 0.1},
    duration_s=3.0,
    id=7,
)
_EXAMPLE: Final[dict[str, Any]] = {
    "history": [
        {
            **_ENTRY.row(),
            "visualization": f"/visualizations/{_AUDIO_FILE}.png",
            "report": f"/download-report/{_AUDIO_FILE}",
        }
    ],
    "next": "/history?limit=1&before=7",
}
# What is drawn anew is read and heard again.
_DRAWN: Final[Errors] = (
    NotFound,
    DatabaseUnavailable,
    StorageUnavailable,
    ModelUnavailable,
    *tree(UnsupportedMedia, UnreadableMedia, UnusableAudio),
)


def page() -> Page:
    """Describe the routes of what was predicted."""
    return Page((_list(), _remove(), _picture(), _report()), {"HistoryRow": _ROW})


def _list() -> Operation:
    answer = members({"history": listed(named("HistoryRow")), "next": next_link()})
    content = {
        JSON: {"schema": answer, "example": _EXAMPLE},
        "text/csv": {"example": "".join(csv_lines([_ENTRY]))},
    }
    return Operation(
        "GET /history",
        name="listHistory",
        tag="History",
        summary="List predictions, newest first, or download them as CSV.",
        parameters=[
            limit_parameter(),
            parameter(
                "before",
                text(),
                "Only older ones than this: an `id`, an `audio_file`, or a time.",
                example="2030-01-01T00:00:00",
            ),
            parameter("format", text(enum=["json", "csv"], default="json")),
        ],
        answers={"200": {"description": "A page of rows, or all of them.", "content": content}},
        errors=(ParameterError, DatabaseUnavailable),
    )


def _remove() -> Operation:
    return Operation(
        "DELETE /history/<name>",
        name="removePrediction",
        tag="History",
        summary="Remove a prediction, with its recording, its picture and its report.",
        parameters=[_name("name", "Its `id`, or its `audio_file`.")],
        answers={"204": {"description": "It is removed."}},
        errors=(NotFound, StorageUnavailable, DatabaseUnavailable),
    )


def _picture() -> Operation:
    return Operation(
        "GET /visualizations/<audio_file>.png",
        name="drawPicture",
        tag="History",
        summary="Send the picture of a recording, drawn when it is first asked for.",
        parameters=[_name("audio_file", "As the prediction names it.")],
        answers={"200": file_answer("The picture.", "image/png"), **_elsewhere()},
        errors=_DRAWN,
    )


def _report() -> Operation:
    return Operation(
        "GET /download-report/<path:filename>",
        name="downloadReport",
        tag="History",
        summary="Send the PDF of a prediction.",
        parameters=[_name("filename", "Its `audio_file`, or the name of the upload.")],
        answers={"200": file_answer("The report.", "application/pdf"), **_elsewhere()},
        errors=_DRAWN,
    )


def _name(name: str, description: str) -> Json:
    return parameter(name, text(), description, place="path", example=_AUDIO_FILE)


def _elsewhere() -> dict[str, Json]:
    return {
        "302": {
            "description": "It lies in a bucket, where a link leads that is good for a while.",
            "headers": {"Location": {"$ref": "#/components/headers/Location"}},
        }
    }
