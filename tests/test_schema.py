"""The tables by version: from nothing, from before there were versions, and by many at once."""

import importlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from emosync.database import METADATA, Database
from emosync.errors import DatabaseOutdated, DatabaseUnavailable
from emosync.history import History
from emosync.schema import newest_version

ROOT = Path(__file__).parent.parent
VERSIONS = sorted((ROOT / "emosync" / "migrations" / "versions").glob("*.py"))
# What the release before the versions made, with a row each.
BEFORE_VERSIONS = """
CREATE TABLE predictions (
    id {serial} PRIMARY KEY, audio_file VARCHAR(64) NOT NULL UNIQUE, filename TEXT NOT NULL,
    timestamp {datetime} NOT NULL, task VARCHAR(32) NOT NULL, method VARCHAR(64) NOT NULL,
    emotion VARCHAR(64) NOT NULL, confidence FLOAT NOT NULL, probabilities JSON NOT NULL,
    duration_s FLOAT NOT NULL, windows JSON NOT NULL
);
CREATE INDEX ix_predictions_timestamp ON predictions (timestamp);
CREATE TABLE settings (name VARCHAR(64) NOT NULL PRIMARY KEY, value VARCHAR(256) NOT NULL);
INSERT INTO settings VALUES ('speech_method', 'cnn');
INSERT INTO predictions (audio_file, filename, timestamp, task, method, emotion, confidence,
    probabilities, duration_s, windows)
VALUES ('20240115-143025-0000000000000000.wav', 'mein g\u00e4hnen.wav',
    '2024-01-15 14:30:25.000000', 'speech', 'cnn', 'sad', 0.75, '{{"sad": 0.75}}', 1.5, '[]');
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.sqlite3"
    found: str = request.getfixturevalue("postgres_url")
    return found


def fill_as_before_versions(url: str) -> None:
    is_sqlite = url.startswith("sqlite")
    script = BEFORE_VERSIONS.format(
        serial="INTEGER" if is_sqlite else "SERIAL",
        datetime="DATETIME" if is_sqlite else "TIMESTAMP",
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in script.split(";\n")[:-1]:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_every_table_of_the_code_is_as_the_versions_make_it(url: str) -> None:
    for path in (ROOT / "emosync").glob("*.py"):
        if "METADATA" in path.read_text():
            importlib.import_module(f"emosync.{path.stem}")
    database = Database(url)
    database.upgrade()
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_the_versions_are_one_chain_in_the_order_of_their_names() -> None:
    before = None
    for path in VERSIONS:
        names: dict[str, object] = {}
        exec(path.read_text(), names)
        assert names["revision"] == path.stem
        assert names["down_revision"] == before
        before = path.stem
    assert newest_version() == before


def test_a_database_from_before_the_versions_is_taken_over(url: str) -> None:
    fill_as_before_versions(url)
    database = Database(url)
    assert database.version() == ""
    database.upgrade()
    assert database.version() == newest_version()
    history = History(database)
    (entry,) = history.page(limit=5)
    assert (entry.id, entry.filename, entry.confidence) == (1, "mein g\u00e4hnen.wav", 0.75)
    assert history.find("mein g\u00e4hnen.wav") == entry
    history.add([entry.__class__(**{**vars(entry), "audio_file": "second", "id": None})])
    assert [found.id for found in history.page(limit=5)] == [2, 1]
    database.close()


def test_many_that_upgrade_at_once_do_it_once(url: str) -> None:
    fill_as_before_versions(url)

    def start(_: int) -> str:
        database = Database(url, timeout_s=30)
        database.upgrade()
        version = database.version()
        database.close()
        return version

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(start, range(8))) == {newest_version()}


def test_an_upgrade_that_fails_leaves_everything_as_it_was(url: str) -> None:
    fill_as_before_versions(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        # The name that a later version gives to an index.
        connection.execute(text("CREATE TABLE ix_predictions_name (id INTEGER)"))
    database = Database(url)
    with pytest.raises(DatabaseUnavailable):
        database.upgrade()
    assert database.version() == ""
    with engine.begin() as connection:
        assert len(connection.execute(text("SELECT * FROM predictions")).one()) == 11
    engine.dispose()
    database.close()


def test_a_server_that_is_behind_is_not_upgraded_by_a_request(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(DatabaseOutdated, match="flask db upgrade"):
        database.check()
    assert database.version() == ""
    Database(postgres_url).upgrade()
    database.check()
    database.close()


def test_a_newer_database_still_serves_the_processes_of_the_last_release(url: str) -> None:
    database = Database(url)
    database.upgrade()
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    again = Database(url)
    again.check()
    again.upgrade()
    assert again.version() == "9999_later"
    database.close()
    again.close()


def test_an_id_is_never_given_twice(url: str) -> None:
    fill_as_before_versions(url)
    database = Database(url)
    database.upgrade()
    history = History(database)
    (first,) = history.page(limit=1)
    with database.begin() as connection:
        connection.execute(text("DELETE FROM predictions"))
    history.add([first])
    assert [entry.id for entry in history.page(limit=5)] == [2]
    database.close()


def test_a_current_database_is_used_without_alembic(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from emosync.database import Database\n"
        f"Database('sqlite:///{tmp_path}/state.sqlite3').check()\n"
        "print('alembic' in sys.modules)\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_who_upgrades_waits_for_locks_no_longer_afterwards(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/state.sqlite3", timeout_s=0.2)
    database.check()
    lock = sqlite3.connect(tmp_path / "state.sqlite3", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseUnavailable), database.begin() as connection:
        connection.execute(text("DELETE FROM settings"))
    lock.close()
    database.close()
