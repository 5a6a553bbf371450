"""What Prometheus is told, by one process and by several."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from answers import METHODS, Upload, assert_problem
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from service import Service, serving

from app import create_app
from application.jobs.job_runner import JobRunner
from emosync.config import Config

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Read what is exposed, as Prometheus does."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text).get((name, frozenset(labels.items())), 0.0)


class Growth:
    """How much metrics grow; other tests of the process have counted before."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._before = client.get("/metrics").text

    def of(self, name: str, **labels: str) -> float:
        return value(self._client.get("/metrics").text, name, **labels) - value(
            self._before, name, **labels
        )


@pytest.fixture
def growth(client: FlaskClient) -> Growth:
    return Growth(client)


def test_requests_are_counted_by_route_and_status(client: FlaskClient, growth: Growth) -> None:
    for path in ("/health", "/health", "/download-report/a", "/download-report/b"):
        client.get(path)
    counter = "emosync_requests_total"
    answered = {"verb": "GET", "source": "client"}
    assert growth.of(counter, route="/health", status="200", **answered) == 2
    route = "/download-report/<path:filename>"
    assert growth.of(counter, route=route, status="404", **answered) == 2


def test_what_is_no_route_and_no_verb_is_counted_as_one(
    client: FlaskClient, growth: Growth
) -> None:
    for number in range(3):
        client.open(f"/nothing/{number}", method=f"VERB{number}")
    labels = {"route": "", "verb": "other", "status": "404", "source": "client"}
    assert growth.of("emosync_requests_total", **labels) == 3


def test_latency_and_stages_are_told_by_task_and_method(upload: Upload, growth: Growth) -> None:
    upload(method="cnn")
    upload(method="cnn")
    model = {"task": "speech", "method": "cnn"}
    assert growth.of("emosync_request_seconds_count", route="/predict", **model) == 2
    for stage in ("decode", "features", "model", "storage", "database"):
        assert growth.of("emosync_stage_seconds_count", stage=stage, **model) == 2
    assert growth.of("emosync_stage_seconds_sum", stage="model", **model) > 0


def test_two_methods_in_one_request_are_told_together(upload: Upload, growth: Growth) -> None:
    upload(path="/classify_audio_both", field="audio")
    labels = {"route": "/classify_audio_both", "task": "speech", "method": "svm+cnn"}
    assert growth.of("emosync_request_seconds_count", **labels) == 1


def test_recordings_that_cannot_be_decoded_are_counted_by_code(
    upload: Upload, growth: Growth
) -> None:
    upload(b"no sound")
    labels = {"code": "unsupported_media", "status": "415", "task": "speech"}
    assert growth.of("emosync_errors_total", **labels) == 1


def test_the_models_are_named_with_their_versions(client: FlaskClient) -> None:
    cards = client.get("/models/info").get_json()["models"]["speech"]
    text = client.get("/metrics").text
    for method in METHODS:
        sha256 = cards[method]["sha256"]["model.onnx"]
        assert value(text, "emosync_model_info", task="speech", method=method, sha256=sha256) == 1


def test_without_models_metrics_are_told_nevertheless(config: Config, tmp_path: Path) -> None:
    app = create_app(replace(config, models_path=tmp_path / "none"))
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert "emosync_requests_total" in answer.text


def test_the_queue_of_jobs_is_told(client: FlaskClient) -> None:
    assert value(client.get("/metrics").text, "emosync_job_items", state="queued") == 0
    client.post("/batch", json={"song_ids": ["a", "b"]})
    assert value(client.get("/metrics").text, "emosync_job_items", state="queued") == 2


def test_what_a_job_asks_is_counted_as_a_jobs(
    app: Flask, client: FlaskClient, growth: Growth
) -> None:
    client.get("/predict?song_id=none", headers={"Prefer": "respond-async"})
    taken = app.extensions["emosync"].work.queue.take_next()
    JobRunner(app).run(taken)
    asked = {"route": "/predict", "verb": "GET"}
    assert growth.of("emosync_requests_total", status="202", source="client", **asked) == 1
    assert growth.of("emosync_requests_total", status="404", source="job", **asked) == 1
    labels = {"code": "unknown_song", "status": "404", "task": "song"}
    assert growth.of("emosync_errors_total", **labels) == 1


def test_without_a_database_nobody_can_tell_who_may_see_them(config: Config) -> None:
    url = "postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing"
    app = create_app(replace(config, database_url=url))
    assert_problem(app.test_client().get("/metrics"), 503, "database_unavailable")


def test_what_is_at_work_is_told_and_ends_with_an_error_too(app: Flask) -> None:
    @app.get("/fail")
    def fail() -> str:
        raise RuntimeError

    client = app.test_client()
    growth = Growth(client)
    assert growth.of("emosync_requests_at_work") == 0
    for path in ("/fail", "/nothing", "/metrics"):
        client.get(path)
    assert growth.of("emosync_requests_at_work") == 0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service")) as service:
        yield service


def told(service: Service, name: str, **labels: str) -> float:
    with service.client() as client:
        return value(client.get("/metrics").text, name, **labels)


def test_every_worker_tells_of_all_and_a_dead_one_is_not_forgotten(
    service: Service, voice: bytes
) -> None:
    labels = {"route": "/predict", "verb": "POST", "status": "200", "source": "client"}
    first, second = service.server.workers()
    for pid in (first, second, second):
        with service.only(pid) as client:
            assert client.post("/predict", files={"file": ("a.wav", voice)}).status_code == 200
    for pid in (first, second):
        with service.only(pid) as client:
            text = client.get("/metrics").text
            assert value(text, "emosync_requests_total", **labels) == 3
            assert value(text, "emosync_requests_at_work") == 1
    os.kill(second, signal.SIGKILL)
    deadline_s = time.monotonic() + 60
    while second in service.server.workers() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert told(service, "emosync_requests_total", **labels) == 3
    assert told(service, "emosync_requests_at_work") == 1


def test_the_folder_of_the_counts_goes_with_the_server(tmp_path: Path) -> None:
    folders = tmp_path / "temporary"
    folders.mkdir()
    with serving(tmp_path, TMPDIR=str(folders)) as service:
        assert told(service, "emosync_requests_at_work") == 1
        assert len(list(folders.glob("emosync-metrics-*"))) == 1
    assert not list(folders.glob("emosync-metrics-*"))
