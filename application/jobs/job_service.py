"""Jobs, their workers and what they leave, wired; needs no model, and knows no Flask."""

from application.jobs.job_bell import Bell, CeleryBell, LocalBell
from emosync.config import Config
from emosync.database import Database
from emosync.file_store import FileStore
from emosync.first_answers import FirstAnswers
from emosync.job_calls import JobCalls
from emosync.job_endings import JobEndings
from emosync.job_errors import TooManyJobs
from emosync.job_queue import JobQueue
from emosync.jobs import Job, Jobs, NewJob
from emosync.webhooks import Webhooks


class JobService:
    """What views and workers ask for about jobs.

    Parameters
    ----------
    config : Config
        Names the broker and the times.
    database : Database
        Where jobs are kept.
    bodies : FileStore
        Where the bodies of their requests are kept.

    Attributes
    ----------
    jobs : Jobs
        As those see them who asked for them.
    queue : JobQueue
        As workers see them.
    endings : JobEndings
        Ends and forgets them.
    calls : JobCalls
        Webhooks that are to be called.
    webhooks : Webhooks
        Calls them.
    first_answers : FirstAnswers
        Answers to keys that make requests safe to repeat.
    bell : Bell
        Tells workers of work.
    """

    def __init__(self, config: Config, database: Database, bodies: FileStore) -> None:
        lease_s = config.job_lease_s
        self._max_jobs = config.max_jobs_per_owner
        self.bodies = bodies
        self.jobs = Jobs(database, bodies, lease_s=lease_s)
        self.queue = JobQueue(database, bodies, lease_s=lease_s)
        self.endings = JobEndings(database, bodies)
        self.calls = JobCalls(database, self.jobs)
        self.webhooks = Webhooks(config.webhook_secret)
        self.first_answers = FirstAnswers(database)
        self.bell: Bell = CeleryBell(config) if config.celery_broker_url else LocalBell()

    def accept(self, new: NewJob) -> Job:
        """Keep a job and tell workers of it.

        Parameters
        ----------
        new : NewJob
            What it asks.

        Returns
        -------
        Job

        Raises
        ------
        TooManyJobs
            If the caller has too many already.
        DatabaseUnavailable, StorageUnavailable
            If it cannot be kept; there is no job then.
        """
        # Of requests at the same time one or the other may pass: it is no exact count.
        if self.jobs.n_unfinished() >= self._max_jobs:
            raise TooManyJobs(
                f"Of your jobs {self._max_jobs} have not ended; wait for some, or cancel them."
            )
        job = self.jobs.add(new)
        self.bell.ring(job.item_ids)
        return job
