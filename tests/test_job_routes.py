"""Requests that are answered later, in one process, with the real models."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from answers import PREDICTION, assert_problem, ended, multipart, rows
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from application.jobs import respond_async
from application.jobs.job_runner import MAX_ATTEMPTS, JobRunner
from application.jobs.job_views import MAX_SONGS
from application.jobs.job_work import JobWork
from application.services import Services
from application.tasks.song_library import SongLibrary
from emosync.caller import Caller, working_for
from emosync.config import Config
from emosync.errors import StorageUnavailable
from emosync.job_tables import JOB_ITEMS
from emosync.jobs import NewItem, NewJob
from emosync.recordings import new_name
from emosync.sources import Source

LATER = {"Prefer": "respond-async"}
FORM = "multipart/form-data; boundary=x"
SEQUENCE = {"sequence": [{"start_time": 0, "emotion": "Calm"}]}

Send = Callable[..., TestResponse]


@pytest.fixture
def send(client: FlaskClient, voice: bytes) -> Send:
    """Post the voice, to be answered later."""

    def post(data: bytes | None = None, path: str = "/predict", **headers: str) -> TestResponse:
        body = multipart(data or voice, "v.wav", method="random_forest")
        return client.post(path, data=body, content_type=FORM, headers={**LATER, **headers})

    return post


@pytest.fixture
def work(app: Flask) -> Iterator[JobWork]:
    """Have the application work on its jobs."""
    work = JobWork(app)
    work.start()
    yield work
    work.stop()


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["emosync"]
    return found


@pytest.fixture
def runner(app: Flask) -> JobRunner:
    return JobRunner(app)


def run_next(services: Services, runner: JobRunner) -> None:
    taken = services.work.queue.take_next()
    assert taken is not None
    runner.run(taken)


def keep_songs(config: Config, *song_ids: str) -> None:
    library = SongLibrary(config)
    for song_id in song_ids:
        library.write("playback", song_id, json.dumps(SEQUENCE).encode())


def test_a_request_is_accepted_and_answered_later(
    client: FlaskClient, send: Send, work: JobWork
) -> None:
    accepted = send()
    job = accepted.get_json()
    assert accepted.headers["Location"] == f"/jobs/{job['id']}"
    assert accepted.headers["Preference-Applied"] == "respond-async"
    assert list(job) == ["id", "state", "created", "finished", "progress"]
    job = ended(client, accepted.headers["Location"])
    assert (job["state"], job["error"]) == ("done", None)
    assert job["progress"] == {
        "total": 1, "queued": 0, "running": 0, "done": 1, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert list(job["result"])[: len(PREDICTION)] == PREDICTION
    (row,) = rows(client)
    assert row["audio_file"] == job["result"]["audio_file"]
    assert client.get(row["report"]).status_code == 200


def test_what_is_answered_later_is_what_would_be_answered_now(
    client: FlaskClient, send: Send, work: JobWork
) -> None:
    now = send(Prefer="").get_json()
    later = ended(client, send().headers["Location"])["result"]
    assert later["probabilities"] == now["probabilities"]
    assert list(later) == list(now)


def test_a_recording_in_json_and_a_picture_are_answered_later(
    client: FlaskClient, work: JobWork
) -> None:
    for path, message, code in (
        ("/recommend", {"emotion": "none"}, "unknown_emotion"),
        ("/record", {"audio": "?"}, "invalid_base64"),
    ):
        accepted = client.post(path, json=message, headers=LATER)
        assert accepted.status_code == 202
        job = ended(client, accepted.headers["Location"])
        assert job["error"]["code"] == code


def test_a_job_that_fails_says_why(client: FlaskClient, send: Send, work: JobWork) -> None:
    job = ended(client, send(b"no audio").headers["Location"])
    assert (job["state"], job["result"]) == ("failed", None)
    assert (job["error"]["status"], job["error"]["code"]) == (415, "unsupported_media")
    assert rows(client) == []


def test_a_defect_in_a_view_is_told_as_in_any_answer(
    app: Flask, client: FlaskClient, send: Send, work: JobWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(app.extensions["emosync"].speech, "recognise", fail)
    job = ended(client, send().headers["Location"])
    assert job["error"]["code"] == "internal_error"
    assert "secret" not in json.dumps(job)


@pytest.mark.parametrize("wish", ["wait=10, Respond-Async; x=1", "return=minimal,respond-async"])
def test_the_preference_may_stand_among_others(send: Send, wish: str) -> None:
    assert send(Prefer=wish).status_code == 202


@pytest.mark.parametrize("wish", ["", "wait=10", "respond-asynchronously"])
def test_other_preferences_change_nothing(send: Send, wish: str) -> None:
    answer = send(Prefer=wish)
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers
    assert "Prefer" in answer.headers["Vary"]


def test_routes_that_answer_quickly_answer_now(client: FlaskClient) -> None:
    assert client.get("/history", headers=LATER).status_code == 200
    assert client.get("/predict", headers=LATER).status_code == 202
    assert client.head("/predict", headers=LATER).status_code == 400


def test_a_body_over_the_limit_is_refused_at_once(config: Config) -> None:
    app = create_app(replace(config, max_upload_mb=0.001, max_json_mb=0.0005))
    client = app.test_client()
    form = {"data": multipart(bytes(2_000), "v.wav"), "content_type": FORM}
    assert_problem(client.post("/predict", headers=LATER, **form), 413, "too_large")
    text = json.dumps({"audio": "a" * 800})
    answer = client.post("/record", data=text, content_type="application/json", headers=LATER)
    assert_problem(answer, 413, "too_large")
    app.extensions["emosync"].close()


def test_a_job_is_kept_by_the_database_and_the_body_by_a_file_until_it_is_done(
    config: Config, services: Services, send: Send, runner: JobRunner
) -> None:
    send()
    assert len(list(config.job_bodies_path.iterdir())) == 1
    run_next(services, runner)
    assert list(config.job_bodies_path.iterdir()) == []


def test_part_of_a_job_that_is_done_twice_is_in_the_history_once(
    client: FlaskClient, services: Services, send: Send, runner: JobRunner
) -> None:
    job_id = send().get_json()["id"]
    first = services.work.queue.take((job_id, 0))
    assert first is not None
    runner.run(replace(first, lease="of a worker that died before it could say so"))
    assert len(rows(client)) == 1
    runner.run(first)
    (row,) = rows(client)
    job = client.get(f"/jobs/{job_id}").get_json()
    assert job["result"]["audio_file"] == row["audio_file"]


def test_what_may_pass_is_tried_again_after_a_pause(
    client: FlaskClient,
    services: Services,
    send: Send,
    runner: JobRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = send().get_json()["id"]
    with monkeypatch.context() as patched:

        def fail(_name: str) -> bytes:
            raise StorageUnavailable("Not now.")

        patched.setattr(services.work.bodies, "read", fail)
        run_next(services, runner)
    assert services.work.queue.take_next() is None
    assert client.get(f"/jobs/{job_id}").get_json()["state"] == "queued"
    with services.database.begin() as connection:
        row = connection.execute(JOB_ITEMS.select()).one()
        assert row.attempts == 1
        connection.execute(JOB_ITEMS.update().values(due=row.due.replace(year=2000)))
    run_next(services, runner)
    assert client.get(f"/jobs/{job_id}").get_json()["state"] == "done"


@pytest.mark.parametrize(("attempts", "code"), [(-1, "storage_unavailable"), (0, "job_given_up")])
def test_attempts_come_to_an_end(
    client: FlaskClient,
    services: Services,
    send: Send,
    runner: JobRunner,
    monkeypatch: pytest.MonkeyPatch,
    attempts: int,
    code: str,
) -> None:
    def fail(_name: str) -> bytes:
        raise StorageUnavailable("Not now.")

    monkeypatch.setattr(services.work.bodies, "read", fail)
    location = send().headers["Location"]
    with services.database.begin() as connection:
        connection.execute(JOB_ITEMS.update().values(attempts=MAX_ATTEMPTS + attempts))
    run_next(services, runner)
    assert client.get(location).get_json()["error"]["code"] == code


def test_what_takes_too_long_is_told_so(
    app: Flask,
    client: FlaskClient,
    services: Services,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class TooSlow(Exception):
        pass

    def hang(*_: object, **__: object) -> None:
        raise TooSlow

    monkeypatch.setattr(services.speech, "recognise", hang)
    location = send().headers["Location"]
    run_next(services, JobRunner(app, timeouts=(TooSlow,)))
    job = client.get(location).get_json()
    assert (job["error"]["status"], job["error"]["code"]) == (504, "job_timeout")


def test_the_lease_is_renewed_while_the_work_goes_on(
    config: Config, voice: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(replace(config, job_lease_s=0.3, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    recognise, taken_over = services.speech.recognise, []

    def take_time(*args: Any, **options: Any) -> Any:
        for _ in range(5):
            time.sleep(0.2)
            taken_over.append(services.work.queue.take_next())
        return recognise(*args, **options)

    monkeypatch.setattr(services.speech, "recognise", take_time)
    client = app.test_client()
    body = multipart(voice, "v.wav", method="random_forest")
    accepted = client.post("/predict", data=body, content_type=FORM, headers=LATER)
    run_next(services, JobRunner(app))
    assert taken_over == [None] * 5
    assert client.get(accepted.headers["Location"]).get_json()["state"] == "done"
    services.close()


def test_who_stops_leaves_what_is_begun_to_others(
    config: Config, voice: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(replace(config, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    has_begun, may_end = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        has_begun.set()
        may_end.wait(60)
        raise StorageUnavailable("Too late.")

    monkeypatch.setattr(services.speech, "recognise", hang)
    work = JobWork(app)
    work.start()
    accepted = app.test_client().post(
        "/predict", data=multipart(voice, "v.wav"), content_type=FORM, headers=LATER
    )
    assert has_begun.wait(60)
    work.stop(within_s=0.1)
    taken = services.work.queue.take((accepted.get_json()["id"], 0))
    assert taken is not None
    assert taken.attempts == 1  # the first one does not count
    may_end.set()
    services.close()


def test_a_part_that_hangs_fails_at_the_limit_and_holds_nobody_up(
    config: Config, voice: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(replace(config, job_time_limit_s=1.0, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    recognise, may_end, has_ended = services.speech.recognise, threading.Event(), threading.Event()

    def hang(source: Source, **options: Any) -> Any:
        if source.filename == "hangs.wav":
            may_end.wait(60)
        return recognise(source, **options)

    monkeypatch.setattr(services.speech, "recognise", hang)
    remove = services.remove

    def removed(name: str) -> None:
        remove(name)
        has_ended.set()

    monkeypatch.setattr(services, "remove", removed)
    work = JobWork(app)
    work.start()
    client = app.test_client()
    hanging, other = (
        client.post(
            "/predict",
            data=multipart(voice, name, method="random_forest"),
            content_type=FORM,
            headers=LATER,
        ).headers["Location"]
        for name in ("hangs.wav", "v.wav")
    )
    job = ended(client, hanging)
    assert (job["error"]["status"], job["error"]["code"]) == (504, "job_timeout")
    assert ended(client, other)["state"] == "done"
    # What comes of it in the end is not kept beside an answer that says it failed.
    may_end.set()
    assert has_ended.wait(60)
    assert [row["filename"] for row in rows(client)] == ["v.wav"]
    assert len(list(config.uploads_path.iterdir())) == 1
    assert client.get(hanging).get_json() == job
    work.stop()
    services.close()


def test_a_job_that_waits_can_be_cancelled(
    client: FlaskClient, services: Services, send: Send
) -> None:
    location = send().headers["Location"]
    job = client.delete(location).get_json()
    assert (job["state"], job["result"], job["error"]) == ("cancelled", None, None)
    assert job["finished"]
    assert services.work.queue.take_next() is None
    assert client.delete(location).get_json() == job


def test_what_is_cancelled_in_the_middle_leaves_nothing_in_the_history(
    client: FlaskClient,
    config: Config,
    services: Services,
    send: Send,
    runner: JobRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = send()
    recognise = services.speech.recognise

    def cancelled_meanwhile(*args: Any, **options: Any) -> Any:
        client.delete(accepted.headers["Location"])
        return recognise(*args, **options)

    monkeypatch.setattr(services.speech, "recognise", cancelled_meanwhile)
    run_next(services, runner)
    assert list(config.uploads_path.iterdir()) == []
    assert client.get(accepted.headers["Location"]).get_json()["state"] == "cancelled"
    assert rows(client) == []


@pytest.mark.parametrize("job_id", ["0" * 32, "x", "%00" * 32, "0" * 31 + "%0A"])
def test_a_job_that_is_not_there_is_not_found(client: FlaskClient, job_id: str) -> None:
    assert_problem(client.get(f"/jobs/{job_id}"), 404, "unknown_job")
    assert_problem(client.delete(f"/jobs/{job_id}"), 404, "unknown_job")


def test_a_job_belongs_to_the_key_that_made_it(
    client: FlaskClient, services: Services, voice: bytes, work: JobWork
) -> None:
    (_, own), (_, others) = (services.keys.create(n, ["predict", "read"]) for n in ("a", "b"))
    body = multipart(voice, "v.wav", method="random_forest")
    accepted = client.post(
        "/predict", data=body, content_type=FORM, headers={**LATER, "X-API-Key": own}
    )
    location = accepted.headers["Location"]
    for ask in (client.get, client.delete):
        assert_problem(ask(location, headers={"X-API-Key": others}), 404, "unknown_job")
    job = ended(client, location, headers={"X-API-Key": own})
    assert job["state"] == "done"
    (row,) = client.get("/history", headers={"X-API-Key": own}).get_json()["history"]
    assert row["audio_file"] == job["result"]["audio_file"]
    assert client.get("/history", headers={"X-API-Key": others}).get_json()["history"] == []


@pytest.mark.parametrize("is_replaced", [True, False])
def test_what_waits_when_its_key_is_revoked_is_done_only_if_another_took_its_place(
    client: FlaskClient, services: Services, send: Send, runner: JobRunner, is_replaced: bool
) -> None:
    key, text = services.keys.create("a", ["predict"])
    location = send(**{"X-API-Key": text}).headers["Location"]
    if is_replaced:
        services.keys.create("b", ["predict"], owner=key.owner)
    services.keys.revoke(key.id)
    run_next(services, runner)
    reader = services.keys.create("c", ["read"], owner=key.owner)[1]
    job = client.get(location, headers={"X-API-Key": reader}).get_json()
    if is_replaced:
        assert job["state"] == "done"
    else:
        assert (job["error"]["status"], job["error"]["code"]) == (401, "key_invalid")


def test_songs_are_answered_in_one_job(config: Config, client: FlaskClient, work: JobWork) -> None:
    keep_songs(config, "a", "b")
    accepted = client.post("/batch", json={"song_ids": ["b", "nothing", "a"]})
    job = ended(client, accepted.headers["Location"])
    assert (job["state"], job["next"]) == ("done", None)
    assert (job["progress"]["done"], job["progress"]["failed"]) == (2, 1)
    first, second, third = job["results"]
    assert list(first) == ["position", "song_id", "state", "result", "error"]
    assert first["result"] == {"song_id": "b", **SEQUENCE, "method": "precalculated"}
    assert (second["song_id"], second["state"]) == ("nothing", "failed")
    assert second["error"]["code"] == "unknown_song"
    assert third["result"]["song_id"] == "a"


def test_results_come_in_pages(config: Config, client: FlaskClient) -> None:
    accepted = client.post("/batch", json={"song_ids": list("abcde")})
    path, positions = f"{accepted.headers['Location']}?limit=2", []
    while path:
        page = client.get(path).get_json()
        positions.append([result["position"] for result in page["results"]])
        path = page["next"]
    assert positions == [[0, 1], [2, 3], [4]]
    for wrong in ("-1", "x", "12345"):
        answer = client.get(f"{accepted.headers['Location']}?after={wrong}")
        assert_problem(answer, 400, "invalid_parameter")


def test_songs_may_be_named_by_the_prefix_of_their_ids(config: Config, client: FlaskClient) -> None:
    keep_songs(config, "rock-1", "rock-2", "jazz-1")
    job = client.get(client.post("/batch", json={"prefix": "rock-"}).headers["Location"]).get_json()
    assert [result["song_id"] for result in job["results"]] == ["rock-1", "rock-2"]


def test_what_is_wished_holds_for_every_song(
    config: Config, client: FlaskClient, services: Services
) -> None:
    client.post("/batch?smooth=3", json={"song_ids": ["a&b=c"[:1]], "method": "audio"})
    taken = services.work.queue.take_next()
    assert taken is not None
    assert (taken.verb, taken.path) == ("GET", "/predict")
    assert taken.query == "song_id=a&method=audio&smooth=3"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, "invalid_batch"),
        ({"song_ids": []}, "invalid_batch"),
        ({"song_ids": "a"}, "invalid_batch"),
        ({"song_ids": ["a", 1]}, "invalid_batch"),
        ({"song_ids": ["a/b"]}, "invalid_song_id"),
        ({"song_ids": ["a"] * (MAX_SONGS + 1)}, "invalid_batch"),
        ({"song_ids": ["a"], "prefix": "a"}, "invalid_batch"),
        ({"prefix": 1}, "invalid_batch"),
        ({"prefix": "nothing"}, "invalid_batch"),
        ({"prefix": "s3://bucket/SONGS/a"}, "invalid_batch"),
        ({"song_ids": ["a"], "method": "none"}, "unknown_method"),
        ({"song_ids": ["a"], "smooth": 0}, "invalid_parameter"),
        ({"song_ids": ["a"], "task": "speech"}, "invalid_parameter"),
    ],
)
def test_what_is_no_batch_is_refused(client: FlaskClient, message: object, code: str) -> None:
    assert_problem(client.post("/batch", json=message), 400, code)


def test_every_route_that_can_wait_is_a_route(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= respond_async.ENDPOINTS


def test_old_jobs_and_bodies_of_none_are_forgotten(config: Config, voice: bytes) -> None:
    app = create_app(replace(config, job_retention_days=1e-9, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    services.work.accept(NewJob("GET", "/predict", [NewItem("")]))
    forgotten = new_name(datetime(2024, 1, 15), container="body")
    services.work.bodies.keep(forgotten, b"of a process that was killed")
    run_next(services, JobRunner(app))
    job_work = JobWork(app)
    job_work.start()
    deadline_s = time.monotonic() + 10
    while True:
        with services.database.begin() as connection:
            items = connection.execute(JOB_ITEMS.select()).all()
        if items == [] and not services.work.bodies.has(forgotten):
            break
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    job_work.stop()
    services.close()


def test_a_key_has_only_so_many_jobs_that_have_not_ended(config: Config, voice: bytes) -> None:
    app = create_app(replace(config, max_jobs_per_owner=2, database_timeout_s=5.0))
    client, services = app.test_client(), app.extensions["emosync"]

    def send() -> TestResponse:
        return client.get("/predict?song_id=a", headers=LATER)

    locations = [send().headers["Location"] for _ in range(2)]
    assert_problem(send(), 429, "too_many_jobs")
    assert_problem(client.post("/batch", json={"song_ids": ["a"]}), 429, "too_many_jobs")
    with working_for(Caller(owner="k1")):
        services.work.accept(NewJob("GET", "/predict", [NewItem("song_id=a")]))
    client.delete(locations[0])
    assert send().status_code == 202
    services.close()
