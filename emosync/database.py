"""One SQL database for all workers: SQLite in WAL mode, or Postgres."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.schema import CreateIndex, CreateTable

from emosync.errors import DatabaseUnavailable

METADATA: Final = MetaData()


class Database:
    """Connections to the database, made when first needed.

    An engine holds sockets and locks that must not cross a fork, so nothing connects here:
    the first transaction does, and makes the tables that are missing.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    timeout_s : float
        How long to wait for a lock or a connection, in seconds.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self._file = Path(make_url(url).database or "") if self._is_sqlite else None
        argument = "timeout" if self._is_sqlite else "connect_timeout"
        seconds = timeout_s if self._is_sqlite else max(1, round(timeout_s))
        self._engine = create_engine(
            url,
            connect_args={argument: seconds},
            # As many as a worker may have threads; a connection is kept, not reopened.
            pool_size=16,
            pool_timeout=timeout_s,
            # Postgres may have been restarted since; a file cannot go away like that.
            pool_pre_ping=not self._is_sqlite,
        )
        self._schema_lock = threading.Lock()
        self._has_schema = False
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end of the block.

        Raises
        ------
        DatabaseUnavailable
            If the database is locked, down, full or broken.
        """
        try:
            self._ensure_schema()
            with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, TimeoutError, OSError) as exc:
            raise DatabaseUnavailable(
                "The database does not answer at the moment; try again shortly."
            ) from exc

    def check(self) -> None:
        """Raise DatabaseUnavailable unless a query is answered."""
        with self.begin() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _ensure_schema(self) -> None:
        with self._schema_lock:
            if self._has_schema:
                return
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.begin() as connection:
                self._create_tables(connection)
            self._has_schema = True

    def _create_tables(self, connection: Connection) -> None:
        """Make what is missing; workers that start together must not trip each other."""
        if not self._is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(7308324465)"))
        for table in METADATA.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let readers and a writer work side by side.

    With synchronous at NORMAL a commit survives the death of the process, and costs no
    fsync; only a power cut can take back the last ones, never corrupt the file.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
