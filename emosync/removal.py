"""Predictions that leave, with all that belongs to them: on request, or when they are old.

Files go before the row: while that is there, whoever was interrupted can begin again.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from emosync.database import Database
from emosync.drawings import picture_name, report_name
from emosync.errors import StorageUnavailable
from emosync.file_store import FileStore
from emosync.history import PREDICTIONS, Entry
from emosync.orphans import remove_orphans

# Rows that are read at once, and deleted in one transaction, so that others wait for none.
_BATCH: Final = 500


class Removal:
    """Rows of the history and their files, of whichever owner.

    Parameters
    ----------
    database : Database
        Where the rows are.
    uploads, pictures, reports : FileStore
        Where the files are.
    """

    def __init__(
        self, database: Database, *, uploads: FileStore, pictures: FileStore, reports: FileStore
    ) -> None:
        self._database = database
        # What each store calls the file of a recording.
        self._drawn = ((pictures, picture_name), (reports, report_name))
        self._stores = ((uploads, str), *self._drawn)

    def remove(self, entry: Entry) -> None:
        """Remove one entry; that it is the caller's own, the caller has seen.

        Raises
        ------
        StorageUnavailable, DatabaseUnavailable
            If something of it may be left.
        """
        self._remove([(entry.id or 0, entry.audio_file)])

    def remove_before(self, moment: datetime) -> int:
        """Remove what is older than a moment, in UTC without a zone; returns how many.

        Raises
        ------
        StorageUnavailable, DatabaseUnavailable
            If something of it may be left.
        """
        with self._database.begin() as connection:
            owners = connection.scalars(select(PREDICTIONS.c.owner).distinct()).all()
        n_removed = 0
        for owner in owners:
            while rows := self._older_than(moment, owner):
                self._remove(rows)
                n_removed += len(rows)
        return n_removed

    def remove_orphans(self, moment: datetime) -> int:
        """Remove files from before a moment that no entry knows, as a killed process leaves them.

        Parameters
        ----------
        moment : datetime
            Long enough ago that nobody is about to add the entry.

        Returns
        -------
        int
            How many files.
        """
        return sum(
            remove_orphans(store, self._known, moment, suffix=name_of(""))
            for store, name_of in self._stores
        )

    def _remove(self, rows: Sequence[tuple[int, str]]) -> None:
        for store, name_of in self._stores:
            store.remove([name_of(audio_file) for _, audio_file in rows])
        ids = [number for number, _ in rows]
        with self._database.begin() as connection:
            connection.execute(delete(PREDICTIONS).where(PREDICTIONS.c.id.in_(ids)))
        # Whoever was drawing meanwhile looks for the row once the drawing is kept: either that
        # was before it went, and the drawing goes now, or it was after, and they remove it.
        for store, name_of in self._drawn:
            with suppress(StorageUnavailable):
                store.remove([name_of(audio_file) for _, audio_file in rows])

    def _older_than(self, moment: datetime, owner: str) -> list[tuple[int, str]]:
        # By the index of the history's pages, which begins with the owner.
        query = select(PREDICTIONS.c.id, PREDICTIONS.c.audio_file)
        query = query.where(PREDICTIONS.c.owner == owner, PREDICTIONS.c.timestamp < moment)
        query = query.order_by(PREDICTIONS.c.timestamp).limit(_BATCH)
        with self._database.begin() as connection:
            return [(number, audio_file) for number, audio_file in connection.execute(query)]

    def _known(self, audio_files: Sequence[str]) -> set[str]:
        query = select(PREDICTIONS.c.audio_file).where(PREDICTIONS.c.audio_file.in_(audio_files))
        with self._database.begin() as connection:
            return set(connection.scalars(query))
