"""Errors in the document: the shape they share, and the codes that a route may answer."""

from http import HTTPStatus
from typing import Any, Final

from emosync.errors import DatabaseUnavailable, EmoSyncError
from openapi.parts import Errors, Json, count, members, named, text, tree

PROBLEM: Final = "application/problem+json"

SCHEMAS: Final[dict[str, Json]] = {
    "Problem": {
        **members(
            {
                "type": text("A URN that ends with the code.", format="uri"),
                "title": text("The kind of error."),
                "status": count("The status of the answer.", minimum=400, maximum=599),
                "detail": text("What is wrong here, for people; it may change."),
                "code": text("The name of the error, for programs; it stays."),
                "error": text("The detail once more, for clients of earlier servers."),
                "request_id": text("The request, as the header X-Request-ID and the log name it."),
            }
        ),
        "description": "An error, after RFC 9457.",
    }
}


def answers(errors: Errors) -> dict[str, Json]:
    """Describe the errors of an operation.

    Parameters
    ----------
    errors : tuple of classes
        All that it may answer.

    Returns
    -------
    dict of str to dict
        Status to answer, in order.
    """
    if DatabaseUnavailable in errors:
        errors = (*errors, *tree(DatabaseUnavailable))
    by_status: dict[int, list[type[EmoSyncError]]] = {}
    for error in dict.fromkeys(errors):
        by_status.setdefault(error.status, []).append(error)
    return {str(status): _answer(status, by_status[status]) for status in sorted(by_status)}


def meaning(error: type[EmoSyncError]) -> str:
    """Say in a sentence what an error means."""
    if error is EmoSyncError:  # answered only when nothing more is known
        return "Something went wrong in the service; its log says what."
    return (error.__doc__ or "").partition("\n")[0]


def examples() -> dict[str, Json]:
    """Write every error as it is answered, by its code: answers refer to them."""
    return {error.code: {"value": _example(error)} for error in tree(EmoSyncError)}


def _example(error: type[EmoSyncError]) -> dict[str, Any]:
    return {
        "type": f"urn:emosync:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": meaning(error),
        "code": error.code,
        "error": meaning(error),
        "request_id": "7f3c0a5b1d2e4f60918273645a6b7c8d",
    }


def _answer(status: int, errors: list[type[EmoSyncError]]) -> Json:
    lines = [f"- `{error.code}`: {meaning(error)}" for error in errors]
    codes = [error.code for error in errors]
    schema = {**named("Problem"), "properties": {"code": {"enum": codes}}}
    shown = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": "\n".join([f"{HTTPStatus(status).phrase}.", "", *lines]),
        "content": {PROBLEM: {"schema": schema, "examples": shown}},
        "headers": _headers(status),
    }


def _headers(status: int) -> Json:
    names = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(status, [])
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
