"""The fields of `/predict`, whatever the task: in a form, in the query, and in JSON."""

from typing import Final

from application.tasks import song_service
from emosync.errors import MissingInput, ParameterError
from emosync.playback import RANGES
from openapi.kept import HEARD
from openapi.parts import Errors, Json, count, number, parameter, text
from openapi.vocabulary import ALL_METHODS, METHODS_BY_TASK, TASKS

PLAYBACK: Final = {
    "smooth": count(
        "Songs: width of the moving average over the curve, in steps of 0.5 s.",
        minimum=1,
        maximum=RANGES["smooth"].highest,
    ),
    "amplify": number(
        "Songs: factor on valence and arousal.",
        exclusiveMinimum=0,
        maximum=RANGES["amplify"].highest,
    ),
    "min_duration": number(
        "Songs: shortest stretch of one label, in seconds.",
        exclusiveMinimum=0,
        maximum=RANGES["min_duration"].highest,
    ),
}
FIELDS: Final = {
    "task": text("What is told; speech by default.", enum=list(TASKS)),
    "method": text(
        "How it is told; by default the method in force. An uploaded song and its mood can only "
        f"be heard by `{song_service.AUDIO}`. By task: {METHODS_BY_TASK}.",
        enum=list(ALL_METHODS),
    ),
    "detail": text(
        "More in the answer: `windows` of a voice, the `curve` of a song, `slices` of a genre.",
        enum=["windows", "curve", "slices"],
    ),
    **PLAYBACK,
    "detect": text(
        "Faces: 0 takes the whole picture for one face.", enum=["0", "1", "true", "false"]
    ),
}


def in_query() -> list[Json]:
    """Describe the fields as parameters of the query."""
    return as_query(FIELDS)


def as_query(fields: dict[str, Json]) -> list[Json]:
    """Describe any fields as parameters of the query, where they may stand as well."""
    return [parameter(name, schema) for name, schema in fields.items()]


def errors_of_tasks() -> Errors:
    """List what a recording may be refused for, whatever the task."""
    return (ParameterError, MissingInput, *HEARD)
