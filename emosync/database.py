"""One SQL database for all workers: SQLite in WAL mode, or Postgres.

A file of SQLite is brought to the newest version of the tables by whoever first uses it. A
server's is not: several machines may use it, and who runs them says when it is upgraded.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, TimeoutError

from emosync.errors import DatabaseOutdated, DatabaseUnavailable
from emosync.schema import is_outdated, lock_schema, upgrade, version_of

METADATA: Final = MetaData()


class Database:
    """Connections to the database, made when first needed.

    An engine holds sockets and locks that must not cross a fork, so nothing connects here:
    the first transaction does, and looks at the version of the tables.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    timeout_s : float
        How long to wait for a lock or a connection, in seconds.
    pool_size : int
        Most connections at once; a thread that needs one more waits.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0, pool_size: int = 8) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self._file = Path(make_url(url).database or "") if self._is_sqlite else None
        argument = "timeout" if self._is_sqlite else "connect_timeout"
        seconds = timeout_s if self._is_sqlite else max(1, round(timeout_s))
        self._engine = create_engine(
            url,
            connect_args={argument: seconds},
            # What rows hold, such as names of files, is nobody's business in a log.
            hide_parameters=True,
            # A connection is kept, not reopened.
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout_s,
            # Postgres may have been restarted since; a file cannot go away like that.
            pool_pre_ping=not self._is_sqlite,
        )
        self._schema_lock = threading.Lock()
        self._is_current = False
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
        else:
            event.listen(self._engine, "connect", _prepare_postgres(timeout_s))

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end of the block.

        Raises
        ------
        DatabaseUnavailable
            If the database is locked, down, full or broken. Where the connection was lost while
            it committed, nobody can say whether it did: see `may_be_done`.
        DatabaseOutdated
            If the tables are older than this code, on a server.
        """
        is_asked_for = False
        try:
            with _database_errors():
                self._ensure_schema()
                with self._engine.begin() as connection:
                    yield connection
                    is_asked_for = True
        except DatabaseUnavailable as exc:
            exc.may_be_done = is_asked_for
            raise

    def check(self) -> None:
        """Raise DatabaseUnavailable unless a query is answered."""
        with self.begin() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def version(self) -> str:
        """Name the version of the tables; raises DatabaseUnavailable."""
        with _database_errors():
            self._make_folder()
            with self._engine.connect() as connection:
                return version_of(connection)

    def upgrade(self) -> None:
        """Bring the tables to the newest version, or leave them; raises DatabaseUnavailable."""
        try:
            with _database_errors():
                self._make_folder()
                with self._engine.begin() as connection:
                    lock_schema(connection)
                    if is_outdated(connection):
                        upgrade(connection)
        finally:
            # That connection waits for locks as no request should.
            self._engine.dispose()

    def _ensure_schema(self) -> None:
        with self._schema_lock:
            if self._is_current:
                return
            self._make_folder()
            with self._engine.connect() as connection:
                outdated = is_outdated(connection)
            if outdated and not self._is_sqlite:
                raise DatabaseOutdated(
                    "The tables of the database are older than this service; whoever runs it "
                    "must upgrade them: flask db upgrade"
                )
            if outdated:
                self.upgrade()
            self._is_current = True

    def _make_folder(self) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def _database_errors() -> Iterator[None]:
    """Raise the driver's errors as ours; the cause goes to the log, never into the message."""
    try:
        yield
    except (DBAPIError, TimeoutError, OSError) as exc:
        raise DatabaseUnavailable(
            "The database does not answer at the moment; try again shortly."
        ) from exc


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let readers and a writer work side by side.

    With synchronous at NORMAL a commit survives the death of the process, and costs no
    fsync; only a power cut can take back the last ones, never corrupt the file.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _prepare_postgres(timeout_s: float) -> Callable[[Any, Any], None]:
    """Wait for locks no longer than for a connection."""

    def prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {round(timeout_s * 1000)}")
        # The pool takes back what a transaction leaves behind, settings too.
        connection.commit()

    return prepare
