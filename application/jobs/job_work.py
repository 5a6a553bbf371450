"""Everything of jobs that runs beside the views of a web process."""

from collections.abc import Callable

from flask import Flask

from application.jobs.job_bell import LocalBell
from application.jobs.job_pool import STOP_S, JobPool
from application.jobs.job_runner import JobRunner
from application.jobs.job_upkeep import JobUpkeep
from application.services import Services
from emosync.config import Config


class JobWork:
    """Works on jobs, unless Celery's workers do, and looks after them.

    Threads do not survive a fork, so it is made in the process that serves.

    Parameters
    ----------
    app : Flask
        Whose jobs they are.
    shall_stop : callable
        Tells whether the process was told to stop, so that no part of a job is begun.
    """

    def __init__(self, app: Flask, *, shall_stop: Callable[[], bool] = lambda: False) -> None:
        config: Config = app.config["EMOSYNC"]
        found: Services = app.extensions["emosync"]
        self._upkeep = JobUpkeep(found.work, config)
        self._pool = None
        if isinstance(found.work.bell, LocalBell) and config.job_threads:
            runner = JobRunner(app, limit_s=config.job_time_limit_s)
            self._pool = JobPool(
                runner,
                found.work.queue,
                found.work.bell,
                n_threads=config.job_threads,
                shall_stop=shall_stop,
            )

    def start(self) -> None:
        """Begin."""
        self._upkeep.start()
        if self._pool:
            self._pool.start()

    def stop(self, *, within_s: float = STOP_S) -> None:
        """End what is begun in so many seconds, or put it back."""
        self._upkeep.stop()
        if self._pool:
            self._pool.stop(within_s=within_s)
