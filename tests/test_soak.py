"""Twenty thousand mixed requests, good and bad, at two workers that must not wear out."""

import http.client
import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
from answers import multipart
from conftest import ROOT, MakeWav
from service import Service, serving

N_REQUESTS = 20_000
N_CLIENTS = 8
# Now and then a new connection, so that no worker is stuck with most of the clients.
PER_CONNECTION = 20
FORM = "multipart/form-data; boundary=x"
JSON = "application/json"
# Of what the workers hold after a tenth of the requests: what comes later must not add to it.
GROWTH = 1.08
# Threads of a worker may each keep a connection to the file of the database, with its log.
SPARE_FILES = 16


@dataclass(frozen=True)
class Kind:
    """One kind of request, how often it comes, and what it is answered with."""

    share: int
    status: int
    verb: str
    path: str
    body: bytes | None = None
    content_type: str = FORM
    kept: bool = False


def kinds(voice: bytes, make_wav: MakeWav) -> list[Kind]:
    picture = (ROOT / "tests" / "pictures" / "drawn.png").read_bytes()
    message = json.loads((ROOT / "tests" / "songs" / "tracks.json").read_bytes())
    tracks = json.dumps(message).encode()
    wish = json.dumps({"emotion": "happy", "tracks": message["tracks"]}).encode()
    nan = b'{"tracks": [{"id": "a", "features": {"energy": NaN}}]}'

    def sent(data: bytes, field: str = "file", **form: str) -> bytes:
        return multipart(data, "voice.wav", field=field, **form)

    good = [
        Kind(30, 200, "POST", "/predict", sent(voice, method="random_forest"), kept=True),
        Kind(10, 200, "POST", "/predict", sent(voice, method="cnn"), kept=True),
        Kind(3, 200, "POST", "/predict", sent(voice, method="svm"), kept=True),
        Kind(3, 200, "POST", "/predict", sent(voice, method="whisper"), kept=True),
        Kind(3, 200, "POST", "/predict", sent(picture, "image", task="face"), kept=True),
        Kind(8, 200, "POST", "/mood", tracks, JSON),
        Kind(4, 200, "POST", "/recommend", wish, JSON),
        Kind(10, 200, "GET", "/history?limit=20"),
        Kind(2, 200, "GET", "/models/info"),
        Kind(5, 200, "GET", "/ready"),
        Kind(5, 200, "GET", "/songs"),
    ]
    bad = [
        Kind(8, 415, "POST", "/predict", sent(b"text named .wav")),
        Kind(8, 422, "POST", "/predict", sent(voice[:44])),
        Kind(4, 422, "POST", "/predict", sent(make_wav(0.2))),
        Kind(4, 422, "POST", "/predict", sent(make_wav(level=0))),
        Kind(8, 400, "POST", "/predict", sent(voice, "sound")),
        Kind(8, 400, "POST", "/predict", sent(voice, method="magic")),
        Kind(4, 400, "POST", "/predict", b"no form"),
        Kind(4, 422, "POST", "/predict", sent(picture[:400], "image", task="face")),
        Kind(4, 415, "POST", "/predict", sent(b"<svg/>", "image", task="face")),
        Kind(4, 400, "POST", "/record", b"{", JSON),
        Kind(4, 400, "POST", "/record", b'{"audio": "!"}', JSON),
        Kind(4, 422, "POST", "/mood", nan, JSON),
        Kind(4, 400, "GET", "/predict?song_id=../x"),
        Kind(4, 404, "GET", "/predict?song_id=unknown&method=precalculated"),
        Kind(4, 404, "GET", "/download-report/nothing.wav"),
        Kind(4, 404, "GET", "/nowhere"),
        Kind(4, 405, "DELETE", "/predict"),
    ]
    return good + bad


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    # What is written on the way, such as large uploads, goes where the test can see it.
    with serving(folder, TMPDIR=str(scratch), LIBRARY_PATH=str(folder / "library")) as service:
        yield service


def ask(port: int, asked: list[Kind], found: Counter[tuple[Kind, int]]) -> None:
    """Send one after the other; a sixtieth of the uploads breaks off on the way."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number, kind in enumerate(asked):
        if number % PER_CONNECTION == 0:
            connection.close()
        if number % 60 == 59:
            break_off(port)
        headers = {"Content-Type": kind.content_type} if kind.body is not None else {}
        connection.request(kind.verb, kind.path, kind.body, headers)
        answer = connection.getresponse()
        answer.read()
        found[kind, answer.status] += 1
    connection.close()


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


def open_files(service: Service) -> dict[int, int]:
    return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in service.server.workers()}


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

    warm_up = N_REQUESTS // 10
    all_at_once(asked[:warm_up])
    workers, files = service.server.workers(), open_files(service)
    samples_mb = watched(service, lambda: all_at_once(asked[warm_up:]))

    wrong = {
        f"{kind.verb} {kind.path} {kind.status}": status
        for kind, status in found
        if status != kind.status
    }
    assert not wrong
    assert sum(found.values()) == N_REQUESTS
    kept = sum(count for (kind, _), count in found.items() if kind.kept)
    assert len(service.history()) == len(service.uploads) == kept
    # The very same processes: none died, none was replaced.
    assert service.server.workers() == workers
    tenth = len(samples_mb) // 10
    assert median(samples_mb[-tenth:]) < GROWTH * median(samples_mb[tenth : 2 * tenth])
    time.sleep(1)
    for pid, count in open_files(service).items():
        assert count <= files[pid] + SPARE_FILES
    left = [path.name for path in scratch.iterdir() if "metrics" not in path.name]
    assert left == []
    assert "Traceback" not in service.log


def test_the_mix_holds_good_and_bad(voice: bytes, make_wav: MakeWav) -> None:
    found = kinds(voice, make_wav)
    good = sum(kind.share for kind in found if kind.status == 200)
    assert 0.4 < good / sum(kind.share for kind in found) < 0.6
    assert len({kind.status for kind in found}) >= 6
