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


def test_a_picture_is_kept_by_the_browser_alone(client: FlaskClient, upload: Upload) -> None:
    answer = client.get(predicted(upload())["visualization"])
    assert answer.headers["Cache-Control"] == "max-age=86400, private"
