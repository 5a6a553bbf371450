"""Requests that are sent again with the same Idempotency-Key."""

import base64
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from answers import assert_problem, multipart, predicted, rows
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from application.services import Services
from emosync.errors import DatabaseUnavailable, StorageUnavailable
from emosync.first_answers import FirstAnswers

Send = Callable[..., TestResponse]


@pytest.fixture
def send(client: FlaskClient, voice: bytes) -> Send:
    """Post the voice with a key."""

    def post(
        key: str = "k", *, data: bytes = voice, name: str = "v.wav", **headers: str
    ) -> TestResponse:
        return client.post(
            "/predict?method=random_forest",
            data=multipart(data, name),
            content_type="multipart/form-data; boundary=x",
            headers={"Idempotency-Key": key, **headers},
        )

    return post


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["emosync"]
    return found


def lose_leases(services: Services) -> None:
    """Let time pass until whoever answered a key counts as dead."""
    with services.database.begin() as connection:
        connection.exec_driver_sql("UPDATE first_answers SET lease_end = '2000-01-01 00:00:00'")


def test_the_first_answer_comes_again_and_the_history_has_one_entry(
    client: FlaskClient, send: Send
) -> None:
    first, second = send(), send()
    predicted(first)
    assert second.status_code == 200
    assert second.data == first.data
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(rows(client)) == 1


def test_without_a_key_or_with_another_a_request_is_a_new_one(
    client: FlaskClient, upload: Callable[..., TestResponse], send: Send
) -> None:
    send("a"), send("b"), upload(), upload()
    assert len(rows(client)) == 4


def test_another_request_with_the_same_key_is_refused(
    client: FlaskClient, send: Send, make_wav: Callable[..., bytes]
) -> None:
    send()
    assert_problem(send(data=make_wav()), 422, "idempotency_mismatch")
    assert_problem(send(name="other.wav"), 422, "idempotency_mismatch")
    answer = client.post("/mood", json={"tracks": []}, headers={"Idempotency-Key": "k"})
    assert_problem(answer, 422, "idempotency_mismatch")
    assert_problem(send(Prefer="respond-async"), 422, "idempotency_mismatch")
    assert send(Prefer="wait=10").headers["Idempotent-Replayed"] == "true"
    assert len(rows(client)) == 1


def test_a_form_may_be_sent_again_with_another_boundary(client: FlaskClient, voice: bytes) -> None:
    answers = [
        client.post(
            "/predict?method=random_forest",
            data=multipart(voice, "v.wav").replace(b"--x", f"--{boundary}".encode()),
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={"Idempotency-Key": "k"},
        )
        for boundary in ("one", "another")
    ]
    assert answers[0].data == answers[1].data


def test_a_refusal_is_kept_too(send: Send) -> None:
    for replayed in (None, "true"):
        answer = send(data=b"no audio")
        assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers.get("Idempotent-Replayed") == replayed


def test_what_failed_here_is_tried_again(
    client: FlaskClient, services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageUnavailable("Not now.")

    with monkeypatch.context() as patched:
        patched.setattr(services.speech, "recognise", fail)
        assert_problem(send(), 503, "storage_unavailable")
    predicted(send())
    assert len(rows(client)) == 1


def test_while_the_first_request_is_answered_others_are_told_so(
    services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognise = services.speech.recognise
    has_begun, may_end = threading.Event(), threading.Event()

    def wait(*args: Any, **options: Any) -> Any:
        has_begun.set()
        assert may_end.wait(60)
        return recognise(*args, **options)

    monkeypatch.setattr(services.speech, "recognise", wait)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send)
        assert has_begun.wait(60)
        assert_problem(send(), 409, "idempotency_in_progress")
        may_end.set()
        predicted(first.result())


def test_a_request_may_take_longer_than_its_lease(
    client: FlaskClient, services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognise, n_times = services.speech.recognise, []

    def take_time(*args: Any, **options: Any) -> Any:
        n_times.append(1)
        time.sleep(1.5)
        return recognise(*args, **options)

    monkeypatch.setattr(services.speech, "recognise", take_time)
    monkeypatch.setattr(
        services.work, "first_answers", FirstAnswers(services.database, lease_s=0.6)
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send)
        deadline_s = time.monotonic() + 60
        while not n_times:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        while not first.done():
            if (again := send()).status_code != 200:
                assert_problem(again, 409, "idempotency_in_progress")
            time.sleep(0.1)
        predicted(first.result())
    assert n_times == [1]


def test_a_worker_that_dies_before_it_answers_leaves_one_entry(
    client: FlaskClient, services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailable("As if the process had ended here.")

    with monkeypatch.context() as patched:
        patched.setattr(services.work.first_answers, "keep", fail)
        first = predicted(send())
    assert_problem(send(), 409, "idempotency_in_progress")
    lose_leases(services)
    assert predicted(send())["audio_file"] == first["audio_file"]
    assert len(rows(client)) == 1


def test_a_request_that_is_answered_later_is_accepted_once(
    client: FlaskClient, services: Services, send: Send
) -> None:
    first, second = send(Prefer="respond-async"), send(Prefer="respond-async")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert second.headers["Location"] == first.headers["Location"]
    assert services.work.queue.depth()["queued"] == 1


def test_a_worker_that_dies_before_it_says_that_it_accepted_leaves_one_job(
    client: FlaskClient, services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailable("As if the process had ended here.")

    with monkeypatch.context() as patched:
        patched.setattr(services.work.first_answers, "keep", fail)
        first = send(Prefer="respond-async")
    lose_leases(services)
    second = send(Prefer="respond-async")
    assert second.status_code == 202
    assert second.headers["Location"] == first.headers["Location"]
    assert services.work.queue.depth()["queued"] == 1
    assert len(list(services.files.job_bodies.names())) == 1


@pytest.mark.parametrize("path", ["/record", "/classify_audio", "/classify_audio_both"])
def test_every_post_that_predicts_takes_a_key(client: FlaskClient, voice: bytes, path: str) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = []
    for _ in range(2):
        if path == "/record":
            message = {"audio": base64.b64encode(voice).decode(), "method": "svm"}
            answers.append(client.post(path, json=message, headers=headers))
        else:
            form = multipart(voice, "v.wav", field="audio")
            kind = "multipart/form-data; boundary=x"
            answers.append(client.post(path, data=form, content_type=kind, headers=headers))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].data == answers[1].data
    assert len(rows(client)) == (2 if path.endswith("both") else 1)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe4"])
def test_what_is_no_key_is_refused(send: Send, key: str) -> None:
    assert_problem(send(key), 400, "invalid_idempotency_key")


def test_keys_of_different_callers_are_apart(services: Services, send: Send) -> None:
    keys = [services.keys.create(name, ["predict"])[1] for name in ("a", "b")]
    first, second = (predicted(send(**{"X-API-Key": key})) for key in keys)
    assert first["audio_file"] != second["audio_file"]


def test_get_and_routes_that_are_not_there_take_no_notice_of_a_key(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "a b"}
    assert client.get("/history", headers=headers).status_code == 200
    assert client.post("/nowhere", headers=headers).status_code == 404
