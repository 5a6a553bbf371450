"""What keeps jobs going whatever is lost on the way: a thread in every process that does them."""

import threading
from collections.abc import Callable
from typing import Final

from application.jobs.job_bell import LocalBell
from application.jobs.job_callers import JobCallers
from application.jobs.job_endurance import Endurance
from application.jobs.job_service import JobService
from emosync.config import Config
from emosync.orphans import PART_AGE_S

# Parts of jobs that workers are told of again at a time. Each waits for the lease at least until
# its next time, so that a long queue is not doubled, and tripled, in the broker.
_N_TOLD: Final = 200
_LOOKS_IN_A_LEASE: Final = 6
_CALL_PERIOD_S: Final = 2.0
# What is in the middle of something is left there; whoever looks next does it again.
_STOP_S: Final = 2.0
_HOUR_S: Final = 3_600.0
_DAY_S: Final = 86_400.0


class JobUpkeep:
    """Tells of forgotten work, ends forgotten jobs, calls webhooks, and deletes old jobs.

    Parameters
    ----------
    work : JobService
        Where jobs are.
    config : Config
        How long they are kept.
    """

    def __init__(self, work: JobService, config: Config) -> None:
        self._work = work
        self._callers = JobCallers(work)
        self._kept_s = config.job_retention_days * _DAY_S
        period_s = config.job_lease_s / _LOOKS_IN_A_LEASE
        self._periods = [
            _Period("job-upkeep", self.look, period_s),
            _Period("job-retention", self.forget, _HOUR_S),
        ]
        if config.webhook_secret:
            self._periods.append(_Period("job-webhooks", self._callers.start_due, _CALL_PERIOD_S))

    def start(self) -> None:
        """Begin to look after jobs."""
        for period in self._periods:
            period.start()

    def stop(self) -> None:
        """End it."""
        self._callers.stop()
        for period in self._periods:
            period.stop()

    def look(self) -> None:
        """Tell workers of what nobody began, and end what nobody ended."""
        # Threads of web processes look by themselves.
        if not isinstance(self._work.bell, LocalBell):
            self._work.bell.ring(self._work.queue.unheard(limit=_N_TOLD))
        self._work.endings.end_forgotten()

    def forget(self) -> None:
        """Delete jobs and first answers that have been kept long enough, and what is of none."""
        while self._work.endings.forget(after_s=self._kept_s):
            pass
        self._work.first_answers.forget()
        self._work.endings.remove_orphans(age_s=PART_AGE_S)


class _Period:
    """Calls a function again and again, in a thread of its own; the first time at once."""

    def __init__(self, name: str, function: Callable[[], None], period_s: float) -> None:
        self._function = function
        self._period_s = period_s
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        endurance = Endurance(self._thread.name)
        while not self._is_stopping.is_set():
            with endurance.outlived():
                self._function()
            self._is_stopping.wait(self._period_s)
