"""What is left to do once the last part of a job has ended."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, delete, exists, select, update

from emosync.database import Database
from emosync.file_store import FileStore
from emosync.job_tables import JOB_ITEMS, JOBS, now
from emosync.orphans import remove_orphans

# Jobs that one call forgets at most, so that no transaction grows long.
_BATCH: Final = 500
_HAS_WORK: Final = exists().where(JOB_ITEMS.c.job_id == JOBS.c.id, JOB_ITEMS.c.due.is_not(None))


class JobEndings:
    """Ends jobs, and forgets them later.

    Parameters
    ----------
    database : Database
        Where the jobs are kept.
    bodies : FileStore
        Where the bodies of their requests are kept.
    """

    def __init__(self, database: Database, bodies: FileStore) -> None:
        self._database = database
        self._bodies = bodies

    def end(self, job_id: str) -> None:
        """End a job if all of its parts have ended.

        To be called after the transaction in which a part ended: of two parts that end side by
        side neither sees the other, but whoever comes here last sees both.
        """
        self._end(JOBS.c.id == job_id)

    def end_forgotten(self) -> None:
        """End the jobs whose last worker died before it could."""
        ended = select(JOBS.c.id).where(JOBS.c.finished_at.is_(None), ~_HAS_WORK)
        self._end(JOBS.c.id.in_(ended.limit(_BATCH)))

    def forget(self, *, after_s: float) -> int:
        """Delete jobs that ended long ago.

        Parameters
        ----------
        after_s : float
            How long ago, in seconds.

        Returns
        -------
        int
            How many were deleted; at most 500 in one call.
        """
        limit = now() - timedelta(seconds=after_s)
        old = select(JOBS.c.id, JOBS.c.body_name).where(JOBS.c.finished_at < limit).limit(_BATCH)
        with self._database.begin() as connection:
            body_names = dict(connection.execute(old).all())
            # One may be left where a worker died between ending a job and removing its body.
            self._discard(body_names.values())
            for table, column in ((JOB_ITEMS, JOB_ITEMS.c.job_id), (JOBS, JOBS.c.id)):
                connection.execute(delete(table).where(column.in_(body_names)))
        return len(body_names)

    def remove_orphans(self, *, age_s: float) -> int:
        """Remove bodies of which no job knows, as a killed process leaves them.

        Parameters
        ----------
        age_s : float
            How old they must be, in seconds: longer than anybody takes to add the job.

        Returns
        -------
        int
            How many.

        Raises
        ------
        StorageUnavailable, DatabaseUnavailable
            If one of them may be left.
        """
        return remove_orphans(self._bodies, self._known, now() - timedelta(seconds=age_s))

    def _known(self, body_names: Sequence[str]) -> set[str]:
        query = select(JOBS.c.body_name).where(JOBS.c.body_name.in_(body_names))
        with self._database.begin() as connection:
            return set(connection.scalars(query))

    def _end(self, which: ColumnElement[bool]) -> None:
        moment = now()
        ended = (
            update(JOBS)
            .where(which, JOBS.c.finished_at.is_(None), ~_HAS_WORK)
            .values(
                finished_at=moment,
                webhook_due=case((JOBS.c.webhook.is_not(None), moment), else_=None),
            )
            .returning(JOBS.c.body_name)
        )
        with self._database.begin() as connection:
            body_names = list(connection.scalars(ended))
        self._discard(body_names)

    def _discard(self, body_names: Iterable[str | None]) -> None:
        for name in body_names:
            if name is not None:
                self._bodies.discard(name)
