import os
from pathlib import Path

import pytest

from emosync.errors import NotFound, StorageUnavailable
from emosync.song_folder import SongFolder


@pytest.fixture
def folder(tmp_path: Path) -> SongFolder:
    return SongFolder(tmp_path / "library")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Make a file beside the library."""
    (tmp_path / "outside").mkdir()
    path = tmp_path / "outside" / "secret.json"
    path.write_text("secret")
    return path


def test_what_was_written_is_read_and_listed(folder: SongFolder) -> None:
    folder.write("MY SONGS/a.mp3", b"1")
    folder.write("MY SONGS/ab.mp3", b"2")
    folder.write("OTHERS/a.mp3", b"3")
    assert folder.read("MY SONGS/ab.mp3") == b"2"
    assert sorted(folder.keys("MY SONGS/")) == ["MY SONGS/a.mp3", "MY SONGS/ab.mp3"]
    assert list(folder.keys("MY SONGS/a.")) == ["MY SONGS/a.mp3"]


def test_writing_again_replaces(folder: SongFolder) -> None:
    folder.write("a/b.json", b"old")
    folder.write("a/b.json", b"new")
    assert folder.read("a/b.json") == b"new"
    assert list(folder.keys("a/")) == ["a/b.json"]


@pytest.mark.parametrize("key", ["none.json", "a/none.json", "a", "a/b.json/c", "x" * 300])
def test_what_is_no_file_is_not_found(folder: SongFolder, key: str) -> None:
    folder.write("a/b.json", b"")
    with pytest.raises((NotFound, StorageUnavailable)):
        folder.read(key)


def test_a_folder_that_is_not_there_is_empty(folder: SongFolder) -> None:
    assert list(folder.keys("SONGS/")) == []
    with pytest.raises(NotFound):
        folder.read("SONGS/a.mp3")


def test_dots_do_not_lead_out(folder: SongFolder, outside: Path) -> None:
    folder.write("a/b.json", b"")
    for key in ("../outside/secret.json", "a/../../outside/secret.json", str(outside)):
        with pytest.raises(NotFound):
            folder.read(key)
    assert list(folder.keys("../outside/")) == []
    with pytest.raises(StorageUnavailable):
        folder.write("../outside/secret.json", b"")
    assert outside.read_text() == "secret"


def test_links_do_not_lead_out(tmp_path: Path, folder: SongFolder, outside: Path) -> None:
    folder.write("a/b.json", b"")
    os.symlink(outside, tmp_path / "library" / "a" / "link.json")
    os.symlink(outside.parent, tmp_path / "library" / "linked")
    for key in ("a/link.json", "linked/secret.json"):
        with pytest.raises(NotFound):
            folder.read(key)
    assert list(folder.keys("a/")) == ["a/b.json"]
    assert list(folder.keys("linked/")) == []
    with pytest.raises(StorageUnavailable):
        folder.write("linked/secret.json", b"")
    assert outside.read_text() == "secret"


def test_a_link_is_replaced_and_what_it_leads_to_left(
    tmp_path: Path, folder: SongFolder, outside: Path
) -> None:
    folder.write("a/b.json", b"")
    os.symlink(outside, tmp_path / "library" / "a" / "link.json")
    folder.write("a/link.json", b"new")
    assert outside.read_text() == "secret"
    assert folder.read("a/link.json") == b"new"


def test_links_within_are_followed_and_so_is_one_that_is_the_library(tmp_path: Path) -> None:
    SongFolder(tmp_path / "disk").write("a/b.json", b"1")
    os.symlink(tmp_path / "disk", tmp_path / "library")
    os.symlink("b.json", tmp_path / "disk" / "a" / "c.json")
    folder = SongFolder(tmp_path / "library")
    assert folder.read("a/c.json") == b"1"
    assert sorted(folder.keys("a/")) == ["a/b.json", "a/c.json"]


def test_links_in_a_circle_and_to_nowhere_are_not_there(tmp_path: Path, folder: SongFolder) -> None:
    folder.write("a/b.json", b"")
    os.symlink("circle.json", tmp_path / "library" / "a" / "circle.json")
    os.symlink("nowhere.json", tmp_path / "library" / "a" / "lost.json")
    for name in ("circle", "lost"):
        with pytest.raises(NotFound):
            folder.read(f"a/{name}.json")
    assert list(folder.keys("a/")) == ["a/b.json"]


def test_a_pipe_is_not_waited_for(tmp_path: Path, folder: SongFolder) -> None:
    folder.write("a/b.json", b"")
    os.mkfifo(tmp_path / "library" / "a" / "pipe.json")
    with pytest.raises(NotFound):
        folder.read("a/pipe.json")


def test_a_disk_that_cannot_be_written_is_unavailable_and_nothing_left(
    tmp_path: Path, folder: SongFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(part: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageUnavailable) as caught:
        folder.write("a/b.json", b"")
    assert str(tmp_path) not in caught.value.message
    assert list((tmp_path / "library" / "a").iterdir()) == []


def test_the_part_of_a_dead_process_is_not_listed(tmp_path: Path, folder: SongFolder) -> None:
    folder.write("SONGS/b.mp3", b"")
    (tmp_path / "library" / "SONGS" / ".0123.part").write_bytes(b"half")
    assert list(folder.keys("SONGS/")) == ["SONGS/b.mp3"]
