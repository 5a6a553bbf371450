"""Part of a job done: its request is sent through the application's own views, later."""

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from application.jobs.lease_renewal import LeaseRenewal
from application.services import Services
from application.web.request_context import REPLAY
from emosync.access_errors import KeyInvalid
from emosync.caller import Caller, JobItem, working_for
from emosync.errors import EmoSyncError, NotFound
from emosync.job_errors import JobGivenUp, JobTimeout
from emosync.job_queue import Taken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger(__name__)

# With the pauses between them, what is unavailable has ten minutes to come back.
MAX_ATTEMPTS: Final = 8
_MAX_PAUSE_S: Final = 300.0


class JobRunner:
    """Does parts of jobs in this process.

    Parameters
    ----------
    app : Flask
        Whose views answer.
    timeouts : tuple of exception classes
        What interrupts a view that takes too long.
    limit_s : float
        After how many seconds a part that nothing interrupts has failed, though its view goes
        on: no thread can be ended from outside.
    """

    def __init__(
        self,
        app: Flask,
        *,
        timeouts: tuple[type[Exception], ...] = (),
        limit_s: float = math.inf,
    ) -> None:
        self._app = app
        self._timeouts = timeouts
        self._limit_s = limit_s
        self._services: Services = app.extensions["emosync"]
        self._queue = self._services.work.queue
        self._bodies = self._services.work.bodies

    def run(self, taken: Taken, *, when_given_up: Callable[[], None] = lambda: None) -> None:
        """Do part of a job, and keep its answer or put it back.

        Parameters
        ----------
        taken : Taken
            What to do.
        when_given_up : callable
            Called, from another thread, if the limit is over before this returns.

        Raises
        ------
        DatabaseUnavailable
            If nothing can be kept; the part is done anew when the lease has ended.
        """
        item = JobItem(taken.job_id, taken.position, taken.created_at)
        caller = Caller(taken.owner, taken.scopes, taken.request_id, item)

        def give_up() -> None:
            when_given_up()
            with working_for(caller):
                self._end(taken, self._too_long(taken))

        with working_for(caller):
            renewal = LeaseRenewal(
                lambda: self._queue.renew(taken),
                lease_s=self._queue.lease_s,
                name=f"job {taken.job_id}",
                limit_s=self._limit_s,
                give_up=give_up,
            )
            try:
                answer = self._answer(taken)
            finally:
                renewal.stop()
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
        """Remove what was kept of a part that was cancelled or failed meanwhile."""
        audio_file = answer.get_json().get("audio_file") if answer.is_json else None
        if audio_file and self._queue.is_void(taken):
            with suppress(NotFound):
                self._services.remove(audio_file)

    def _answer(self, taken: Taken) -> Response:
        try:
            if self._services.keys.are_revoked(taken.owner):
                raise KeyInvalid("The key that asked for this was revoked.")
            environ = _environ(taken, self._body(taken))
        except EmoSyncError as exc:
            return self._refusal(taken, exc)
        with self._app.request_context(environ):
            try:
                return self._app.full_dispatch_request()
            except self._timeouts:
                pass
            # A job's wrapper: whatever a view trips over is logged and told.
            except Exception as exc:
                return self._app.handle_exception(exc)
        return self._too_long(taken)

    def _too_long(self, taken: Taken) -> Response:
        _log.warning("part %s of job %s takes too long", taken.position, taken.job_id)
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
