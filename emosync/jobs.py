"""Jobs as those see them who asked for them: made, looked at, cancelled."""

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from emosync.caller import current_caller
from emosync.database import Database
from emosync.errors import DatabaseUnavailable
from emosync.file_store import FileStore
from emosync.job_endings import JobEndings
from emosync.job_errors import UnknownJob
from emosync.job_tables import (
    CANCELLED,
    DONE,
    FAILED,
    JOB_ITEMS,
    JOBS,
    QUEUED,
    RUNNING,
    STATES,
    now,
)
from emosync.recordings import new_name

_ID_BYTES: Final = 16

# A part of a job: the job's id and the part's number, from 0.
ItemId = tuple[str, int]


@dataclass(frozen=True)
class NewItem:
    """A part of a job that is to be made.

    Attributes
    ----------
    query : str
        Of its URL, encoded.
    name : str
        What the job's answer calls it, such as the id of a song.
    """

    query: str
    name: str = ""


@dataclass(frozen=True)
class NewJob:
    """A request that is to be answered later.

    Attributes
    ----------
    verb, path : str
        As in "POST" and "/predict".
    items : sequence of NewItem
        What each part asks; one, unless it is a batch.
    body : bytes
        As it was sent; kept as a file, of which workers get the name.
    content_type : str
        Of the body.
    webhook : str, optional
        Called once the last part has ended.
    is_batch : bool
        Whether its answer lists its parts.
    """

    verb: str
    path: str
    items: Sequence[NewItem]
    body: bytes = b""
    content_type: str = ""
    webhook: str | None = None
    is_batch: bool = False


@dataclass(frozen=True)
class Job:
    """How far a job is.

    Attributes
    ----------
    id : str
        32 hexadecimal digits.
    created_at : datetime
        When it was accepted, in UTC without a zone.
    finished_at : datetime, optional
        When its last part ended; None before.
    is_batch : bool
        Whether its answer lists its parts.
    counts : mapping of str to int
        How many parts are in each of `job_tables.STATES`.
    """

    id: str
    created_at: datetime
    finished_at: datetime | None
    is_batch: bool
    counts: Mapping[str, int]

    @property
    def item_ids(self) -> list[ItemId]:
        """Names its parts, as workers are told of them."""
        return [(self.id, position) for position in range(self.progress["total"])]

    @property
    def progress(self) -> dict[str, int]:
        """Number of the parts, and of those in each state."""
        return {"total": sum(self.counts.values()), **self.counts}

    @property
    def state(self) -> str:
        """One of `job_tables.STATES`, of the job as a whole."""
        if self.counts[QUEUED] or self.counts[RUNNING]:
            has_begun = self.progress["total"] > self.counts[QUEUED]
            return RUNNING if has_begun else QUEUED
        return next(state for state in (CANCELLED, DONE, FAILED) if self.counts[state])


@dataclass(frozen=True)
class Item:
    """A part of a job, with its answer once it has one.

    Attributes
    ----------
    position : int
        Number of the part, from 0.
    name : str
        Such as the id of a song.
    state : str
        One of `job_tables.STATES`.
    status : int, optional
        HTTP status of the answer.
    answer : str, optional
        Body of the answer: JSON.
    """

    position: int
    name: str
    state: str
    status: int | None
    answer: str | None


