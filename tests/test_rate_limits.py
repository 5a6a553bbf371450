import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from answers import Answer, assert_problem
from flask import Flask
from flask.testing import FlaskClient
from servers import LocalServer

from app import create_app
from application.web.rate_limits import subscriber
from application.web.request_context import REPLAY
from bench.server import free_port
from emosync.config import Config

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(config: Config) -> Iterator[MakeApp]:
    made = []

    def make(limits: str, redis_url: str = "") -> Flask:
        app = create_app(replace(config, rate_limits=limits, redis_url=redis_url))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["emosync"].close()


def ask(client: FlaskClient, address: str = "192.0.2.1", key: str | None = None) -> Answer:
    headers = {"X-API-Key": key} if key else {}
    return client.get("/songs", headers=headers, environ_overrides={"REMOTE_ADDR": address})


def statuses(client: FlaskClient, n: int, address: str = "192.0.2.1") -> list[int]:
    return [ask(client, address).status_code for _ in range(n)]


def test_without_a_setting_nothing_is_limited_nor_told(client: FlaskClient) -> None:
    answer = ask(client)
    assert not [name for name, _ in answer.headers if name.startswith("RateLimit")]


def test_the_limit_is_told_and_then_kept(make_app: MakeApp) -> None:
    client = make_app("3/minute").test_client()
    for left in (2, 1, 0):
        answer = ask(client)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Limit"] == "3"
        assert answer.headers["RateLimit-Remaining"] == str(left)
        assert answer.headers["RateLimit-Policy"] == "3;w=60"
        assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 60
        assert "Retry-After" not in answer.headers
    answer = ask(client)
    assert_problem(answer, 429, "rate_limited")
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"]
    assert answer.headers["RateLimit-Remaining"] == "0"


def test_who_waits_as_told_is_let_in(make_app: MakeApp) -> None:
    client = make_app("2/second").test_client()
    while (answer := ask(client)).status_code == 200:
        pass
    time.sleep(int(answer.headers["Retry-After"]))
    assert ask(client).status_code == 200


def test_of_several_limits_the_nearest_is_told(make_app: MakeApp) -> None:
    client = make_app("3/minute;2/day").test_client()
    answer = ask(client)
    assert answer.headers["RateLimit-Policy"] == "3;w=60, 2;w=86400"
    assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]) == ("2", "1")
    assert statuses(client, 2) == [200, 429]
    assert int(ask(client).headers["Retry-After"]) > 60


def test_all_routes_are_counted_together_and_probes_are_not(make_app: MakeApp) -> None:
    client = make_app("2/minute").test_client()
    for path in ("/health", "/ready", "/") * 3:
        assert client.get(path).status_code == 200
    assert client.options("/songs").status_code == 200
    answers = [client.get(path) for path in ("/songs", "/history", "/models/info")]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_every_address_is_counted_by_itself(make_app: MakeApp) -> None:
    client = make_app("1/minute").test_client()
    assert statuses(client, 2) == [200, 429]
    assert statuses(client, 2, "192.0.2.2") == [200, 429]


def test_a_key_is_counted_wherever_it_comes_from(make_app: MakeApp) -> None:
    app = make_app("1/minute")
    (_, one), (_, other) = (app.extensions["emosync"].keys.create(n, ["read"]) for n in "ab")
    client = app.test_client()
    assert ask(client, "192.0.2.1", one).status_code == 200
    assert ask(client, "192.0.2.2", one).status_code == 429
    assert ask(client, "192.0.2.1", other).status_code == 200


def test_who_tries_out_keys_is_counted_by_address(make_app: MakeApp) -> None:
    app = make_app("2/minute")
    _, good = app.extensions["emosync"].keys.create("a", ["read"])
    client = app.test_client()
    tried = [ask(client, key=f"wrong {number}").status_code for number in range(3)]
    assert tried == [401, 401, 429]
    assert ask(client, key=good).status_code == 200


def test_the_parts_of_a_job_are_not_counted(make_app: MakeApp) -> None:
    app = make_app("1/minute")
    for _ in range(3):
        with app.test_request_context("/songs", environ_overrides={REPLAY: True}):
            assert app.full_dispatch_request().status_code == 200


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_the_addresses_that_one_client_may_have_are_counted_together(
    address: str, counted: str
) -> None:
    assert subscriber(address) == counted


def test_processes_count_together_in_redis(make_app: MakeApp, redis_server: LocalServer) -> None:
    one, other = (make_app("2/minute", redis_url=redis_server.url).test_client() for _ in range(2))
    address = "192.0.2.3"
    asked = [ask(client, address) for client in (one, other, one, other)]
    assert [answer.status_code for answer in asked] == [200, 200, 429, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in asked] == ["1", "0", "0", "0"]


def test_while_redis_is_away_each_process_counts_by_itself(
    make_app: MakeApp, redis_server: LocalServer
) -> None:
    client = make_app("2/minute", redis_url=redis_server.url).test_client()
    address = "192.0.2.4"
    assert statuses(client, 3, address) == [200, 200, 429]
    redis_server.stop()
    try:
        started_s = time.perf_counter()
        assert statuses(client, 3, address) == [200, 200, 429]
        assert time.perf_counter() - started_s < 3
    finally:
        redis_server.start()
    deadline_s = time.monotonic() + 10
    while ask(client, address).status_code == 429:  # Redis came back with nothing
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_redis_that_was_never_there_stops_nobody(make_app: MakeApp) -> None:
    client = make_app(
        "1/minute", redis_url=f"redis://:secret@127.0.0.1:{free_port()}"
    ).test_client()
    assert statuses(client, 2) == [200, 429]
