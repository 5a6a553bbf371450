import pytest
from answers import Upload, predicted
from flask import Flask
from flask.testing import FlaskClient

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize("path", ["/", "/health", "/history", "/history?format=csv", "/nothing"])
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert "Strict-Transport-Security" not in headers


def test_a_browser_that_came_by_https_shall_come_by_https_again(client: FlaskClient) -> None:
    answer = client.get("/health", base_url="https://a.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_view_may_set_a_header_itself(app: Flask) -> None:
    policy = {"Content-Security-Policy": "default-src 'self'"}
    app.get("/page")(lambda: ("page", policy))
    answer = app.test_client().get("/page")
    assert answer.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]


def test_a_picture_may_be_kept_by_anyone_until_keys_are_in_force(
    app: Flask, upload: Upload
) -> None:
    picture = predicted(upload())["visualization"]
    open_to_all = app.test_client().get(picture)
    assert open_to_all.headers["Cache-Control"] == "public, max-age=86400"
    _, key = app.extensions["emosync"].keys.create("a", ["read"], owner="")
    answer = app.test_client().get(picture, headers={"X-API-Key": key})
    assert answer.headers["Cache-Control"] == "max-age=86400, private"
