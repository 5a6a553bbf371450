"""A server that is told to stop answers what it has begun, and takes nothing more."""

import io
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile as sf
from service import serving

# The workers' threads, and some that wait for one of them.
N_AT_WORK = 12
# States of a socket, as the system writes them.
ESTABLISHED, LISTENS = "01", "0A"


@pytest.fixture
def long_song(rng: np.random.Generator) -> bytes:
    """Make noise that takes a second or two to hear."""
    out = io.BytesIO()
    sf.write(out, 0.1 * rng.standard_normal(30 * 16_000), 16_000, format="WAV")
    return out.getvalue()


def wait_until_accepted(port: int, sent: Sequence[Future[httpx.Response]]) -> None:
    """Wait until workers have taken all requests, as the system's table of sockets tells."""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        own = [line for line in lines if line[1].endswith(f":{port:04X}")]
        # Of the socket that listens, the second number of bytes is what waits to be taken.
        waiting = sum(int(line[4].split(":")[1], 16) for line in own if line[3] == LISTENS)
        n_taken = sum(line[3] == ESTABLISHED for line in own) - waiting
        if n_taken + sum(answer.done() for answer in sent) >= len(sent):
            return
        time.sleep(0.05)
    raise AssertionError("the workers do not take the connections")


def rows(folder: Path, query: str = "predictions") -> int:
    with closing(sqlite3.connect(folder / "emosync.sqlite3")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {query}").fetchone()
        return int(count)


def test_requests_at_work_are_answered_and_kept(tmp_path: Path, long_song: bytes) -> None:
    with serving(tmp_path) as service, ThreadPoolExecutor(N_AT_WORK) as pool:
        sent = [pool.submit(service.send, long_song, task="song") for _ in range(N_AT_WORK)]
        wait_until_accepted(service.server.port, sent)
        assert not all(answer.done() for answer in sent)
        os.kill(service.server.pid, signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{service.server.port}/health", timeout=1)
        assert [answer.result().status_code for answer in sent] == [200] * N_AT_WORK
    assert rows(tmp_path) == len(service.uploads) == N_AT_WORK
    assert "Worker exiting" in service.log
    assert "Traceback" not in service.log


def test_a_worker_that_shall_stop_begins_no_more_of_a_job(tmp_path: Path, long_song: bytes) -> None:
    ended = "job_items WHERE due IS NULL"
    settings = {"WEB_CONCURRENCY": "1", "JOB_THREADS": "1"}
    with serving(tmp_path, **settings) as service, ThreadPoolExecutor(N_AT_WORK) as pool:
        with service.client() as client:
            # Songs that are not there are soon answered.
            songs = [str(number) for number in range(1_000)]
            assert client.post("/batch", json={"song_ids": songs}).status_code == 202
        sent = [pool.submit(service.send, long_song, task="song") for _ in range(N_AT_WORK)]
        wait_until_accepted(service.server.port, sent)
        assert 0 < rows(tmp_path, ended) < len(songs)
        os.kill(service.server.pid, signal.SIGTERM)
        time.sleep(1)
        n_ended = rows(tmp_path, ended)
        assert [answer.result().status_code for answer in sent] == [200] * N_AT_WORK
    assert n_ended < len(songs)
    # What was begun is ended.
    assert rows(tmp_path, ended) <= n_ended + 1
