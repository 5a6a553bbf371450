from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from emosync.archive import Archive
from emosync.caller import Caller, JobItem, working_for
from emosync.database import Database
from emosync.errors import DatabaseUnavailable, NotFound
from emosync.file_store import FolderStore
from emosync.history import Entry, History
from emosync.recordings import Recordings
from emosync.stages import Stages

ENTRY = Entry(
    audio_file="",
    filename="a.wav",
    timestamp=datetime(2024, 1, 15, 14, 30, 25),
    task="speech",
    method="svm",
    emotion="sad",
    confidence=1.0,
    probabilities={"sad": 1.0},
    duration_s=1.0,
)


def archive(path: Path, url: str = "") -> Archive:
    database = Database(url or f"sqlite:///{path / 'a.sqlite3'}", timeout_s=0.2)
    return Archive(Recordings(FolderStore(path / "uploads")), History(database))


def test_each_entry_gets_a_file_of_its_own(tmp_path: Path) -> None:
    kept = archive(tmp_path).keep([ENTRY, ENTRY], b"sound", container="wav", stages=Stages())
    names = {entry.audio_file for entry in kept}
    assert len(names) == 2
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == names
    assert archive(tmp_path).recording(kept[0]) == b"sound"
    assert len(archive(tmp_path).history.page(limit=5)) == 2


def test_what_the_history_refuses_leaves_no_file(tmp_path: Path) -> None:
    broken = archive(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        broken.keep([ENTRY], b"sound", container="wav", stages=Stages())
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_recording_that_was_cleared_away_is_not_found(tmp_path: Path) -> None:
    (kept,) = archive(tmp_path).keep([ENTRY], b"sound", container="wav", stages=Stages())
    (tmp_path / "uploads" / kept.audio_file).unlink()
    with pytest.raises(NotFound):
        archive(tmp_path).recording(kept)


def test_storing_and_the_database_are_timed_apart(tmp_path: Path) -> None:
    stages = Stages()
    archive(tmp_path).keep([ENTRY], b"sound", container="wav", stages=stages)
    names = [part.partition(";")[0] for part in stages.server_timing().split(", ")]
    assert names == ["storage", "database", "total"]


IN_A_JOB = Caller("Ada", item=JobItem("0" * 32, 3, datetime(2024, 1, 15, 12)))


def test_part_of_a_job_that_is_done_again_is_kept_once(tmp_path: Path) -> None:
    with working_for(IN_A_JOB):
        first = archive(tmp_path).keep([ENTRY, ENTRY], b"s", container="wav", stages=Stages())
        again = replace(ENTRY, confidence=0.5)
        second = archive(tmp_path).keep([again, again], b"s", container="wav", stages=Stages())
        assert [replace(entry, id=None) for entry in second] == first
        assert len(archive(tmp_path).history.page(limit=5)) == 2
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {
        entry.audio_file for entry in first
    }


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_attempts_at_once_keep_one(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    database = Database(url or f"sqlite:///{tmp_path / 'a.sqlite3'}", timeout_s=10)
    database.upgrade()
    shared = Archive(Recordings(FolderStore(tmp_path / "uploads")), History(database))

    def attempt(_: int) -> str:
        with working_for(IN_A_JOB):
            (kept,) = shared.keep([ENTRY], b"sound", container="wav", stages=Stages())
            return kept.audio_file

    with ThreadPoolExecutor(8) as pool:
        (name,) = set(pool.map(attempt, range(24)))
    with working_for(IN_A_JOB):
        (entry,) = shared.history.page(limit=5)
    assert entry.audio_file == name
    assert shared.recording(entry) == b"sound"
    database.close()


def test_a_job_that_the_database_fails_leaves_what_another_attempt_may_have_kept(
    tmp_path: Path,
) -> None:
    broken = archive(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with working_for(IN_A_JOB), pytest.raises(DatabaseUnavailable):
        broken.keep([ENTRY], b"sound", container="wav", stages=Stages())
