"""Whom to call once a job has ended, and when to try again."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update

from emosync.caller import Caller, working_for
from emosync.database import Database
from emosync.job_tables import JOBS, now
from emosync.jobs import Job, Jobs

# Between one attempt and the next; after the last of them nobody is called any more.
_PAUSES_S: Final = (5.0, 30.0, 300.0, 1_800.0, 7_200.0, 18_000.0)
# Whoever began to call this long ago has died; a call takes 15 s at most.
_LEASE_S: Final = 60.0


@dataclass(frozen=True)
class JobCall:
    """A call that is to be made now.

    Attributes
    ----------
    url : str
        Of the webhook.
    attempts : int >= 1
        How many calls were begun, this one included.
    job : Job
        Which has ended.
    owner : str
        Whose it is.
    """

    url: str
    attempts: int
    job: Job
    owner: str = ""

    @property
    def body(self) -> bytes:
        """What is sent: that the job has ended, and how; its answer is at `/jobs/ID`."""
        ended: datetime = self.job.finished_at or now()
        members = {
            "type": "job.finished",
            "timestamp": f"{ended.isoformat(timespec='seconds')}Z",
            "data": {
                "id": self.job.id,
                "state": self.job.state,
                "progress": self.job.progress,
            },
        }
        return json.dumps(members).encode()


class JobCalls:
    """Webhooks of jobs that have ended.

    Parameters
    ----------
    database : Database
        Where jobs are kept.
    jobs : Jobs
        Tells how they ended.
    """

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    def take_next(self, *, but_not: Collection[str] = ()) -> JobCall | None:
        """Take a call that is due. Of many that ask, one gets it.

        Parameters
        ----------
        but_not : collection of str
            Owners who have to wait.

        Returns
        -------
        JobCall or None
            None if nothing is due. A call that nobody ended, time and again, is not made any more.
        """
        due = (
            select(JOBS.c.id)
            .where(JOBS.c.webhook_due <= now(), JOBS.c.webhook_attempts <= len(_PAUSES_S))
            .where(JOBS.c.owner.not_in(but_not))
            .order_by(JOBS.c.webhook_due)
        )
        # Evaluated once, unlike a subquery; SQLite lets one write at a time and locks no rows.
        first = due.limit(1).with_for_update(skip_locked=True).cte("first_call")
        taken = (
            update(JOBS)
            .where(JOBS.c.id.in_(select(first.c.id)))
            .values(
                webhook_due=now() + timedelta(seconds=_LEASE_S),
                webhook_attempts=JOBS.c.webhook_attempts + 1,
            )
            .returning(JOBS.c.id, JOBS.c.owner, JOBS.c.webhook, JOBS.c.webhook_attempts)
        )
        with self._database.begin() as connection:
            row = connection.execute(taken).one_or_none()
        if row is None:
            return None
        with working_for(Caller(owner=row.owner)):
            job = self._jobs.find(row.id)
        return JobCall(row.webhook, row.webhook_attempts, job, row.owner)

    def taken(self, call: JobCall) -> None:
        """Call no more."""
        self._set_due(call, None)

    def refused(self, call: JobCall) -> None:
        """Call again later, unless it has been tried often enough."""
        if call.attempts > len(_PAUSES_S):
            self._set_due(call, None)
        else:
            self._set_due(call, now() + timedelta(seconds=_PAUSES_S[call.attempts - 1]))

    def _set_due(self, call: JobCall, due: datetime | None) -> None:
        own = update(JOBS).where(JOBS.c.id == call.job.id, JOBS.c.webhook_attempts == call.attempts)
        with self._database.begin() as connection:
            connection.execute(own.values(webhook_due=due))
