"""Jobs: requests that are answered later, many songs at once, and requests that are sent again."""

from typing import Any, Final

from application.jobs.job_views import MAX_SONGS
from application.jobs.respond_async import PREFERENCE
from application.jobs.webhook_wishes import PARAMETER
from application.tasks import song_service
from application.web.idempotency import HEADER as KEY_HEADER
from application.web.idempotency import KEY_PATTERN
from emosync.errors import MissingInput, ParameterError, StorageUnavailable, TooLarge, UnknownMethod
from emosync.job_errors import (
    IdempotencyInProgress,
    IdempotencyMismatch,
    InvalidBatch,
    InvalidIdempotencyKey,
    TooManyJobs,
    UnknownJob,
    WebhookRefused,
)
from emosync.job_tables import STATES
from openapi.kept import TIMESTAMP
from openapi.paging import limit_parameter, next_link
from openapi.parts import (
    Errors,
    Json,
    Operation,
    Page,
    count,
    json_answer,
    json_body,
    listed,
    members,
    named,
    nullable,
    parameter,
    text,
)
from openapi.predict_fields import PLAYBACK, as_query
from openapi.songs import LIBRARY_ERRORS, SONG_ID
from openapi.speech import EXAMPLE
from openapi.vocabulary import METHODS

_TAG: Final = "Jobs"
_STATE: Final = text("How far it is.", enum=list(STATES))
JOB: Final = {
    "id": text(pattern="^[0-9a-f]{32}$"),
    "state": _STATE,
    "created": TIMESTAMP,
    "finished": nullable(TIMESTAMP),
    "progress": {
        **members({"total": count(), **{state: count() for state in STATES}}),
        "description": "How many parts there are, and in each state.",
    },
}
_OUTCOME: Final[Json] = {
    "result": {"type": ["object", "null"], "description": "What was answered; null before."},
    "error": {"anyOf": [named("Problem"), {"type": "null"}]},
}
_RESULT: Final = members(
    {"position": count("From 0."), "song_id": SONG_ID, "state": _STATE, **_OUTCOME}
)
_CHOICES: Final = {
    "task": text("Only songs make a batch.", enum=[song_service.TASK]),
    "method": text("Of songs.", enum=list(METHODS[song_service.TASK])),
    **PLAYBACK,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "0f9c2d7e4b6a4c1f8d3e5a7b9c1d2e3f",
    "state": STATES[0],
    "created": "2026-01-15 14:30:25",
    "finished": None,
    "progress": {"total": 1, **dict.fromkeys(STATES, 0), STATES[0]: 1},
}
_EXAMPLES: Final = {
    "one": {"value": {**_EXAMPLE, "result": EXAMPLE, "error": None}},
    "batch": {
        "value": {
            **_EXAMPLE,
            "results": [
                {
                    "position": 0,
                    "song_id": "rain_and_sun",
                    "state": STATES[0],
                    "result": None,
                    "error": None,
                }
            ],
            "next": None,
        }
    },
}
_WEBHOOK: Final = parameter(
    PARAMETER, text(format="uri"), "Of a job: called once it has ended, with a signature."
)
_ACCEPTED_ERRORS: Final[Errors] = (TooManyJobs, WebhookRefused, StorageUnavailable)

# What every POST takes and may answer, so that it is safe to send again.
REPEATABLE: Final = (
    parameter(
        KEY_HEADER,
        text(pattern=f"^{KEY_PATTERN}$"),
        "Sent again with the same request, it gets the first answer again.",
        place="header",
    ),
)
REPEAT_ERRORS: Final[Errors] = (InvalidIdempotencyKey, IdempotencyInProgress, IdempotencyMismatch)
# What is added to an operation that may be answered later.
LATER: Final = (
    parameter(
        "Prefer",
        text(),
        f"`{PREFERENCE}` has it answered later, by a job. A GET that is sent again is another job: "
        f"`{KEY_HEADER}` is for POST alone.",
        place="header",
        example=PREFERENCE,
    ),
    _WEBHOOK,
)
LATER_ERRORS: Final = _ACCEPTED_ERRORS


def page() -> Page:
    """Describe the routes of jobs."""
    schemas = {
        "Job": {**members(JOB), "description": "A job as it is accepted."},
        "JobWithResult": members({**JOB, **_OUTCOME}),
        "JobWithResults": members(
            {**JOB, "results": listed(_RESULT, "A page of parts."), "next": next_link()}
        ),
    }
    return Page((_batch(), _job(), _cancel()), schemas)


def accepted(*, as_preferred: bool) -> Json:
    """Describe the answer that a job was accepted.

    Parameters
    ----------
    as_preferred : bool
        Whether it is one because the header `Prefer` asked for it.

    Returns
    -------
    dict
    """
    names = ["Location", *(["Preference-Applied"] if as_preferred else [])]
    return {
        **json_answer(named("Job"), "A job was accepted.", example=_EXAMPLE),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }


def _batch() -> Operation:
    ids = listed(SONG_ID, "The songs.", minItems=1, maxItems=MAX_SONGS)
    prefix = text("Instead of ids: what they begin with, or s3://BUCKET/FOLDER/ID of the library.")
    return Operation(
        "POST /batch",
        name="playSongs",
        tag=_TAG,
        summary="Accept many songs of the library, which are answered later.",
        parameters=[*as_query(_CHOICES), _WEBHOOK],
        body=json_body(
            {
                **members({}, {"song_ids": ids, "prefix": prefix, **_CHOICES}),
                "oneOf": [{"required": ["song_ids"]}, {"required": ["prefix"]}],
            },
            example={"song_ids": ["rain_and_sun"], "method": "precalculated"},
        ),
        answers={"202": accepted(as_preferred=False)},
        errors=(
            MissingInput,
            ParameterError,
            InvalidBatch,
            UnknownMethod,
            TooLarge,
            *LIBRARY_ERRORS,
            *_ACCEPTED_ERRORS,
        ),
    )


def _job() -> Operation:
    return Operation(
        "GET /jobs/<job_id>",
        name="readJob",
        tag=_TAG,
        summary="Tell how far a job is, and what has been answered.",
        parameters=_which(),
        answers={"200": _told("How far it is.")},
        errors=(UnknownJob, ParameterError),
    )


def _cancel() -> Operation:
    return Operation(
        "DELETE /jobs/<job_id>",
        name="cancelJob",
        tag=_TAG,
        summary="End what has not ended of a job; what has stays.",
        parameters=_which(),
        answers={"200": _told("What is left of it.")},
        errors=(UnknownJob, ParameterError),
    )


def _which() -> list[Json]:
    return [
        parameter("job_id", JOB["id"], place="path", example=_EXAMPLE["id"]),
        limit_parameter(),
        parameter("after", count(maximum=9_999), "Position after which the page begins."),
    ]


def _told(description: str) -> Json:
    schema = {"anyOf": [named("JobWithResult"), named("JobWithResults")]}
    content = {"application/json": {"schema": schema, "examples": _EXAMPLES}}
    return {"description": description, "content": content}
