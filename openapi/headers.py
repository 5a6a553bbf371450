"""Headers that answers have in common."""

from typing import Final

from application.web.request_ids import HEADER, PATTERN
from openapi.parts import Json, count, parameter, text

REQUEST_ID: Final = parameter(
    HEADER,
    text(pattern=f"^{PATTERN}$"),
    "Names the request in the answer and in the log; made where it is absent.",
    place="header",
)


def _header(description: str, schema: Json | None = None, *, required: bool = True) -> Json:
    return {"description": description, "required": required, "schema": schema or text()}


HEADERS: Final[Json] = {
    "RequestId": _header("The request."),
    "ServerTiming": _header("How long each stage took, in milliseconds.", required=False),
    "Retry-After": _header("Seconds to wait.", count()),
    "WWW-Authenticate": _header("How to show a key."),
    "Location": _header("Where it is.", text(format="uri-reference")),
    "Preference-Applied": _header("The preference that was followed.", required=False),
    "Idempotent-Replayed": _header(
        "That this is the first answer again.", {"const": "true"}, required=False
    ),
    "RateLimit-Limit": _header("Requests in a window, where limits are set.", required=False),
    "RateLimit-Policy": _header("All limits, with their windows in seconds.", required=False),
    "RateLimit-Remaining": _header("Requests that are left.", count(), required=False),
    "RateLimit-Reset": _header("Seconds until the window ends.", count(), required=False),
}


def _references(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


SHARED_HEADERS: Final[Json] = {
    HEADER: {"$ref": "#/components/headers/RequestId"},
    "Server-Timing": {"$ref": "#/components/headers/ServerTiming"},
}
LIMIT_HEADERS: Final = _references(
    "RateLimit-Limit", "RateLimit-Policy", "RateLimit-Remaining", "RateLimit-Reset"
)
REPEAT_HEADERS: Final = _references("Idempotent-Replayed")
