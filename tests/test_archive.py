from datetime import datetime
from pathlib import Path

import pytest

from emosync.archive import Archive
from emosync.database import Database
from emosync.errors import DatabaseUnavailable, NotFound
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
    return Archive(Recordings(path / "uploads"), History(database))


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
