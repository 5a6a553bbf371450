import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from emosync.errors import LibraryTimeout, LibraryUnreachable, NotFound, UpstreamError
from emosync.file_store import PART_SUFFIX
from emosync.object_cache import Download, ObjectCache

ROOT = Path(__file__).parent.parent
LIMIT_BYTES: Final = 1_000_000
DAY_S: Final = 86_400


class Remote:
    """The remote side: one object, and how often it was asked."""

    def __init__(self, data: bytes = b"{}") -> None:
        self.data = data
        self.error: Exception | None = None
        self.asked: list[str | None] = []

    def fetch(self, etag: str | None) -> Download | None:
        self.asked.append(etag)
        if self.error:
            raise self.error
        current = f'"{hash(self.data)}"'
        return None if etag == current else Download(current, self.data)


def make_cache(path: Path, *, limit_bytes: int = LIMIT_BYTES, check_s: float = 30.0) -> ObjectCache:
    return ObjectCache(path, limit_bytes=limit_bytes, check_s=check_s)


def files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.exists() else []


def age(path: Path, *, used_s: float = 0.0, checked_s: float = 0.0) -> None:
    """Let the only copy have been used and checked that long ago."""
    now_s = time.time()
    os.utime(path, (now_s - used_s, now_s - checked_s))


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return make_cache(tmp_path)


@pytest.fixture
def checking(tmp_path: Path) -> ObjectCache:
    """Return a cache that asks every time whether its copy is current."""
    return make_cache(tmp_path, check_s=0)


@pytest.mark.parametrize("data", [b"", b"{}", b"\n\0" * 10, bytes(100_000)])
def test_a_second_read_asks_nobody(cache: ObjectCache, data: bytes) -> None:
    remote = Remote(data)
    assert [cache.read("a", remote.fetch) for _ in range(2)] == [data, data]
    assert remote.asked == [None]


def test_a_copy_outlives_its_process(tmp_path: Path, remote: Remote) -> None:
    make_cache(tmp_path).read("a", remote.fetch)
    make_cache(tmp_path).read("a", remote.fetch)
    assert remote.asked == [None]


def test_an_old_copy_is_compared_by_its_etag_and_used_if_it_is_the_same(
    tmp_path: Path, cache: ObjectCache, remote: Remote
) -> None:
    cache.read("a", remote.fetch)
    age(*files(tmp_path), checked_s=31)
    assert [cache.read("a", remote.fetch) for _ in range(3)] == [b"{}"] * 3
    assert remote.asked == [None, f'"{hash(b"{}")}"']


def test_an_object_that_changed_is_fetched_again(checking: ObjectCache, remote: Remote) -> None:
    checking.read("a", remote.fetch)
    remote.data = b"[]"
    assert checking.read("a", remote.fetch) == b"[]"
    assert checking.read("a", remote.fetch) == b"[]"


def test_a_copy_from_the_future_is_compared(
    tmp_path: Path, cache: ObjectCache, remote: Remote
) -> None:
    cache.read("a", remote.fetch)
    age(*files(tmp_path), checked_s=-DAY_S)
    cache.read("a", remote.fetch)
    assert len(remote.asked) == 2


def test_objects_are_told_apart_by_their_names(cache: ObjectCache) -> None:
    assert cache.read("a", Remote(b"1").fetch) == b"1"
    assert cache.read("b", Remote(b"2").fetch) == b"2"
    assert cache.read("a", Remote(b"3").fetch) == b"1"


def test_no_name_leads_out_of_the_folder(tmp_path: Path, remote: Remote) -> None:
    folder = tmp_path / "cache"
    for name in ("../a", "/etc/passwd", "a\0b", "x" * 5000):
        assert make_cache(folder).read(name, remote.fetch) == b"{}"
    assert files(tmp_path) == [folder]
    assert len(files(folder)) == 4


def test_a_discarded_copy_is_fetched_again(cache: ObjectCache, remote: Remote) -> None:
    cache.discard("a")
    cache.read("a", remote.fetch)
    cache.discard("a")
    cache.read("a", remote.fetch)
    assert remote.asked == [None, None]


def test_an_object_that_is_gone_takes_its_copy_along(
    tmp_path: Path, checking: ObjectCache, remote: Remote
) -> None:
    checking.read("a", remote.fetch)
    remote.error = NotFound("gone")
    with pytest.raises(NotFound):
        checking.read("a", remote.fetch, fall_back=True)
    assert not files(tmp_path)


@pytest.mark.parametrize(
    "error", [LibraryTimeout("."), LibraryUnreachable("."), UpstreamError(".")]
)
def test_an_older_copy_stands_in_only_where_it_may(
    checking: ObjectCache, remote: Remote, error: Exception
) -> None:
    checking.read("a", remote.fetch)
    remote.error = error
    assert checking.read("a", remote.fetch, fall_back=True) == b"{}"
    with pytest.raises(type(error)):
        checking.read("a", remote.fetch)
    with pytest.raises(type(error)):
        checking.read("never read", remote.fetch, fall_back=True)


def test_while_the_remote_side_is_down_older_copies_do_not_wait_for_it(
    tmp_path: Path, cache: ObjectCache, remote: Remote
) -> None:
    cache.read("a", remote.fetch)
    age(*files(tmp_path), checked_s=DAY_S)
    remote.error = LibraryTimeout(".")
    remote.asked.clear()
    for _ in range(10):
        assert cache.read("a", remote.fetch, fall_back=True) == b"{}"
    assert len(remote.asked) == 1


