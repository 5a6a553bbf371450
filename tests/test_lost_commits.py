"""PostgreSQL goes away between a commit and its acknowledgement; whether it is back or not."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from answers import assert_problem, multipart, predicted, rows
from flask import Flask
from flask.testing import FlaskClient
from lossy_proxy import LossyProxy, lossy_proxy
from servers import Postgres
from sqlalchemy import text
from werkzeug.test import TestResponse

from app import create_app
from application.jobs.job_runner import JobRunner
from application.services import Services
from emosync.config import Config

LATER = {"Prefer": "respond-async"}
KEY = {"Idempotency-Key": "k"}

Send = Callable[..., TestResponse]


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[LossyProxy]:
    with lossy_proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def app(
    config: Config, postgres_url: str, postgres: Postgres, proxy: LossyProxy
) -> Iterator[Flask]:
    url = postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/")
    app = create_app(replace(config, database_url=url, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    services.database.upgrade()
    yield app
    services.close()


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["emosync"]
    return found


@pytest.fixture
def send(client: FlaskClient, voice: bytes) -> Send:
    def post(headers: dict[str, str]) -> TestResponse:
        body = multipart(voice, "v.wav", method="random_forest")
        form = "multipart/form-data; boundary=x"
        return client.post("/predict", data=body, content_type=form, headers=headers)

    return post


def work_off(app: Flask, services: Services) -> None:
    while (taken := services.work.queue.take_next()) is not None:
        JobRunner(app).run(taken)


def lose_leases(services: Services) -> None:
    """Let time pass until whoever answered a key counts as dead."""
    with services.database.begin() as connection:
        connection.execute(text("UPDATE first_answers SET lease_end = '2000-01-01'"))


@pytest.mark.parametrize("key", [{}, KEY])
def test_a_job_is_accepted_all_the_same(
    app: Flask,
    client: FlaskClient,
    services: Services,
    proxy: LossyProxy,
    send: Send,
    key: dict[str, str],
) -> None:
    proxy.lose_commit_of("INSERT INTO jobs")
    accepted = send({**LATER, **key})
    assert accepted.status_code == 202
    work_off(app, services)
    assert client.get(accepted.headers["Location"]).get_json()["state"] == "done"
    assert len(rows(client)) == 1


def test_a_job_that_nobody_was_told_of_keeps_its_body_and_is_accepted_when_asked_again(
    app: Flask, client: FlaskClient, services: Services, proxy: LossyProxy, send: Send
) -> None:
    proxy.lose_commit_of("INSERT INTO jobs", goes_away=True)
    assert_problem(send({**LATER, **KEY}), 503, "database_unavailable")
    proxy.is_away = False
    lose_leases(services)
    accepted = send({**LATER, **KEY})
    assert accepted.status_code == 202
    work_off(app, services)
    assert client.get(accepted.headers["Location"]).get_json()["state"] == "done"
    assert len(rows(client)) == 1
    with services.database.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobs")) == 1
    assert list(services.files.job_bodies.names()) == []


def test_a_prediction_is_answered_all_the_same_and_its_recording_is_there(
    client: FlaskClient, services: Services, proxy: LossyProxy, send: Send
) -> None:
    proxy.lose_commit_of("INSERT INTO predictions")
    found = predicted(send({}))
    assert [row["audio_file"] for row in rows(client)] == [found["audio_file"]]
    assert client.get(found["visualization"]).status_code == 200


def test_a_prediction_that_nobody_was_told_of_has_its_recording(
    client: FlaskClient, services: Services, proxy: LossyProxy, send: Send
) -> None:
    proxy.lose_commit_of("INSERT INTO predictions", goes_away=True)
    assert_problem(send({}), 503, "database_unavailable")
    proxy.is_away = False
    (row,) = rows(client)
    assert client.get(row["visualization"]).status_code == 200
