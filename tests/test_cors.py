from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app import create_app
from emosync.config import Config
from openapi.headers import HEADERS


def test_all_origins_may_call_by_default_and_read_errors_too(client: FlaskClient) -> None:
    for path in ("/health", "/nothing"):
        answer = client.get(path, headers={"Origin": "https://a.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_allows_the_headers_that_the_page_means_to_send(client: FlaskClient) -> None:
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "ngrok-skip-browser-warning",
    }
    answer = client.options("/predict", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Headers"] == "ngrok-skip-browser-warning"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_a_page_may_read_every_header_that_answers_tell_of(client: FlaskClient) -> None:
    exposed = client.get("/health").headers["Access-Control-Expose-Headers"].split(", ")
    # Two stand there under names that are no headers.
    named = {*HEADERS, "X-Request-ID", "Server-Timing"} - {"RequestId", "ServerTiming"}
    assert named <= set(exposed)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://a.example", True), ("https://b.example", False), (None, False)],
)
def test_only_named_origins_may_call(config: Config, origin: str | None, allowed: bool) -> None:
    client = create_app(replace(config, cors_origins=("https://a.example",))).test_client()
    answer = client.get("/health", headers={"Origin": origin} if origin else {})
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert "Origin" in answer.vary