def test_a_remote_side_that_is_back_is_believed_at_once(
    tmp_path: Path, cache: ObjectCache, remote: Remote
) -> None:
    cache.read("a", remote.fetch)
    age(*files(tmp_path), checked_s=DAY_S)
    remote.error = LibraryTimeout(".")
    cache.read("a", remote.fetch, fall_back=True)
    remote.error, remote.data = None, b"[]"
    cache.read("another", remote.fetch)
    assert cache.read("a", remote.fetch, fall_back=True) == b"[]"


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_half_a_copy_counts_as_none(
    tmp_path: Path, cache: ObjectCache, remote: Remote, cut: int
) -> None:
    cache.read("a", remote.fetch)
    (copy,) = files(tmp_path)
    copy.write_bytes(copy.read_bytes()[:cut])
    assert cache.read("a", remote.fetch) == b"{}"
    assert remote.asked == [None, None]


def test_a_damaged_copy_counts_as_none(tmp_path: Path, cache: ObjectCache) -> None:
    remote = Remote(bytes(5000))
    cache.read("a", remote.fetch)
    (copy,) = files(tmp_path)
    whole = copy.read_bytes()
    for position in (0, 1, 5, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        copy.write_bytes(damaged)
        assert cache.read("a", remote.fetch) == bytes(5000)
    assert copy.read_bytes() == whole


def test_the_copies_not_used_for_longest_leave(tmp_path: Path) -> None:
    cache = make_cache(tmp_path, limit_bytes=10 * 4096)
    for number in range(8):
        cache.read(str(number), Remote(b"x").fetch)
    for copy in files(tmp_path):
        age(copy, used_s=DAY_S)
    cache.read("3", Remote(b"not asked").fetch)
    for number in range(8, 13):
        cache.read(str(number), Remote(b"x").fetch)
    assert sum(copy.stat().st_size for copy in files(tmp_path)) <= 10 * 4096
    assert len(files(tmp_path)) == 8
    assert cache.read("3", Remote(b"fetched again").fetch) == b"x"
    assert cache.read("12", Remote(b"fetched again").fetch) == b"x"


def test_the_limit_holds_with_several_processes(tmp_path: Path) -> None:
    caches = [make_cache(tmp_path, limit_bytes=1_000_000) for _ in range(3)]
    for number in range(300):
        caches[number % 3].read(str(number), Remote(bytes(10_000)).fetch)
    assert sum(copy.stat().st_size for copy in files(tmp_path)) <= 1_000_000


def test_an_object_beyond_the_limit_is_read_and_not_kept(tmp_path: Path) -> None:
    cache = make_cache(tmp_path, limit_bytes=100_000)
    cache.read("small", Remote().fetch)
    large = Remote(bytes(100_001))
    assert cache.read("large", large.fetch) == large.data
    assert len(files(tmp_path)) == 1


def test_the_parts_of_dead_processes_are_swept_and_those_of_living_ones_left(
    tmp_path: Path, remote: Remote
) -> None:
    for name, age_s in (("dead", DAY_S), ("living", 1)):
        part = tmp_path / f"{name}{PART_SUFFIX}"
        part.write_bytes(b"half")
        age(part, checked_s=age_s)
    make_cache(tmp_path).read("a", remote.fetch)
    assert [p.name for p in files(tmp_path) if p.suffix == PART_SUFFIX] == [f"living{PART_SUFFIX}"]


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path: Path, remote: Remote) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = make_cache(tmp_path / "file" / "cache")
    assert [cache.read("a", remote.fetch) for _ in range(2)] == [b"{}"] * 2


def test_a_full_disk_leaves_no_part(
    tmp_path: Path, cache: ObjectCache, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(part: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert cache.read("a", remote.fetch) == b"{}"
    assert not files(tmp_path)


def test_threads_that_ask_at_once_fetch_once(cache: ObjectCache) -> None:
    remote = Remote(bytes(100_000))
    barrier = threading.Barrier(8)

    def slow(etag: str | None) -> Download | None:
        time.sleep(0.05)
        return remote.fetch(etag)

    def read(_: int) -> bytes:
        barrier.wait(5)
        return cache.read("a", slow)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(8))) == {remote.data}
    assert len(remote.asked) == 1


# Writes and reads the same objects as fast as it can, each of one byte value, in a small cache.
HAMMER = """
import random, sys
from pathlib import Path
from emosync.object_cache import Download, ObjectCache
cache = ObjectCache(Path(sys.argv[1]), limit_bytes=400_000, check_s=0)
draw = random.Random(int(sys.argv[2]))
for _ in range(400):
    value = draw.randrange(256)
    def fetch(etag):
        tag = str(value)
        return None if etag == tag else Download(tag, bytes([value]) * 30_000)
    data = cache.read(str(draw.randrange(20)), fetch)
    assert data == bytes([value]) * 30_000
"""


def test_processes_never_read_half_a_copy_or_anothers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HAMMER, str(tmp_path)]
    children = [subprocess.Popen([*command, str(seed)], cwd=ROOT) for seed in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert sum(copy.stat().st_size for copy in files(tmp_path)) <= 400_000
    assert not [p for p in files(tmp_path) if p.suffix == PART_SUFFIX]
