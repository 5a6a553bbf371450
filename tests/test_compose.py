"""What compose.yaml says, on this machine: its commands and settings with real servers."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import music
import pytest
import yaml
from buckets import NO_CREDENTIALS, fill
from conftest import ROOT
from servers import LocalServer, Postgres
from service import Service, serving

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
ENVIRON: dict[str, str] = COMPOSE["services"]["web"]["environment"]
BUCKET = ENVIRON["FILES_BUCKET_NAME"]
SONGS_BUCKET = re.sub(r"\$\{\w+:-(.*)\}", r"\1", ENVIRON["S3_BUCKET_NAME"])
# A voice takes milliseconds; a worker takes seconds to start.
DONE_WITHIN_S = 60.0


def settings(folder: Path, **places: str) -> dict[str, str]:
    """Fill in defaults as compose does, and put this machine's servers in place of its own."""
    values = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in ENVIRON.items()}
    return {
        **values,
        **places,
        **NO_CREDENTIALS,
        "DATA_PATH": str(folder),
        "VISUALIZATIONS_PATH": str(folder / "visualizations"),
    }


@contextmanager
def command_of(name: str, environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command of a service; one that still runs is told to stop."""
    words = COMPOSE["services"][name]["command"]
    here = str(Path(sys.executable).parent)
    environ = {**os.environ, **environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    with log.open("wb") as file:
        process = subprocess.Popen(words, cwd=ROOT, env=environ, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def environs(
    postgres: Postgres,
    redis_server: LocalServer,
    s3_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, str]]:
    fill(s3_server, BUCKET, [])
    fill(s3_server, SONGS_BUCKET, [])
    recording = music.as_mp3(music.music(9.0, seed=1))
    httpx.put(f"{s3_server}/{SONGS_BUCKET}/SONGS/nine.mp3", content=recording).raise_for_status()
    places = {
        "DATABASE_URL": postgres.new_database(),
        "CELERY_BROKER_URL": redis_server.url,
        "REDIS_URL": redis_server.url.removesuffix("/0") + "/1",
        "AWS_ENDPOINT_URL": s3_server,
        "FILES_PUBLIC_URL": s3_server,
    }
    folder = tmp_path_factory.mktemp("compose")
    # As on two machines: nothing of the one is in the folder of the other.
    names = ("migrate", "web", "worker")
    for name in names:
        (folder / name).mkdir()
    return {name: settings(folder / name, **places) for name in names}


@pytest.fixture(scope="module")
def service(environs: dict[str, dict[str, str]]) -> Iterator[Service]:
    folder = {name: Path(environ["DATA_PATH"]) for name, environ in environs.items()}
    with command_of("migrate", environs["migrate"], folder["migrate"] / "log") as migrating:
        assert migrating.wait(60) == 0, (folder["migrate"] / "log").read_text()
    worker_log = folder["worker"] / "log"
    with (
        command_of("worker", environs["worker"], worker_log) as worker,
        serving(folder["web"], **environs["web"]) as web,
    ):
        yield web
        assert worker.poll() is None, worker_log.read_text()


def finished(client: httpx.Client, location: str) -> dict[str, Any]:
    end_s = time.monotonic() + DONE_WITHIN_S
    while time.monotonic() < end_s:
        job: dict[str, Any] = client.get(location).json()
        if job["finished"]:
            return job
        time.sleep(0.1)
    raise AssertionError("the job does not end")


def test_a_job_is_done_by_the_worker_and_its_files_are_in_the_bucket(
    service: Service, environs: dict[str, dict[str, str]], voice: bytes
) -> None:
    with service.client() as client:
        accepted = client.post(
            "/predict", files={"file": ("v.wav", voice)}, headers={"Prefer": "respond-async"}
        )
        assert accepted.status_code == 202
        job = finished(client, accepted.headers["Location"])
        assert job["state"] == "done"
        result = job["result"]
        (row,) = client.get("/history").json()["history"]
        assert row["audio_file"] == result["audio_file"]
        for link, begin in (("visualization", b"\x89PNG"), ("report", b"%PDF")):
            sent_on = client.get(result[link])
            assert sent_on.status_code == 302
            place = sent_on.headers["Location"]
            assert place.startswith(f"{environs['web']['FILES_PUBLIC_URL']}/{BUCKET}/")
            assert httpx.get(place).content.startswith(begin)
    for environ in environs.values():
        assert not list(Path(environ["DATA_PATH"]).glob("uploads/*"))
        assert not list(Path(environ["DATA_PATH"]).glob("*.sqlite3"))


def test_songs_of_the_bucket_are_answered_by_web_and_worker(service: Service) -> None:
    with service.client() as client:
        at_once = client.get("/predict?song_id=nine&method=audio").json()
        accepted = client.post("/batch", json={"prefix": "nin", "method": "audio"})
        assert accepted.status_code == 202
        job = finished(client, accepted.headers["Location"])
        ((result,), following) = job["results"], job["next"]
    assert result["error"] is None
    assert result["result"] == at_once
    assert (job["state"], result["song_id"], following) == ("done", "nine", None)
    assert at_once["sequence"][-1]["emotion"] == "Completed"


def test_what_purges_runs_the_command_that_there_is(
    service: Service, environs: dict[str, dict[str, str]]
) -> None:
    (_, _, loop) = COMPOSE["services"]["purge"]["command"]
    (command,) = re.findall("while (.*); do sleep", loop)
    flask, *words = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(flask), *words],
        cwd=ROOT, env={**os.environ, **environs["worker"]}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Removed 0 files" in done.stdout


def test_a_prediction_is_answered_at_once_as_well(service: Service, voice: bytes) -> None:
    assert service.send(voice, method="random_forest").status_code == 200
