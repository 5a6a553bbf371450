import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from test_history import ENTRY

from emosync.caller import Caller, working_for
from emosync.database import Database
from emosync.errors import StorageUnavailable
from emosync.file_store import FolderStore
from emosync.history import Entry, History
from emosync.recordings import new_name
from emosync.removal import Removal

NOON = datetime(2024, 1, 15, 12)
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/a" if is_sqlite else request.getfixturevalue("postgres_url")
    database = Database(url)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def removal(database: Database, tmp_path: Path) -> Removal:
    return Removal(
        database,
        uploads=FolderStore(tmp_path / "uploads"),
        pictures=FolderStore(tmp_path / "pictures"),
        reports=FolderStore(tmp_path / "reports"),
    )


def kept(database: Database, folder: Path, timestamp: datetime, owner: str = "") -> Entry:
    """Keep an entry with all its files, as if it had come at that time."""
    name = new_name(timestamp, container="wav")
    with working_for(Caller(owner)):
        entry = replace(ENTRY, audio_file=name, timestamp=timestamp, windows=())
        History(database).add([entry])
        entry = History(database).find(name)
    files(folder, name)
    return entry


def files(folder: Path, name: str) -> None:
    FolderStore(folder / "uploads").keep(name, b"sound")
    FolderStore(folder / "pictures").keep(f"{name}.png", b"picture")
    FolderStore(folder / "reports").keep(f"{name}.pdf", b"report")


def left(folder: Path) -> set[str]:
    kinds = ("uploads", "pictures", "reports")
    return {name[:36] for kind in kinds for name in os.listdir(folder / kind)}


def test_an_entry_leaves_with_its_files_and_no_other_does(
    database: Database, removal: Removal, tmp_path: Path
) -> None:
    first, second = (kept(database, tmp_path, NOON) for _ in range(2))
    removal.remove(first)
    removal.remove(first)
    assert History(database).page(limit=5) == [second]
    assert left(tmp_path) == {second.audio_file}


def test_a_file_that_stays_keeps_its_row_so_that_it_can_be_removed_again(
    database: Database, tmp_path: Path
) -> None:
    class Stuck(FolderStore):
        def remove(self, names: object) -> None:
            raise StorageUnavailable("no")

    entry = kept(database, tmp_path, NOON)
    stores = {kind: FolderStore(tmp_path / kind) for kind in ("pictures", "reports")}
    with pytest.raises(StorageUnavailable):
        Removal(database, uploads=Stuck(tmp_path / "uploads"), **stores).remove(entry)
    assert History(database).page(limit=5) == [entry]


def test_a_picture_that_is_kept_while_its_entry_is_removed_leaves_too(
    database: Database, tmp_path: Path
) -> None:
    class BeingDrawn(FolderStore):
        """Gets a picture after the first removal, as from another process."""

        is_drawn = False

        def remove(self, names: Sequence[str]) -> None:
            super().remove(names)
            if not self.is_drawn:
                self.is_drawn = True
                self.keep(names[0], b"picture")

    entry = kept(database, tmp_path, NOON)
    stores = {kind: FolderStore(tmp_path / kind) for kind in ("uploads", "reports")}
    Removal(database, pictures=BeingDrawn(tmp_path / "pictures"), **stores).remove(entry)
    assert left(tmp_path) == set()


def test_what_is_old_leaves_whoever_owns_it(
    database: Database, removal: Removal, tmp_path: Path
) -> None:
    for owner in ("", "Ada"):
        kept(database, tmp_path, NOON - DAY, owner)
    young = kept(database, tmp_path, NOON)
    assert removal.remove_before(NOON) == 2
    assert removal.remove_before(NOON) == 0
    assert History(database).page(limit=5) == [young]
    assert left(tmp_path) == {young.audio_file}


def test_many_old_ones_leave_in_parts(database: Database, removal: Removal) -> None:
    entries = [
        replace(ENTRY, audio_file=new_name(NOON, container="wav"), timestamp=NOON)
        for _ in range(1_203)
    ]
    History(database).add(entries)
    assert removal.remove_before(NOON + DAY) == 1_203
    assert History(database).page(limit=5) == []


def test_old_files_without_an_entry_leave_and_all_others_stay(
    database: Database, removal: Removal, tmp_path: Path
) -> None:
    entry = kept(database, tmp_path, NOON - DAY, "Ada")
    files(tmp_path, new_name(NOON - DAY, container="wav"))
    young = new_name(NOON, container="wav")
    files(tmp_path, young)
    (tmp_path / "uploads" / "readme.txt").touch()
    part = tmp_path / "uploads" / ".0123456789abcdef.part"
    part.touch()
    assert removal.remove_orphans(NOON) == 3
    assert part.exists()
    os.utime(part, (0, 0))
    assert removal.remove_orphans(NOON) == 0
    assert not part.exists()
    assert left(tmp_path) == {entry.audio_file, young, "readme.txt"}


def test_folders_that_were_never_made_hold_no_orphans(removal: Removal) -> None:
    assert removal.remove_orphans(NOON) == 0
