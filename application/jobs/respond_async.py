"""`Prefer: respond-async`: a request becomes a job, and is answered later.

References
----------
.. [1] RFC 7240, "Prefer Header for HTTP", section 4.1.
"""

from typing import Final
from urllib.parse import urlencode

from flask import Flask, Response, request
from werkzeug.http import parse_list_header

from application.jobs.job_views import accepted
from application.jobs.webhook_wishes import PARAMETER, wished_webhook
from application.web.request_context import body_bytes, services
from emosync.jobs import NewItem, NewJob

PREFERENCE: Final = "respond-async"
# What takes long enough to be worth a job.
ENDPOINTS: Final = frozenset(
    {"emosync.predict", "emosync.record", "songs.playback", "faces.recommend"}
)


def register_respond_async(app: Flask) -> None:
    """Let callers have long requests answered later."""
    app.before_request(_accept)
    app.after_request(_vary)


def is_for_later() -> bool:
    """Tell whether the request is one that can be answered later, and shall be."""
    return _may_wait() and _is_preferred()


def keep_body() -> None:
    """Keep the body of what becomes a job, before a look into its form uses it up."""
    if is_for_later():
        body_bytes()


def _accept() -> Response | None:
    if not is_for_later():
        return None
    query = [pair for pair in request.args.items(multi=True) if pair[0] != PARAMETER]
    new = NewJob(
        request.method,
        request.path,
        [NewItem(urlencode(query))],
        body=body_bytes() if request.method == "POST" else b"",
        content_type=request.headers.get("Content-Type", ""),
        webhook=wished_webhook(),
    )
    answer = accepted(services().work.accept(new))
    answer.headers["Preference-Applied"] = PREFERENCE
    return answer


def _vary(answer: Response) -> Response:
    """Tell caches that the header changes the answer."""
    if _may_wait():
        answer.vary.add("Prefer")
    return answer


def _may_wait() -> bool:
    return request.endpoint in ENDPOINTS and request.method in {"GET", "POST"}


def _is_preferred() -> bool:
    preferences = parse_list_header(", ".join(request.headers.getlist("Prefer")))
    return any(wish.partition(";")[0].strip().lower() == PREFERENCE for wish in preferences)
