"""Jobs of a real gunicorn with two workers and SQLite, which are killed and stopped."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from service import Service, serving

N_JOBS = 60
LATER = {"Prefer": "respond-async"}
SETTINGS = {"JOB_LEASE_S": "2"}


def accepted(service: Service, clip: bytes, number: int) -> str:
    """Ask for a job; again with the same key where the worker that was asked died."""
    headers = {**LATER, "Idempotency-Key": f"clip-{number}"}
    for _ in range(50):
        with suppress(httpx.TransportError), service.client() as client:
            answer = client.post(
                "/predict",
                files={"file": (f"{number}.wav", clip)},
                data={"method": "random_forest"},
                headers=headers,
            )
            if answer.status_code == 202:
                return answer.headers["Location"]
        time.sleep(0.2)
    raise AssertionError("no job was accepted")


def states(service: Service, locations: list[str]) -> set[str]:
    """Tell the states of all jobs, as far as anyone answers."""
    with suppress(httpx.TransportError), service.client() as client:
        return {client.get(location).json()["state"] for location in locations}
    return set()


@pytest.mark.slow
def test_jobs_outlive_workers_and_restarts(tmp_path: Path, voice: bytes) -> None:
    with serving(tmp_path, **SETTINGS) as service:
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(accepted, service, voice, n) for n in range(N_JOBS // 2)]
            os.kill(service.server.workers()[0], signal.SIGKILL)
            locations = [future.result() for future in sent]
        locations += [accepted(service, voice, n) for n in range(N_JOBS // 2, N_JOBS)]
        # It stops here, most likely with jobs that wait.
    with serving(tmp_path, **SETTINGS) as service:
        deadline_s = time.monotonic() + 120
        while states(service, locations) != {"done"}:
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
        rows = service.history()
    assert sorted(row["filename"] for row in rows) == sorted(f"{n}.wav" for n in range(N_JOBS))
    assert service.uploads == {row["audio_file"] for row in rows}
    assert os.listdir(tmp_path / "jobs") == []


def test_a_process_that_is_stopped_gives_its_job_back_or_ends_it(
    tmp_path: Path, voice: bytes
) -> None:
    with serving(tmp_path) as service:
        location = accepted(service, voice, 1)
        os.kill(service.server.pid, signal.SIGTERM)
        time.sleep(1)
    # The lease is 30 s: whoever left without a word would be waited for.
    with serving(tmp_path) as service:
        started_s = time.monotonic()
        while states(service, [location]) != {"done"}:
            assert time.monotonic() - started_s < 15
            time.sleep(0.1)
        assert len(service.history()) == 1
