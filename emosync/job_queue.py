"""Parts of jobs as workers see them: taken for a while, and ended once.

Whoever takes a part gets a lease. It runs out unless it is renewed, and anyone may take the
part then, so that the death of a worker loses nothing. Whatever a worker writes holds only
while the lease is its own: of two that work on the same part one is heard.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    RowMapping,
    case,
    exists,
    func,
    select,
    tuple_,
    update,
)

from emosync.database import Database
from emosync.file_store import FileStore
from emosync.job_endings import JobEndings
from emosync.job_tables import CANCELLED, DONE, FAILED, JOB_ITEMS, JOBS, QUEUED, RUNNING, now
from emosync.jobs import ItemId

_LEASE_BYTES: Final = 16
_ID: Final = tuple_(JOB_ITEMS.c.job_id, JOB_ITEMS.c.position)
_FIRST_ERROR: Final = 400
# Between one time and the next that workers are told of a part, in leases.
_LONGEST_PAUSE: Final = 8


@dataclass(frozen=True)
class Taken:
    """A part of a job in the hands of one worker.

    Attributes
    ----------
    job_id : str
        The job.
    position : int
        Number of the part, from 0.
    lease : str
        Proves whose it is.
    attempts : int >= 1
        How many workers have taken it, this one included.
    query : str
        Of the URL, encoded.
    owner, request_id : str
        Of whoever asked; see `caller.Caller`.
    scopes : frozenset of str
        What the one who asked may do.
    created_at : datetime
        When the job was accepted, in UTC without a zone.
    verb, path, content_type : str
        Of the request.
    body_name : str, optional
        Under which its body is stored.
    """

    job_id: str
    position: int
    lease: str
    attempts: int
    query: str
    owner: str
    scopes: frozenset[str]
    request_id: str
    created_at: datetime
    verb: str
    path: str
    content_type: str
    body_name: str | None


class JobQueue:
    """The parts that wait or are worked on.

    Parameters
    ----------
    database : Database
        Where they are kept.
    bodies : FileStore
        Where the bodies of the requests are kept.
    lease_s : float
        How long a part stays with a worker that shows no sign of life, in seconds.
    """

    def __init__(self, database: Database, bodies: FileStore, *, lease_s: float) -> None:
        self._database = database
        self._endings = JobEndings(database, bodies)
        self.lease_s = lease_s

    def take(self, item: ItemId) -> Taken | None:
        """Take that part; None if it has ended, or is not to be taken at the moment."""
        return self._take(_is(item))

    def take_next(self) -> Taken | None:
        """Take the part that has waited longest; None if there is none."""
        # Mostly there is nothing to do, and looking disturbs no writer.
        with self._database.begin() as connection:
            if not connection.scalar(select(exists().where(JOB_ITEMS.c.due <= now()))):
                return None
        return self._take(_ID.in_(select(*_first(JOB_ITEMS.c.due <= now(), limit=1).c)))

    def renew(self, taken: Taken) -> bool:
        """Prolong the lease; tells whether it still was the worker's own."""
        return self._change(taken, due=self._lease_end())

    def finish(self, taken: Taken, *, status: int, answer: str) -> bool:
        """End a part with its answer.

        Parameters
        ----------
        taken : Taken
            The part.
        status : int
            HTTP status of the answer.
        answer : str
            Its body.

        Returns
        -------
        bool
            False if it was no longer the worker's own; nothing is changed then.
        """
        state = FAILED if status >= _FIRST_ERROR else DONE
        if not self._change(taken, state=state, due=None, lease=None, status=status, answer=answer):
            return False
        self._endings.end(taken.job_id)
        return True

    def is_void(self, taken: Taken) -> bool:
        """Tell whether a part has ended without a result: what comes of it now is unwanted."""
        state = select(JOB_ITEMS.c.state).where(_is((taken.job_id, taken.position)))
        with self._database.begin() as connection:
            return connection.scalar(state) in (CANCELLED, FAILED)

    def put_back(self, taken: Taken, *, pause_s: float, attempts: int) -> None:
        """Let a part wait for another attempt.

        Parameters
        ----------
        taken : Taken
            The part.
        pause_s : float >= 0
            For how long nobody may take it, in seconds.
        attempts : int
            How many attempts are to be counted.
        """
        self._change(
            taken,
            state=QUEUED,
            due=now() + timedelta(seconds=pause_s),
            ring_at=time.time() + pause_s,
            lease=None,
            attempts=attempts,
        )

    def unheard(self, *, limit: int) -> list[ItemId]:
        """Return parts that wait and of which workers are to be told now, the oldest first.

        Whoever asks, each is returned after a lease, then after two, four and at last every
        eight: most have been heard, and wait because the queue is long.
        """
        pause_s, longest_s = JOB_ITEMS.c.ring_pause_s, _LONGEST_PAUSE * self.lease_s
        is_unheard = (JOB_ITEMS.c.due <= now()) & (JOB_ITEMS.c.ring_at <= time.time())
        told = (
            update(JOB_ITEMS)
            .where(_ID.in_(select(*_first(is_unheard, limit=limit).c)))
            .values(
                ring_at=time.time() + pause_s,
                ring_pause_s=case((2 * pause_s < longest_s, 2 * pause_s), else_=longest_s),
            )
            .returning(JOB_ITEMS.c.job_id, JOB_ITEMS.c.position)
        )
        with self._database.begin() as connection:
            return [(job_id, position) for job_id, position in connection.execute(told)]

    def depth(self) -> dict[str, int]:
        """Count the parts that are queued and running."""
        query = select(JOB_ITEMS.c.state, func.count()).where(JOB_ITEMS.c.due.is_not(None))
        with self._database.begin() as connection:
            found = connection.execute(query.group_by(JOB_ITEMS.c.state)).all()
        return {QUEUED: 0, RUNNING: 0, **{state: count for state, count in found}}

    def _take(self, which: ColumnElement[bool]) -> Taken | None:
        lease = secrets.token_hex(_LEASE_BYTES)
        taken = (
            update(JOB_ITEMS)
            .where(which, JOB_ITEMS.c.due <= now())
            .values(
                state=RUNNING,
                lease=lease,
                due=self._lease_end(),
                ring_at=time.time() + self.lease_s,
                ring_pause_s=self.lease_s,
                attempts=JOB_ITEMS.c.attempts + 1,
            )
            .returning(*(JOB_ITEMS.c[n] for n in ("job_id", "position", "attempts", "query")))
        )
        with self._database.begin() as connection:
            item = connection.execute(taken).mappings().one_or_none()
            return None if item is None else _taken(connection, item, lease)

    def _change(self, taken: Taken, **values: Any) -> bool:
        """Change a part while the lease is its worker's own; tells whether it was."""
        own = update(JOB_ITEMS).where(
            _is((taken.job_id, taken.position)), JOB_ITEMS.c.lease == taken.lease
        )
        with self._database.begin() as connection:
            return connection.execute(own.values(**values)).rowcount == 1

    def _lease_end(self) -> datetime:
        return now() + timedelta(seconds=self.lease_s)


def _is(item: ItemId) -> ColumnElement[bool]:
    job_id, position = item
    return (JOB_ITEMS.c.job_id == job_id) & (JOB_ITEMS.c.position == position)


def _first(which: ColumnElement[bool], *, limit: int) -> CTE:
    """Select the oldest parts that no other worker is about to take.

    A common table expression is evaluated once; a subquery might be run for every row, and
    then takes more than `limit`. SQLite, which lets one write at a time, locks no rows.
    """
    query = select(JOB_ITEMS.c.job_id, JOB_ITEMS.c.position).where(which)
    query = query.order_by(JOB_ITEMS.c.due, JOB_ITEMS.c.position).limit(limit)
    return query.with_for_update(skip_locked=True).cte("first_items")


def _taken(connection: Connection, item: RowMapping, lease: str) -> Taken:
    names = ("owner", "scopes", "request_id", "created_at", "verb", "path", "content_type")
    query = select(*(JOBS.c[name] for name in (*names, "body_name")))
    job = connection.execute(query.where(JOBS.c.id == item["job_id"])).mappings().one()
    return Taken(**{**item, **job, "lease": lease, "scopes": frozenset(job["scopes"].split())})
