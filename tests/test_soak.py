"""Twenty thousand mixed requests, good and bad, at two workers that must not wear out."""

import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest
from click.testing import CliRunner
from conftest import MakeWav
from document_check import strict_document
from music import as_mp3, music
from service import Service, serving
from soak_mix import FORM, SONG, Client, Kind, kinds

from train_model import cli

N_REQUESTS = 20_000
N_CLIENTS = 8
# What the workers hold in the last third against the first, once they are warm. Drawings and songs
# come and go with a tenth of it; beyond this much each request would leave some 4 kB behind.
GROWTH = 1.06
# Longer than gunicorn keeps a connection that asks nothing.
IDLE_S = 3.0
# A worker keeps at most DATABASE_POOL_SIZE connections to SQLite: each has the file and its log
# open, and all together the index of the log.
DATABASE_FILES = 2 * 8 + 1
# matplotlib keeps them open for each thread that has drawn; a worker has four.
FONT_FILES = 4 * 4


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    library = {"LIBRARY_PATH": str(folder / "library")}
    song = tmp_path_factory.mktemp("songs") / f"{SONG}.mp3"
    song.write_bytes(as_mp3(music(9.0)))
    done = CliRunner().invoke(cli, ["library", "build", str(song.parent)], env=library)
    assert done.exit_code == 0, done.output
    # What is written on the way, such as large uploads, goes where the test can see it.
    with serving(folder, TMPDIR=str(scratch), **library) as service:
        yield service


def ask(port: int, asked: list[Kind], found: Counter[tuple[Kind, int]]) -> None:
    """Send one after the other; a sixtieth of the uploads breaks off on the way."""
    client = Client(port)
    for number, kind in enumerate(asked):
        if number % 60 == 59:
            break_off(port)
        found[kind, kind.send(client)] += 1
    client.close()


def each_once(service: Service, asked: list[Kind]) -> Counter[tuple[Kind, int]]:
    """Let each worker do everything, so that it has loaded what it needs for it."""
    found: Counter[tuple[Kind, int]] = Counter()
    for pid in service.server.workers():
        with service.only(pid):
            ask(service.server.port, asked, found)
    return found


def break_off(port: int) -> None:
    """Promise a large upload, send the beginning, and hang up."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    begun = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"{head}Content-Length: 5000000\r\n\r\n".encode() + begun + bytes(700_000))


def watched(service: Service, work: Callable[[], None]) -> list[float]:
    """Do the work; return the memory of all workers, a few times a second."""
    samples_mb: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.25):
            samples_mb.append(sum(service.server.worker_memory_mb()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return samples_mb


def descriptors(service: Service) -> dict[int, Counter[str]]:
    """Count what each worker has open once nobody asks it anything, by what it is."""
    time.sleep(IDLE_S)
    return {
        pid: Counter(_kind_of(os.readlink(link)) for link in Path(f"/proc/{pid}/fd").iterdir())
        for pid in service.server.workers()
    }


def _kind_of(target: str) -> str:
    """Tell files of the database and fonts from sockets, pipes and other files."""
    if "emosync.sqlite3" in target:
        return "database"
    if target.endswith(".ttf"):
        return "font"
    return target.partition(":")[0] if ":[" in target else target


@pytest.mark.slow
def test_many_mixed_requests_leave_no_trace(
    service: Service, scratch: Path, voice: bytes, make_wav: MakeWav
) -> None:
    all_kinds = kinds(voice, make_wav)
    shares = [kind.share for kind in all_kinds]
    asked = random.Random(7).choices(all_kinds, shares, k=N_REQUESTS)
    found: Counter[tuple[Kind, int]] = Counter()

    def all_at_once(part: list[Kind]) -> None:
        counts: list[Counter[tuple[Kind, int]]] = [Counter() for _ in range(N_CLIENTS)]
        with ThreadPoolExecutor(N_CLIENTS) as pool:
            parts = [part[client::N_CLIENTS] for client in range(N_CLIENTS)]
            list(pool.map(ask, [service.server.port] * N_CLIENTS, parts, counts))
        for count in counts:
            found.update(count)

    # It takes seconds, in which the clients' connections would be closed.
    strict_document()
    found.update(each_once(service, all_kinds))
    warm_up = N_REQUESTS // 10
    all_at_once(asked[:warm_up])
    workers, before = service.server.workers(), descriptors(service)
    samples_mb = watched(service, lambda: all_at_once(asked[warm_up:]))

    wrong = {
        f"{kind.verb} {kind.path} {kind.status}": status
        for kind, status in found
        if status != kind.status
    }
    assert not wrong
    assert sum(found.values()) == N_REQUESTS + len(workers) * len(all_kinds)
    kept = sum(count for (kind, _), count in found.items() if kind.kept)
    assert len(service.history()) == len(service.uploads) == kept
    # The very same processes: none died, none was replaced.
    assert service.server.workers() == workers
    third = len(samples_mb) // 3
    assert median(samples_mb[-third:]) < GROWTH * median(samples_mb[:third])
    for pid, found_open in descriptors(service).items():
        assert found_open.pop("database") <= DATABASE_FILES
        assert found_open.pop("font") <= FONT_FILES
        assert not found_open - before[pid]
    left = [path.name for path in scratch.iterdir() if "metrics" not in path.name]
    assert left == []
    assert os.listdir(service.folder / "jobs") == []
    assert "Traceback" not in service.log


def test_the_mix_holds_good_and_bad(voice: bytes, make_wav: MakeWav) -> None:
    found = kinds(voice, make_wav)
    good = sum(kind.share for kind in found if kind.status < 300)
    assert 0.4 < good / sum(kind.share for kind in found) < 0.6
    assert len({kind.status for kind in found}) >= 6
