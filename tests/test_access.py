"""Who gets what: every route by the key that is shown."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from answers import assert_problem, multipart, predicted, rows
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from application.jobs.job_runner import JobRunner
from application.services import Services
from application.web import access
from application.web.request_context import REPLAY
from emosync.caller import Caller, JobItem, current_caller, working_for
from emosync.config import Config
from emosync.history import new_entry
from emosync.keys import SCOPES

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Row:
    """What a route answers to each kind of key, and the scopes of which it takes one."""

    no_key: int
    wrong_key: int
    revoked_key: int
    missing_scope: int
    others_key: int
    own_key: int
    scopes: tuple[str, ...] = ()


def free(status: int = 200) -> Row:
    return Row(status, status, status, status, status, status)


def closed(scopes: str, others_key: int, own_key: int | None = None) -> Row:
    own_key = own_key or others_key
    return Row(401, 401, 401, 403, others_key, own_key, tuple(scopes.split()))


# POST is sent without a body: 400 says that the request was let in. What a path names was made
# by the owner of the own key.
TABLE: Mapping[str, Row] = {
    "GET /": free(),
    "GET /health": free(),
    "GET /ready": free(),
    "GET /openapi.json": free(),
    "GET /docs": free(),
    "GET /docs/<name>": free(),
    "POST /predict": closed("predict", 400),
    "GET /predict": closed("predict", 400),
    "POST /record": closed("predict", 400),
    "POST /classify_audio": closed("predict", 400),
    "POST /classify_audio_both": closed("predict", 400),
    "POST /recommend": closed("predict", 400),
    "POST /mood": closed("predict", 400),
    "GET /playlists/<path:playlist>/moods": closed("predict", 400),
    "GET /songs": closed("predict read", 200),
    "GET /songs/<path:song_id>/curve": closed("predict", 404),
    "GET /songs/<path:song_id>/tags": closed("predict", 404),
    "GET /models/info": closed("predict read", 200),
    "GET /history": closed("read", 200),
    "DELETE /history/<name>": closed("predict", 404, 204),
    "GET /visualizations/<audio_file>.png": closed("read", 404, 200),
    "GET /download-report/<path:filename>": closed("read", 404, 200),
    "POST /batch": closed("predict", 400),
    "GET /jobs/<job_id>": closed("predict read", 404, 200),
    "DELETE /jobs/<job_id>": closed("predict", 404, 200),
    "GET /changeMethod": closed("admin", 400),
    "POST /changeMethod": closed("admin", 400),
    "GET /metrics": closed("admin", 200),
}
KINDS = ("no_key", "wrong_key", "revoked_key", "missing_scope", "others_key", "own_key")


class House:
    """A service with keys in force, and something that one of them made."""

    def __init__(self, config: Config, voice: bytes) -> None:
        self.app = create_app(config)
        self.services: Services = self.app.extensions["emosync"]
        self.own = self.key()
        self.other = self.key()
        self._voice = voice
        self._revoked: str | None = None

    def key(self, *scopes: str) -> str:
        """Make a key, with every scope by default."""
        return self.services.keys.create("a key", scopes or SCOPES)[1]

    @property
    def revoked(self) -> str:
        if self._revoked is None:
            key, self._revoked = self.services.keys.create("lost", SCOPES)
            self.services.keys.revoke(key.id)
        return self._revoked

    def of_kind(self, kind: str, scopes: Iterable[str]) -> str | None:
        """Return a key for a column of the table."""
        if kind == "missing_scope":
            return self.key(*set(SCOPES).difference(scopes))
        return {
            "no_key": None,
            "wrong_key": "emosync_" + "0" * 16 + "_" + "a" * 43,
            "revoked_key": self.revoked,
            "others_key": self.other,
            "own_key": self.own,
        }[kind]

    def client(self, key: str | None) -> FlaskClient:
        client = self.app.test_client()
        if key is not None:
            client.environ_base["HTTP_X_API_KEY"] = key
        return client

    def predict(self, key: str, **headers: str) -> dict[str, Any]:
        """Let a key make a prediction."""
        return predicted(self._send(key, **headers))

    def order(self, key: str) -> str:
        """Let a key ask for a prediction by a job, which nobody does yet; returns its path."""
        answer = self._send(key, Prefer="respond-async")
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def _send(self, key: str, **headers: str) -> TestResponse:
        body = multipart(self._voice, "voice.wav")
        content_type = "multipart/form-data; boundary=x"
        client = self.client(key)
        return client.post("/predict", data=body, content_type=content_type, headers=headers)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, voice: bytes) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    config = Config(
        data_path=folder / "data",
        visualizations_path=folder / "visualizations",
        library_path=folder / "library",
        models_path=ROOT / "models",
    )
    found = House(config, voice)
    yield found
    found.services.close()


@pytest.fixture(scope="module")
def paths(house: House) -> dict[str, str]:
    """Return paths for the rules with arguments, of what the own key made."""
    made, removed = (house.predict(house.own)["audio_file"] for _ in range(2))
    return {
        "/docs/<name>": "/docs/swagger-ui.css",
        "/history/<name>": f"/history/{removed}",
        "/visualizations/<audio_file>.png": f"/visualizations/{made}.png",
        "/download-report/<path:filename>": f"/download-report/{made}",
        "/jobs/<job_id>": house.order(house.own),
        "/songs/<path:song_id>/curve": "/songs/none/curve",
        "/songs/<path:song_id>/tags": "/songs/none/tags",
        "/playlists/<path:playlist>/moods": "/playlists/none/moods",
    }


def verbs_and_rules(app: Flask) -> set[str]:
    return {
        f"{verb} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def ask(client: FlaskClient, route: str, paths: Mapping[str, str]) -> TestResponse:
    verb, _, rule = route.partition(" ")
    path = paths.get(rule, rule)
    assert "<" not in path, f"say in `paths` what is asked for by {rule}"
    return client.open(path, method=verb, buffered=True)  # files are closed at once


def test_every_route_is_in_the_table(house: House) -> None:
    assert verbs_and_rules(house.app) == set(TABLE) == set(access.SCOPES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", TABLE)
def test_a_route_answers_as_the_key_deserves(
    house: House, paths: dict[str, str], route: str, kind: str
) -> None:
    row = TABLE[route]
    answer = ask(house.client(house.of_kind(kind, row.scopes)), route, paths)
    assert answer.status_code == getattr(row, kind), answer.text
    if answer.status_code in (401, 403):
        codes = {"no_key": "key_missing", "missing_scope": "scope_missing"}
        assert_problem(answer, answer.status_code, codes.get(kind, "key_invalid"))


@pytest.mark.parametrize("route", [route for route in TABLE if TABLE[route].scopes])
def test_any_one_of_the_scopes_of_a_route_is_enough(
    house: House, paths: dict[str, str], route: str
) -> None:
    for scope in TABLE[route].scopes:
        answer = ask(house.client(house.key(scope)), route, paths)
        assert answer.status_code == TABLE[route].others_key


def test_a_route_that_nobody_thought_of_takes_an_administrator(config: Config) -> None:
    app = create_app(config)
    app.get("/new")(lambda: "new")
    keys = app.extensions["emosync"].keys
    for scope, status in (("read", 403), ("predict", 403), ("admin", 200)):
        headers = {"X-API-Key": keys.create("a", [scope])[1]}
        assert app.test_client().get("/new", headers=headers).status_code == status


def test_without_any_key_everybody_is_let_in(client: FlaskClient, paths: dict[str, str]) -> None:
    for route, row in TABLE.items():
        assert ask(client, route, paths).status_code == row.others_key


def test_a_key_sees_its_own_history_alone(house: House) -> None:
    mine, yours = house.key(), house.key()
    made = [house.predict(key)["audio_file"] for key in (mine, yours, mine)]
    for key, own in ((mine, [made[2], made[0]]), (yours, [made[1]]), (house.key(), [])):
        client = house.client(key)
        assert [row["audio_file"] for row in rows(client)] == own
        lines = client.get("/history?format=csv").text.splitlines()[1:]
        assert [line.rpartition(",")[2] for line in lines] == own


def test_a_long_history_is_downloaded_for_its_owner_to_the_last_line(house: House) -> None:
    text = house.key()
    entry = new_entry("a.wav", {"happy": 1.0}, task="speech", method="svm", duration_s=1.0)
    key = house.services.keys.check(text)
    assert key is not None
    with working_for(Caller(owner=key.owner)):
        many = [replace(entry, audio_file=f"{key.id}-{number}") for number in range(2_500)]
        house.services.history.add(many)
    assert len(house.client(text).get("/history?format=csv").text.splitlines()) == 2_501


def test_an_uploaded_name_finds_the_own_report_alone(house: House) -> None:
    mine, yours, stranger = (house.key() for _ in range(3))
    names = [house.predict(key)["audio_file"].partition(".")[0] for key in (mine, yours)]
    for key, name in zip((mine, yours), names, strict=True):
        answer = house.client(key).get("/download-report/voice.wav")
        assert name in answer.headers["Content-Disposition"]
    assert_problem(house.client(stranger).get("/download-report/voice.wav"), 404, "not_found")


def test_a_page_cannot_begin_at_what_another_key_made(house: House) -> None:
    made = house.predict(house.own)["audio_file"]
    assert house.client(house.own).get(f"/history?before={made}").status_code == 200
    answer = house.client(house.other).get(f"/history?before={made}")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_parameter")


def test_what_was_made_before_there_were_keys_is_for_the_key_that_inherits(
    config: Config, voice: bytes
) -> None:
    app = create_app(config)
    body, content_type = multipart(voice, "voice.wav"), "multipart/form-data; boundary=x"
    made = predicted(app.test_client().post("/predict", data=body, content_type=content_type))
    keys = app.extensions["emosync"].keys
    for owner, seen in ((None, []), ("", [made["audio_file"]])):
        client = app.test_client()
        client.environ_base["HTTP_X_API_KEY"] = keys.create("a", ["read"], owner=owner)[1]
        assert [row["audio_file"] for row in rows(client)] == seen


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_may_come_as_a_bearer_token(house: House, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {house.own}"}
    assert house.app.test_client().get("/history", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code", "challenge"),
    [
        ({}, "key_missing", "Bearer"),
        ({"X-API-Key": ""}, "key_missing", "Bearer"),
        ({"Authorization": "Basic YTpi"}, "key_missing", "Bearer"),
        ({"Authorization": "Bearer"}, "key_missing", "Bearer"),
        ({"Authorization": "Bearer a=b"}, "key_missing", "Bearer"),
        ({"Authorization": "Bearer a"}, "key_invalid", 'Bearer error="invalid_token"'),
        ({"X-API-Key": "é" * 2000}, "key_invalid", 'Bearer error="invalid_token"'),
    ],
)
def test_a_refusal_says_how_to_show_a_key(
    house: House, headers: dict[str, str], code: str, challenge: str
) -> None:
    answer = house.app.test_client().get("/history", headers=headers)
    assert_problem(answer, 401, code)
    assert answer.headers["WWW-Authenticate"] == challenge


def test_a_path_or_a_verb_that_is_no_route_is_told_without_a_key(house: House) -> None:
    for key in (None, house.key("read")):
        assert_problem(house.client(key).get("/nothing"), 404, "not_found")
        assert_problem(house.client(key).delete("/health"), 405, "method_not_allowed")


def test_no_folder_is_served_as_it_is(house: House) -> None:
    picture = house.predict(house.own)["visualization"]
    assert house.client(house.own).get(picture).status_code == 200
    assert_problem(house.client(house.other).get(f"/static{picture}"), 404, "not_found")


def test_head_is_refused_as_get_is_and_a_preflight_is_free(house: House) -> None:
    assert house.client(None).head("/history").status_code == 401
    assert house.client(house.own).head("/history").status_code == 200
    for route in TABLE:
        path = route.partition(" ")[2].replace("<", "").replace(">", "")
        assert house.client(None).options(path).status_code == 200


def test_what_a_job_makes_belongs_to_the_key_that_ordered_it(house: House) -> None:
    mine, yours = house.key(), house.key()
    path = house.order(mine)
    taken = house.services.work.queue.take_next()
    assert taken is not None
    JobRunner(house.app).run(taken)
    made = house.client(mine).get(path).get_json()["result"]["audio_file"]
    assert [row["audio_file"] for row in rows(house.client(mine))] == [made]
    assert rows(house.client(yours)) == []
    assert_problem(house.client(yours).get(path), 404, "unknown_job")


def test_the_first_answer_to_an_idempotency_key_is_for_its_owner(house: House) -> None:
    mine, yours = (house.key(), house.key())
    first, other, again = (
        house.predict(key, **{"Idempotency-Key": "a"})["audio_file"] for key in (mine, yours, mine)
    )
    assert first == again != other


def test_no_header_and_no_work_that_was_left_opens_a_door(house: House) -> None:
    item = JobItem(job_id="a", position=0, created=datetime(2026, 1, 1))
    with working_for(Caller(owner="someone", item=item)):
        headers = {REPLAY: "1", "emosync_replay": "1"}
        answer = house.app.test_client().get("/history", headers=headers)
    assert_problem(answer, 401, "key_missing")


def test_nothing_of_a_caller_is_left_to_the_next_request(house: House) -> None:
    assert house.client(house.own).get("/history").status_code == 200
    assert current_caller() == Caller()


def test_a_database_that_fails_opens_no_door(config: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = replace(config, database_url=f"sqlite:///{tmp_path / 'file' / 'a.sqlite3'}")
    client = create_app(broken).test_client()
    assert_problem(client.get("/models/info"), 503, "database_unavailable")
    assert client.get("/health").status_code == 200


def test_no_key_is_logged(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OSError("a failure of the view")

    monkeypatch.setattr(house.services.history, "page", fail)
    with caplog.at_level(logging.DEBUG):
        for key in (house.own, house.revoked):
            house.client(key).get("/history")
            house.app.test_client().get("/history", headers={"Authorization": f"Bearer {key}"})
    assert "a failure of the view" in caplog.text
    assert house.own[-43:] not in caplog.text
    assert house.revoked[-43:] not in caplog.text
