"""Errors as problem+json, the same shape for every route and every status."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from emosync.access_errors import KeyRefused, RateLimited
from emosync.caller import current_caller
from emosync.config import Config
from emosync.errors import (
    EmoSyncError,
    NotFound,
    ParameterError,
    TooLarge,
    Unavailable,
    UpstreamError,
)
from emosync.job_errors import TooManyJobs
from emosync.playlist_errors import SpotifyNotConfigured

# Sentences for what werkzeug refuses before a view runs; its own name internals.
_DETAILS: Final = {
    400: "The request cannot be read; GET /docs shows what each route takes.",
    404: "There is no such route; GET /docs lists those that there are.",
    405: "The route does not take this verb; the header Allow names those that it takes.",
    429: "More requests came than the limit allows; wait as long as Retry-After says.",
    500: "Something went wrong here; the log of the server says what.",
}
# The same code and title, whether we refuse or werkzeug does.
_KINDS: Final = {
    400: ParameterError,
    404: NotFound,
    413: TooLarge,
    429: RateLimited,
    500: EmoSyncError,
}
_RETRY_AFTER_S: Final = 5


def register_problems(app: Flask) -> None:
    """Answer every error of the application, and of Flask itself, as problem+json."""
    app.register_error_handler(EmoSyncError, _answer_own)
    app.register_error_handler(HTTPException, _answer_http)


def problem(status: int, *, code: str, title: str, detail: str) -> Response:
    """Make an answer after RFC 9457, with the members `code`, `error` and `request_id` besides.

    Parameters
    ----------
    status : int
        HTTP status.
    code : str
        Stable name of the error, for programs.
    title : str
        The kind of error.
    detail : str
        What is wrong here, for people; `error` repeats it for clients of earlier servers.

    Returns
    -------
    Response

    References
    ----------
    .. [1] RFC 9457, "Problem Details for HTTP APIs".
    """
    g.problem_code = code  # for the log and the metrics
    members = {
        "type": f"urn:emosync:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "error": detail,
        "request_id": current_caller().request_id,
    }
    return Response(json.dumps(members), status, content_type="application/problem+json")


def _answer_own(error: EmoSyncError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log(error)
    answer = problem(error.status, code=error.code, title=error.title, detail=error.message)
    if isinstance(error, (Unavailable, TooManyJobs)):
        answer.headers["Retry-After"] = str(_RETRY_AFTER_S)
    if isinstance(error, KeyRefused):
        answer.headers["WWW-Authenticate"] = error.challenge
    return answer


def _log(error: EmoSyncError) -> None:
    """Log a failure of this service with its traceback, one that comes from outside as a line."""
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        current_app.logger.error("%s %s: %s", request.method, request.path, error, exc_info=error)
        return
    # What others refuse, and what nobody set up, is no fault of this service.
    is_expected = isinstance(error, UpstreamError | SpotifyNotConfigured)
    level = logging.WARNING if is_expected else logging.ERROR
    line = " <- ".join(_causes(error))
    current_app.logger.log(level, "%s %s: %s", request.method, request.path, line)


def _causes(error: BaseException) -> Iterator[str]:
    """Write an error and what caused it, each in one line."""
    yield " ".join(str(error).split())
    while error.__cause__ is not None:
        error = error.__cause__
        yield " ".join(f"{type(error).__name__}: {error}".split())


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code
    if status is None or status < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # a redirect
    kind = _KINDS.get(status)
    answer = problem(
        status,
        code=kind.code if kind else error.name.lower().replace(" ", "_"),
        title=kind.title if kind else error.name.capitalize(),
        detail=_too_large() if kind is TooLarge else _DETAILS.get(status, f"{error.name}."),
    )
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.allow.update(error.valid_methods)
    return answer


def _too_large() -> str:
    config: Config = current_app.config["EMOSYNC"]
    return (
        f"The body is too large: a file may have {config.max_upload_mb:g} MB, "
        f"a JSON body {config.max_json_mb:g} MB, the fields of a form beside its file "
        f"{current_app.config['MAX_FORM_MEMORY_SIZE'] / 1e6:g} MB."
    )
