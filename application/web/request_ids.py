"""Every request has an id, the caller's own or one of ours, that answers and the log name."""

import re
import uuid
from typing import Final

from flask import Flask, Response, request

from application.web.request_context import is_replay
from emosync.caller import Caller, current_caller, set_caller

HEADER: Final = "X-Request-ID"
# What proxies and tracers send; nothing that could end a line of the log.
PATTERN: Final = r"[A-Za-z0-9._:/+=@-]{1,128}"
_ACCEPTED: Final = re.compile(PATTERN)


def register_request_ids(app: Flask) -> None:
    """Name every request, before any other hook runs."""
    app.before_request(_begin)
    app.after_request(_show)
    app.teardown_request(_forget)


def _begin() -> None:
    # A job replays its request, under the id of the one that asked for it.
    if not is_replay():
        set_caller(Caller(request_id=_id(request.headers.get(HEADER, ""))))


def _show(answer: Response) -> Response:
    answer.headers[HEADER] = current_caller().request_id
    return answer


def _forget(_error: BaseException | None) -> None:
    """Leave nothing to the next request of this thread."""
    if not is_replay():
        set_caller(Caller())


def _id(sent: str) -> str:
    """Take the caller's id, or make one where there is none that a log could hold."""
    return sent if _ACCEPTED.fullmatch(sent) else uuid.uuid4().hex
