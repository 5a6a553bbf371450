import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emosync.drawings import Drawing, Drawings
from emosync.errors import StorageUnavailable
from emosync.file_store import FolderStore


def drawings(path: Path) -> Drawings:
    return Drawings(FolderStore(path), "image/png")


class LinkingStore(FolderStore):
    """A folder whose files somebody else hands out."""

    def link(self, name: str, *, media_type: str, download_name: str | None = None) -> str:
        return f"https://files.example/{name}?{media_type}&{download_name}"


class BrokenStore(LinkingStore):
    def keep(self, name: str, data: bytes) -> None:
        raise StorageUnavailable("no")

    def has(self, name: str) -> bool:
        raise StorageUnavailable("no")


def test_a_picture_is_drawn_once(tmp_path: Path) -> None:
    drawn: list[bytes] = []
    ours = drawings(tmp_path / "made" / "later")
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: ours.get("a.png", _counting(drawn)), range(8)))
    assert got == [b"picture"] * 8
    assert len(drawn) == 1
    assert os.listdir(tmp_path / "made" / "later") == ["a.png"]


def test_another_process_finds_the_picture(tmp_path: Path) -> None:
    drawings(tmp_path).get("a.png", lambda: b"first")
    assert drawings(tmp_path).get("a.png", lambda: b"second") == b"first"


def test_a_picture_that_cannot_be_drawn_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise ValueError

    with pytest.raises(ValueError):
        drawings(tmp_path).get("a.png", fail)
    assert os.listdir(tmp_path) == []


def test_a_cache_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    assert drawings(tmp_path / "file").get("a.png", lambda: b"picture") == b"picture"


def test_a_store_that_hands_out_files_gets_them_first_and_is_linked_then(tmp_path: Path) -> None:
    drawn: list[bytes] = []
    linked = Drawings(LinkingStore(tmp_path), "image/png")
    for _ in range(2):
        assert linked.hand_over("a.png", _counting(drawn), download_name="b.png") == Drawing(
            link="https://files.example/a.png?image/png&b.png"
        )
    assert len(drawn) == 1
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_store_that_hands_out_nothing_gives_the_content(tmp_path: Path) -> None:
    assert drawings(tmp_path).hand_over("a.png", lambda: b"picture") == Drawing(b"picture")


def test_what_could_not_be_stored_is_sent_and_not_linked(tmp_path: Path) -> None:
    broken = Drawings(BrokenStore(tmp_path), "image/png")
    assert broken.hand_over("a.png", lambda: b"picture") == Drawing(b"picture")


def _counting(drawn: list[bytes]) -> Callable[[], bytes]:
    def draw() -> bytes:
        drawn.append(b"picture")
        return b"picture"

    return draw
