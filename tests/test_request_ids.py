"""Every answer names its request."""

import re

import pytest
from answers import assert_problem
from flask import Flask
from flask.testing import FlaskClient

from emosync.caller import Caller, current_caller, working_for


@pytest.mark.parametrize("path", ["/health", "/nothing", "/changeMethod"])
def test_the_callers_id_comes_back_with_answers_and_errors(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"X-Request-ID": "trace-00/ab:1"})
    assert answer.headers["X-Request-ID"] == "trace-00/ab:1"


@pytest.mark.parametrize("sent", ["", "two words", "a" * 129, "ünknown", "a\tb"])
def test_an_id_that_no_log_should_hold_is_replaced(client: FlaskClient, sent: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": sent.encode().decode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_each_request_has_an_id_of_its_own(client: FlaskClient) -> None:
    ids = {client.get("/health").headers["X-Request-ID"] for _ in range(10)}
    assert len(ids) == 10


def test_a_problem_names_the_request(client: FlaskClient) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": "r-1"})
    assert_problem(answer, 404, "not_found")
    assert answer.get_json(force=True)["request_id"] == "r-1"


def test_an_unexpected_error_names_the_request_and_so_does_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    @app.get("/fail")
    def fail() -> str:
        seen.append(current_caller().request_id)
        raise RuntimeError

    answer = app.test_client().get("/fail", headers={"X-Request-ID": "r-1"})
    assert_problem(answer, 500, "internal_error")
    assert seen == ["r-1"]


def test_nothing_is_left_to_the_next_request_of_the_thread(client: FlaskClient) -> None:
    with working_for(Caller()):
        client.get("/health", headers={"X-Request-ID": "r-1"})
        assert current_caller() == Caller()


def test_a_long_answer_is_sent_for_the_caller_of_its_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_entries: object) -> object:
        for _ in range(3):
            yield current_caller().request_id

    monkeypatch.setattr("app.csv_lines", told)
    answer = client.get("/history?format=csv", headers={"X-Request-ID": "r-1"})
    assert answer.text == "r-1" * 3
    assert current_caller() == Caller()
