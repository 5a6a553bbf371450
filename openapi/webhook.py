"""What the service sends by itself: that a job has ended."""

from typing import Any, Final

from emosync.job_tables import CANCELLED, DONE, FAILED, STATES
from openapi.jobs import JOB
from openapi.parts import Json, json_body, members, parameter, text

_EXAMPLE: Final[dict[str, Any]] = {
    "type": "job.finished",
    "timestamp": "2026-01-15T14:30:26Z",
    "data": {
        "id": "0f9c2d7e4b6a4c1f8d3e5a7b9c1d2e3f",
        "state": DONE,
        "progress": {"total": 1, **dict.fromkeys(STATES, 0), DONE: 1},
    },
}
_HEADERS: Final = {
    "webhook-id": "The same each time that it is sent.",
    "webhook-timestamp": "When it is sent, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY.",
}
BODY: Final = members(
    {
        "type": {"const": _EXAMPLE["type"]},
        "timestamp": text("When the job ended.", format="date-time"),
        "data": members(
            {
                "id": JOB["id"],
                "state": text("How it ended.", enum=[DONE, FAILED, CANCELLED]),
                "progress": JOB["progress"],
            }
        ),
    }
)


def webhooks() -> Json:
    """Describe the requests that are sent to the URL of a job's `webhook`."""
    finished = {
        "operationId": "jobFinished",
        "tags": ["Jobs"],
        "summary": "Tell that a job has ended; its answer is at `/jobs/ID`.",
        "description": "Signed as https://www.standardwebhooks.com says.",
        "parameters": [
            parameter(name, text(), description, place="header", required=True)
            for name, description in _HEADERS.items()
        ],
        "requestBody": json_body(BODY, example=_EXAMPLE),
        "responses": {"2XX": {"description": "It is taken; else it comes again, for some hours."}},
    }
    return {"jobFinished": {"post": finished}}
