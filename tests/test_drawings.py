import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emosync.drawings import Drawings


def test_a_picture_is_drawn_once(tmp_path: Path) -> None:
    drawn: list[bytes] = []
    drawings = Drawings(tmp_path / "made" / "later")
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: drawings.get("a.png", _counting(drawn)), range(8)))
    assert got == [b"picture"] * 8
    assert len(drawn) == 1
    assert os.listdir(tmp_path / "made" / "later") == ["a.png"]


def test_another_process_finds_the_picture(tmp_path: Path) -> None:
    Drawings(tmp_path).get("a.png", lambda: b"first")
    assert Drawings(tmp_path).get("a.png", lambda: b"second") == b"first"


def test_a_picture_that_cannot_be_drawn_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise ValueError

    with pytest.raises(ValueError):
        Drawings(tmp_path).get("a.png", fail)
    assert os.listdir(tmp_path) == []


def test_a_cache_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    assert Drawings(tmp_path / "file").get("a.png", lambda: b"picture") == b"picture"


def _counting(drawn: list[bytes]) -> Callable[[], bytes]:
    def draw() -> bytes:
        drawn.append(b"picture")
        return b"picture"

    return draw
