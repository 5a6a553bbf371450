import re
from datetime import datetime
from pathlib import Path

import pytest

from emosync.caller import JobItem
from emosync.errors import NotFound
from emosync.file_store import FolderStore
from emosync.recordings import Recordings, name_in_job, new_name, time_in_name

NOON = datetime(2024, 1, 15, 12)


def test_a_recording_comes_back_under_its_name(tmp_path: Path) -> None:
    recordings = Recordings(FolderStore(tmp_path))
    name = new_name(NOON, container="webm")
    recordings.keep(name, b"sound")
    assert re.fullmatch(r"20240115-120000-[0-9a-f]{16}\.webm", name)
    assert recordings.read(name) == b"sound"


def test_the_same_recording_twice_has_two_names() -> None:
    assert len({new_name(NOON, container="wav") for _ in range(20)}) == 20


def test_the_name_in_a_job_is_the_same_again_and_no_other_ones() -> None:
    items = [JobItem("a" * 32, 1, NOON), JobItem("a" * 32, 11, NOON), JobItem("b" * 32, 1, NOON)]
    names = [name_in_job(item, index, container="wav") for item in items for index in (0, 1)]
    assert len(set(names)) == 6
    assert names[0] == name_in_job(items[0], 0, container="wav")
    assert re.fullmatch(r"20240115-120000-[0-9a-f]{16}\.wav", names[0])


def test_a_name_tells_when_the_recording_came() -> None:
    assert time_in_name(new_name(NOON, container="wav")) == NOON
    assert time_in_name("20241315-120000-0123456789abcdef.wav") is None
    assert time_in_name("readme.txt") is None


def test_a_discarded_recording_is_gone(tmp_path: Path) -> None:
    recordings = Recordings(FolderStore(tmp_path))
    name = new_name(NOON, container="wav")
    recordings.keep(name, b"sound")
    recordings.discard(name)
    recordings.discard(name)
    with pytest.raises(NotFound, match="no longer"):
        recordings.read(name)


def test_where_none_are_kept_the_old_ones_stay_and_the_others_are_told_why(tmp_path: Path) -> None:
    old, new = new_name(NOON, container="wav"), new_name(NOON, container="wav")
    Recordings(FolderStore(tmp_path)).keep(old, b"sound")
    recordings = Recordings(FolderStore(tmp_path), are_kept=False)
    recordings.keep(new, b"sound")
    assert recordings.read(old) == b"sound"
    with pytest.raises(NotFound, match="KEEP_UPLOADS=0"):
        recordings.read(new)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "secret",
        "../secret",
        "/etc/passwd",
        "20240115-120000-0123456789abcdef.wav/../../secret",
        "20240115-120000-0123456789abcdef.wav\n",
        "20240115-120000-0123456789abcdef.",
        "\x00",
    ],
)
def test_a_name_that_is_none_of_ours_is_never_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(NotFound):
        Recordings(FolderStore(tmp_path / "uploads")).read(name)
