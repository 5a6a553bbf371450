"""Jobs by a real Celery worker, by way of Redis and of RabbitMQ."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from answers import ended, multipart, rows
from conftest import ROOT, MakeWav
from flask.testing import FlaskClient
from servers import LocalServer, redis_process
from workers import started_worker

from app import create_app
from emosync.config import Config

LATER = {"Prefer": "respond-async"}
FORM = "multipart/form-data; boundary=x"
LEASE_S = 2.0


@contextmanager
def worker(config: Config, log_path: Path) -> Iterator[None]:
    """Run a Celery worker of one process on the same database and folder."""
    environ = {
        "DATA_PATH": str(config.data_path),
        "CELERY_BROKER_URL": config.celery_broker_url,
        "JOB_LEASE_S": str(config.job_lease_s),
        "JOB_TIME_LIMIT_S": str(config.job_time_limit_s),
    }
    process = started_worker(environ, log_path)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0, log_path.read_text()


@pytest.fixture
def asked(config: Config) -> Iterator[Callable[..., FlaskClient]]:
    """Make a client of an application with that broker."""
    apps = []

    def make(broker_url: str, **settings: Any) -> FlaskClient:
        made = replace(
            config, celery_broker_url=broker_url, job_lease_s=LEASE_S, database_timeout_s=5.0,
            **settings,
        )  # fmt: skip
        apps.append(create_app(made))
        return apps[-1].test_client()

    yield make
    for app in apps:
        app.extensions["emosync"].close()


def config_of(client: FlaskClient) -> Config:
    found: Config = client.application.config["EMOSYNC"]
    return found


def sent(client: FlaskClient, data: bytes, *, method: str = "random_forest") -> str:
    body = multipart(data, "v.wav", method=method)
    answer = client.post("/predict", data=body, content_type=FORM, headers=LATER)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


@pytest.mark.slow
@pytest.mark.parametrize("broker", ["redis_server", "rabbitmq"])
def test_a_worker_does_what_a_web_process_accepted(
    request: pytest.FixtureRequest,
    asked: Callable[..., FlaskClient],
    broker: str,
    voice: bytes,
    tmp_path: Path,
) -> None:
    server: LocalServer = request.getfixturevalue(broker)
    client = asked(server.url)
    location = sent(client, voice)
    with worker(config_of(client), tmp_path / "log"):
        assert ended(client, location)["state"] == "done"
        # Long after the worker began, a job does not wait for anything.
        started_s = time.monotonic()
        assert ended(client, sent(client, voice))["state"] == "done"
        assert time.monotonic() - started_s < LEASE_S
    assert len(rows(client)) == 2


@pytest.mark.slow
def test_a_stop_of_all_processes_at_once_lets_a_job_end(
    redis_server: LocalServer,
    asked: Callable[..., FlaskClient],
    make_wav: MakeWav,
    tmp_path: Path,
) -> None:
    """As Heroku stops a dyno, with the setting of app.json."""
    client = asked(redis_server.url)
    config = config_of(client)
    environ = {
        "DATA_PATH": str(config.data_path),
        "CELERY_BROKER_URL": config.celery_broker_url,
        "REMAP_SIGTERM": json.loads((ROOT / "app.json").read_text())["env"]["REMAP_SIGTERM"][
            "value"
        ],
    }
    process = started_worker(environ, tmp_path / "log")
    try:
        body = multipart(make_wav(120.0), "song.wav", task="song")
        answer = client.post("/predict", data=body, content_type=FORM, headers=LATER)
        location = answer.headers["Location"]
        deadline_s = time.monotonic() + 60
        while (client.get(location).json or {})["state"] != "running":
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGTERM)
        assert ended(client, location)["state"] == "done"
        process.wait(60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_message_names_the_work_and_holds_nothing_of_it(
    redis_server: LocalServer, asked: Callable[..., FlaskClient], voice: bytes
) -> None:
    with redis.Redis.from_url(redis_server.url) as broker:
        broker.flushall()
        location = sent(asked(redis_server.url), voice)
        (message,) = broker.lrange("emosync", 0, -1)
        broker.flushall()
    arguments, options, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert (arguments, options) == ([location.removeprefix("/jobs/"), 0], {})
    assert len(message) < 2_000


def test_threads_that_ring_first_at_the_same_time_do_not_trip_each_other() -> None:
    script = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from application.jobs.celery_queue import celery_for\n"
        "from emosync.config import Config\n"
        "config = Config(celery_broker_url='redis://localhost:1/0')\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    made = list(pool.map(lambda _: celery_for(config).conf.task_acks_late, range(8)))\n"
        "assert made == [True] * 8\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


@pytest.mark.slow
def test_a_broker_that_is_away_or_forgets_loses_no_job(
    asked: Callable[..., FlaskClient], voice: bytes, tmp_path: Path
) -> None:
    with redis_process() as server:
        client = asked(server.url)
        forgotten = sent(client, voice)
        server.kill()
        untold = sent(client, voice)
        server.start()
        with worker(config_of(client), tmp_path / "log"):
            for location in (forgotten, untold):
                assert ended(client, location)["state"] == "done"
    assert len(rows(client)) == 2


@pytest.mark.slow
def test_a_job_that_takes_too_long_is_ended(
    redis_server: LocalServer,
    asked: Callable[..., FlaskClient],
    make_wav: MakeWav,
    tmp_path: Path,
) -> None:
    client = asked(redis_server.url, job_time_limit_s=1.0)
    location = sent(client, make_wav(590), method="whisper")
    with worker(config_of(client), tmp_path / "log"):
        job = ended(client, location)
    assert (job["state"], job["error"]["code"]) == ("failed", "job_timeout")
