import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from emosync.database import Database
from emosync.errors import DatabaseUnavailable
from emosync.history import History
from emosync.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "later" / "state.sqlite3"


@pytest.fixture
def database(path: Path) -> Database:
    return Database(f"sqlite:///{path}", timeout_s=0.2)


def test_nothing_is_opened_before_it_is_needed(path: Path, database: Database) -> None:
    assert not path.exists()
    database.check()
    assert path.exists()


def test_sqlite_lets_readers_work_beside_a_writer(database: Database) -> None:
    with database.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    insert = text("INSERT INTO settings VALUES ('speech_method', 'cnn')")
    with pytest.raises(ValueError), database.begin() as connection:
        connection.execute(insert)
        raise ValueError
    assert Settings(database).method("speech") is None


def test_many_that_start_together_make_the_tables_once(path: Path) -> None:
    def start(_: int) -> None:
        database = Database(f"sqlite:///{path}", timeout_s=10)
        History(database).page(limit=1)
        database.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(start, range(32)))


def test_a_locked_database_is_unavailable_within_the_timeout(
    path: Path, database: Database
) -> None:
    settings = Settings(database)
    settings.choose_method("speech", "cnn")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    started_s = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        settings.choose_method("speech", "svm")
    assert time.monotonic() - started_s < 2
    assert settings.method("speech") == "cnn"  # readers do not wait for a writer
    lock.execute("ROLLBACK")
    lock.close()
    settings.choose_method("speech", "svm")
    assert settings.method("speech") == "svm"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////proc/none/state.sqlite3",
        "postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing",
    ],
)
def test_a_database_that_is_down_is_unavailable_and_no_secret_is_told(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        Database(url, timeout_s=1).check()
    assert "secret" not in caught.value.message
    assert "proc" not in caught.value.message


def test_a_file_that_is_no_database_is_unavailable(path: Path, database: Database) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseUnavailable):
        database.check()
