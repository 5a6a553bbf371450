"""`Idempotency-Key`: a request that is sent again gets the answer that it got first.

References
----------
.. [1] IETF draft-ietf-httpapi-idempotency-key-header-07, "The Idempotency-Key HTTP Header Field".
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, g, request

from application.jobs.lease_renewal import LeaseRenewal
from application.jobs.respond_async import is_for_later
from application.web.request_context import body_bytes, services
from emosync.caller import current_caller, set_caller
from emosync.errors import DatabaseUnavailable
from emosync.first_answers import Begun, FirstAnswer
from emosync.job_errors import InvalidIdempotencyKey

_log = logging.getLogger(__name__)

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotent-Replayed"
KEY_PATTERN: Final = r"[\x21-\x7e]{1,255}"
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)


def register_idempotency(app: Flask) -> None:
    """Answer every POST with a key once.

    To be registered after those who refuse requests, and before those who answer in the place
    of views: a refusal is not kept, an answer is.
    """
    app.before_request(_begin)
    app.after_request(_keep)
    app.teardown_request(_end)


def _begin() -> Response | None:
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or request.url_rule is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey(
            f"The header {HEADER} must have 1 to 255 printable characters without spaces."
        )
    answers = services().work.first_answers
    found = answers.begin(key, _fingerprint())
    if isinstance(found, FirstAnswer):
        return _replayed(found)
    g.begun = found
    g.renewal = LeaseRenewal(
        lambda: answers.renew(found), lease_s=answers.lease_s, name="a key that is at work"
    )
    # What is done twice, since whoever did it first died before it was answered, is kept once.
    set_caller(replace(current_caller(), item=found.item))
    return None


def _keep(answer: Response) -> Response:
    begun: Begun | None = g.pop("begun", None)
    if begun is None:
        return answer
    answers = services().work.first_answers
    try:
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            answers.drop(begun)
        else:
            answers.keep(begun, _first(answer))
    except DatabaseUnavailable as exc:
        # The answer is good; sent again, the request is worked on again, and kept once.
        _log.warning("the answer to a key is not kept: %s", exc)
    return answer


def _end(_: BaseException | None) -> None:
    """Let the lease end, whatever came of the request."""
    renewal: LeaseRenewal | None = g.pop("renewal", None)
    if renewal is not None:
        renewal.stop()


def _fingerprint() -> str:
    """Digest what makes a request the same."""
    digest = hashlib.sha256(f"{request.path}\n{request.mimetype}\n".encode())
    digest.update(request.query_string + b"\n")
    # With it the same request gets an answer of another kind.
    digest.update(f"{is_for_later()}\n".encode())
    # A client that sends a form again draws another boundary.
    boundary = request.mimetype_params.get("boundary", "").encode()
    for piece in _pieces(body_bytes(), boundary):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(body: bytes, boundary: bytes) -> Iterator[memoryview]:
    """Yield what stands between the boundaries; a large body is not copied."""
    view, begin = memoryview(body), 0
    while boundary and (end := body.find(boundary, begin)) >= 0:
        yield view[begin:end]
        begin = end + len(boundary)
    yield view[begin:]


def _first(answer: Response) -> FirstAnswer:
    return FirstAnswer(
        answer.status_code,
        answer.headers.get("Content-Type", ""),
        answer.get_data(as_text=True),
        answer.headers.get("Location"),
    )


def _replayed(first: FirstAnswer) -> Response:
    answer = Response(first.answer, first.status, content_type=first.content_type)
    answer.headers[REPLAYED_HEADER] = "true"
    if first.location:
        answer.headers["Location"] = first.location
    return answer
