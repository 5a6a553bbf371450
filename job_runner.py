"""Part of a job done: its request is sent through the application's own views, later."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from emosync.caller import Caller, JobItem, working_for
from emosync.errors import DatabaseUnavailable, EmoSyncError, NotFound
from emosync.job_errors import JobGivenUp, JobTimeout
from emosync.job_queue import JobQueue, Taken
from request_context import REPLAY
from services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger(__name__)

# With the pauses between them, what is unavailable has ten minutes to come back.
MAX_ATTEMPTS: Final = 8
_MAX_PAUSE_S: Final = 300.0
# So many times in a lease it is renewed: the database may fail once or twice.
_RENEWALS: Final = 3


class JobRunner:
    """Does parts of jobs in this process.

    Parameters
    ----------
    app : Flask
        Whose views answer.
    timeouts : tuple of exception classes
        What interrupts a view that takes too long.
    """

    def __init__(self, app: Flask, *, timeouts: tuple[type[Exception], ...] = ()) -> None:
        self._app = app
        self._timeouts = timeouts
        self._services: Services = app.extensions["emosync"]
        self._queue = self._services.work.queue
        self._bodies = self._services.work.bodies

    def run(self, taken: Taken) -> None:
        """Do part of a job, and keep its answer or put it back.

        Parameters
        ----------
        taken : Taken
            What to do.

        Raises
        ------
        DatabaseUnavailable
            If nothing can be kept; the part is done anew when the lease has ended.
        """
        item = JobItem(taken.job_id, taken.position, taken.created_at)
        caller = Caller(taken.owner, taken.scopes, taken.request_id, item)
        with working_for(caller):
            with _kept_alive(self._queue, taken):
                answer = self._answer(taken)
            self._end(taken, answer)

    def _end(self, taken: Taken, answer: Response) -> None:
        may_pass = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        if may_pass and taken.attempts < MAX_ATTEMPTS:
            self._queue.put_back(taken, pause_s=_pause_s(answer, taken), attempts=taken.attempts)
        else:
            text = answer.get_data(as_text=True)
            if not self._queue.finish(taken, status=answer.status_code, answer=text):
                self._undo(taken, answer)

    def _undo(self, taken: Taken, answer: Response) -> None:
        """Remove what was kept of a part that was cancelled meanwhile."""
        audio_file = answer.get_json().get("audio_file") if answer.is_json else None
        if audio_file and self._queue.is_cancelled(taken):
            with suppress(NotFound):
                self._services.remove(audio_file)

    def _answer(self, taken: Taken) -> Response:
        try:
            environ = _environ(taken, self._body(taken))
        except EmoSyncError as exc:
            return self._refusal(taken, exc)
        with self._app.request_context(environ):
            try:
                return self._app.full_dispatch_request()
            except self._timeouts:
                _log.warning("part %s of job %s takes too long", taken.position, taken.job_id)
            # A job's wrapper: whatever a view trips over is logged and told.
            except Exception as exc:
                return self._app.handle_exception(exc)
        return self._refusal(taken, JobTimeout("The work took longer than the limit."))

    def _body(self, taken: Taken) -> bytes:
        if taken.attempts > MAX_ATTEMPTS:
            raise JobGivenUp("Whoever worked on this ended before it was done, each time.")
        return self._bodies.read(taken.body_name) if taken.body_name else b""

    def _refusal(self, taken: Taken, error: EmoSyncError) -> Response:
        """Answer an error as if the view had raised it."""
        with self._app.request_context(_environ(taken, b"")):
            return self._app.make_response(self._app.handle_user_exception(error))


def _environ(taken: Taken, body: bytes) -> "WSGIEnvironment":
    builder = EnvironBuilder(
        taken.path,
        method=taken.verb,
        query_string=taken.query,
        content_type=taken.content_type or None,
        data=body,
    )
    try:
        return {**builder.get_environ(), REPLAY: True}
    finally:
        builder.close()


def _pause_s(answer: Response, taken: Taken) -> float:
    """Double the pause from attempt to attempt, beginning with what the answer asks for."""
    first_s = float(answer.headers.get("Retry-After", 1))
    return min(_MAX_PAUSE_S, first_s * 2.0 ** (taken.attempts - 1))


@contextmanager
def _kept_alive(queue: JobQueue, taken: Taken) -> Iterator[None]:
    """Renew the lease until the block ends."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(queue.lease_s / _RENEWALS):
            try:
                queue.renew(taken)
            except DatabaseUnavailable as exc:
                _log.warning("the lease of job %s is not renewed: %s", taken.job_id, exc)

    threading.Thread(target=renew, name="job-lease", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
