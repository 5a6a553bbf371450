"""One line of the log for each request, where the log is JSON."""

import logging
from typing import Final

from flask import Flask, Response, g, request

_log: Final = logging.getLogger(__name__)


def register_request_log(app: Flask, *, form: str) -> None:
    """Log each request as it is answered, if the log is one of JSON.

    Parameters
    ----------
    app : Flask
        Whose requests they are.
    form : {"text", "json"}
        That of the log. Lines of text for people stay with what went wrong.
    """
    if form == "json":
        _log.setLevel(logging.INFO)
        app.after_request(_tell)


def _tell(answer: Response) -> Response:
    # Neither the query, nor a header, nor a name in the path: they may tell of people, or of keys.
    route = request.url_rule.rule if request.url_rule else None
    _log.info(
        "%s %s %s",
        request.method,
        route,
        answer.status_code,
        extra={
            "verb": request.method,
            "route": route,
            "status": answer.status_code,
            "code": g.get("problem_code"),
            "address": request.remote_addr,
            **_work(),
        },
    )
    return answer


def _work() -> dict[str, object]:
    """Tell the task, the method and the times in milliseconds; nothing before the clock runs."""
    stages = g.get("stages")
    if stages is None:
        return {}
    return {
        "task": stages.task or None,
        "method": stages.method or None,
        "duration_ms": round(1e3 * stages.total_s, 2),
        "stages_ms": {name: round(1e3 * s, 2) for name, s in stages.durations_s.items()},
    }
