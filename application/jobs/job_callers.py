"""Calls the webhooks of jobs that have ended, a few at a time."""

import logging
import threading
import time
from typing import Final

from application.jobs.job_endurance import Endurance
from application.jobs.job_service import JobService
from emosync.job_calls import JobCall
from emosync.webhooks import CallFailed

_log = logging.getLogger(__name__)

N_CALLERS: Final = 4


class JobCallers:
    """Threads that call webhooks.

    Of each owner one call is made at a time, so that a slow host delays its owner alone. Callers
    without a key are all the same to us, and share the threads.

    Parameters
    ----------
    work : JobService
        Where jobs are.
    """

    def __init__(self, work: JobService) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._n_callers = 0
        self._called: set[str] = set()
        self._is_stopping = False

    def start_due(self) -> None:
        """Begin to call what is due, as long as there is a thread for it; waits for no call."""
        while due := self._take(is_new=True):
            threading.Thread(
                target=self._call_all, args=(due,), name="job-webhook", daemon=True
            ).start()

    def stop(self) -> None:
        """Take no more calls; one that is being made, and is not ended, is made again."""
        self._is_stopping = True

    def _call_all(self, due: JobCall | None) -> None:
        """Make a call, and the next one that is due."""
        endurance = Endurance("job-webhook")
        while due:
            with endurance.outlived():
                self._call(due)
            with self._lock:
                self._called.discard(due.owner)
            due = None
            with endurance.outlived():
                due = self._take()
        with self._lock:
            self._n_callers -= 1

    def _call(self, due: JobCall) -> None:
        try:
            self._work.webhooks.call(
                due.url, message_id=due.job.id, timestamp_s=int(time.time()), body=due.body
            )
        except CallFailed as exc:
            _log.warning("the webhook of job %s is not taken: %s", due.job.id, exc)
            self._work.calls.refused(due)
        else:
            self._work.calls.taken(due)

    def _take(self, *, is_new: bool = False) -> JobCall | None:
        """Take a call that is due, of an owner whom nobody here is calling."""
        with self._lock:
            if self._is_stopping or (is_new and self._n_callers == N_CALLERS):
                return None
            due = self._work.calls.take_next(but_not=self._called)
            if due is not None:
                self._n_callers += is_new
                if due.owner:
                    self._called.add(due.owner)
            return due
