"""Every route answers every error in one shape, and tells nothing of the server."""

import logging
import re
from collections.abc import Iterator

import pytest
from answers import assert_problem
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from emosync import errors
from emosync.job_errors import TooManyJobs


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        yield rule, re.sub(r"<[^>]+>", "none", rule.rule)


def test_a_wrong_verb_is_405_and_names_the_right_ones(app: Flask, client: FlaskClient) -> None:
    verbs: dict[str, set[str]] = {}
    for rule, path in rules(app):  # two views may share a path
        verbs.setdefault(path, set()).update(verb.lower() for verb in rule.methods or ())
    for path, allowed in verbs.items():
        answer = client.patch(path)
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.allow.as_set() == allowed


# What rules call their arguments. Spotify's ids have a form of their own.
UNKNOWN = {
    "song_id": (404, "unknown_song"),
    "playlist": (400, "invalid_playlist"),
    "job_id": (404, "unknown_job"),
}


def test_a_post_without_a_body_is_400(app: Flask, client: FlaskClient) -> None:
    for rule, path in rules(app):
        if "POST" in (rule.methods or ()):
            assert_problem(client.post(path), 400, "missing_input")


def test_an_unknown_name_in_a_path_is_404(app: Flask, client: FlaskClient) -> None:
    for rule, path in rules(app):
        if rule.arguments:
            status, code = UNKNOWN.get(next(iter(rule.arguments)), (404, "not_found"))
            (verb, *_) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            assert_problem(client.open(path, method=verb), status, code)


@pytest.mark.parametrize("path", ["/nothing", "/predict/", "/static/../app.py", "/%00", "/static/"])
def test_an_unknown_route_is_404(client: FlaskClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


def test_an_unexpected_error_is_500_and_its_text_stays_in_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/fail")
    def fail() -> str:
        raise RuntimeError("a secret in /root/secret")

    answer = app.test_client().get("/fail")
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "secret" in caplog.text


def all_errors(base: type[errors.EmoSyncError]) -> Iterator[type[errors.EmoSyncError]]:
    yield base
    for child in base.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize("kind", list(all_errors(errors.EmoSyncError)))
def test_every_error_of_the_tree_keeps_its_status_and_code(
    app: Flask, caplog: pytest.LogCaptureFixture, kind: type[errors.EmoSyncError]
) -> None:
    @app.get("/fail")
    def fail() -> str:
        raise kind("What is wrong.") from OSError("the cause")

    with caplog.at_level(logging.WARNING):
        answer = app.test_client().get("/fail")
    assert_problem(answer, kind.status, kind.code)
    assert ("the cause" in caplog.text) == (kind.status >= 500)
    # A traceback of what happens outside tells nothing more.
    assert ("Traceback" in caplog.text) == (kind.status == 500)
    assert ("Retry-After" in answer.headers) == (kind.status == 503 or kind is TooManyJobs)


def test_a_redirect_is_left_alone(app: Flask) -> None:
    @app.get("/folder/")
    def folder() -> str:
        return "here"

    assert app.test_client().get("/folder").status_code == 308