class Jobs:
    """Jobs in the database; each caller sees those of its own.

    Parameters
    ----------
    database : Database
        Where they are kept.
    bodies : FileStore
        Where the bodies of their requests are kept.
    lease_s : float
        After how many seconds workers are told again of a part that nobody began.
    """

    def __init__(self, database: Database, bodies: FileStore, *, lease_s: float) -> None:
        self._database = database
        self._bodies = bodies
        self._endings = JobEndings(database, bodies)
        self._lease_s = lease_s

    def add(self, new: NewJob) -> Job:
        """Keep a job, for the caller at hand; one that has a key is kept once.

        Parameters
        ----------
        new : NewJob
            What it asks.

        Returns
        -------
        Job
            Its parts wait to be done, unless it was kept before.

        Raises
        ------
        DatabaseUnavailable, StorageUnavailable
            If it cannot be kept. There is no job then; but where the database went away in that
            moment, there may be one.
        """
        item = current_caller().item
        if item is not None:
            # Whoever was asked first may have died between keeping it and saying so.
            with suppress(UnknownJob):
                return self.find(item.job_id)
        row = _row(new)
        if row["body_name"]:
            self._bodies.keep(row["body_name"], new.body)
        try:
            self._insert(row, new.items)
        except DatabaseUnavailable:
            # It is kept and that was not told; or another attempt of the same key was faster.
            with suppress(UnknownJob):
                return self.find(row["id"])
            raise
        counts = {**dict.fromkeys(STATES, 0), QUEUED: len(new.items)}
        return Job(row["id"], row["created_at"], None, new.is_batch, counts)

    def _insert(self, row: Mapping[str, Any], new: Sequence[NewItem]) -> None:
        """Keep a job and its parts, or leave neither them nor its body."""
        items = [self._queued(item, row, n) for n, item in enumerate(new)]
        try:
            with self._database.begin() as connection:
                connection.execute(insert(JOBS), row)
                connection.execute(insert(JOB_ITEMS), items)
        except BaseException as exc:
            # If it may be kept, so is its body; `JobEndings.remove_orphans` finds out.
            may_be_kept = isinstance(exc, DatabaseUnavailable) and exc.may_be_done
            if row["body_name"] and not may_be_kept:
                self._bodies.discard(row["body_name"])
            raise

    def find(self, job_id: str) -> Job:
        """Return a job of the caller's; raises UnknownJob."""
        job = self._found(job_id)
        if job.finished_at is None and job.state not in (QUEUED, RUNNING):
            # Its last worker has not come to that yet, or died before it could.
            self._endings.end(job_id)
            job = self._found(job_id)
        return job

    def _found(self, job_id: str) -> Job:
        with self._database.begin() as connection:
            row = _check_own(connection, job_id)
            return Job(
                id=row["id"],
                created_at=row["created_at"],
                finished_at=row["finished_at"],
                is_batch=row["is_batch"],
                counts=_counts(connection, job_id),
            )

    def items(self, job_id: str, *, after: int = -1, limit: int) -> list[Item]:
        """Return parts of a job of the caller's, in order.

        Parameters
        ----------
        job_id : str
            The job.
        after : int
            Number of the last part of the page before.
        limit : int
            How many at most.

        Raises
        ------
        UnknownJob
            If there is no such job, or it is somebody else's.
        """
        columns = [JOB_ITEMS.c[name] for name in ("position", "name", "state", "status", "answer")]
        query = select(*columns).where(JOB_ITEMS.c.job_id == job_id, JOB_ITEMS.c.position > after)
        query = query.order_by(JOB_ITEMS.c.position).limit(limit)
        with self._database.begin() as connection:
            _check_own(connection, job_id)
            return [Item(**row) for row in connection.execute(query).mappings()]

    def n_unfinished(self) -> int:
        """Count the jobs of the caller's that have not ended."""
        own = (JOBS.c.owner == current_caller().owner) & JOBS.c.finished_at.is_(None)
        with self._database.begin() as connection:
            return int(connection.execute(select(func.count()).where(own)).scalar_one())

    def cancel(self, job_id: str) -> None:
        """End every part of a job of the caller's that has not ended; raises UnknownJob.

        Who works on one is not told before it is done; its answer then counts no more.
        """
        left = update(JOB_ITEMS).where(JOB_ITEMS.c.job_id == job_id, JOB_ITEMS.c.due.is_not(None))
        with self._database.begin() as connection:
            _check_own(connection, job_id)
            connection.execute(left.values(state=CANCELLED, due=None, lease=None))
        self._endings.end(job_id)

    def _queued(self, item: NewItem, job: Mapping[str, Any], position: int) -> dict[str, Any]:
        return {
            "job_id": job["id"],
            "position": position,
            "name": item.name,
            "query": item.query,
            "state": QUEUED,
            "attempts": 0,
            "due": job["created_at"],
            "ring_at": time.time() + self._lease_s,
            "ring_pause_s": self._lease_s,
        }


def _row(new: NewJob) -> dict[str, Any]:
    caller = current_caller()
    moment = now()
    return {
        "id": caller.item.job_id if caller.item else secrets.token_hex(_ID_BYTES),
        "owner": caller.owner,
        "scopes": " ".join(sorted(caller.scopes)),
        "request_id": caller.request_id,
        "created_at": moment,
        "is_batch": new.is_batch,
        "verb": new.verb,
        "path": new.path,
        "content_type": new.content_type,
        "body_name": new_name(moment, container="body") if new.body else None,
        "webhook": new.webhook,
        "webhook_attempts": 0,
    }


def _check_own(connection: Connection, job_id: str) -> RowMapping:
    """Return the row of a job of the caller's; raises UnknownJob."""
    query = select(JOBS).where(JOBS.c.id == job_id, JOBS.c.owner == current_caller().owner)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownJob("There is no such job; those that ended are kept for some days.")
    return row


def _counts(connection: Connection, job_id: str) -> dict[str, int]:
    query = select(JOB_ITEMS.c.state, func.count()).where(JOB_ITEMS.c.job_id == job_id)
    counts = dict.fromkeys(STATES, 0)
    for state, count in connection.execute(query.group_by(JOB_ITEMS.c.state)):
        counts[state] = count
    return counts
