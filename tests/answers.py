"""What tests send, and what they expect of every answer."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

METHODS = ["whisper", "cnn", "svm", "random_forest"]
PREDICTION = [
    "emotion",
    "confidence",
    "probabilities",
    "audio_file",
    "visualization",
    "report",
    "method",
    "timestamp",
    "duration_s",
]

Answer = TestResponse | httpx.Response
Upload = Callable[..., TestResponse]


def multipart(data: bytes, name: str, *, field: str = "file", **form: str) -> bytes:
    """Encode a form; werkzeug's own client leaves its temporary files open."""
    head = 'Content-Disposition: form-data; name="{}"'
    texts = [f"--x\r\n{head.format(key)}\r\n\r\n{value}\r\n" for key, value in form.items()]
    part = f'--x\r\n{head.format(field)}; filename="{name}"\r\n\r\n'
    return "".join([*texts, part]).encode() + data + b"\r\n--x--\r\n"


def predicted(answer: Answer) -> dict[str, Any]:
    """Check the shape of a prediction and return it."""
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    assert list(found)[: len(PREDICTION)] == PREDICTION
    probabilities = list(found["probabilities"].values())
    assert sum(probabilities) == pytest.approx(1, abs=1e-6)
    assert probabilities == sorted(probabilities, reverse=True)
    assert found["emotion"] == next(iter(found["probabilities"]))
    assert found["confidence"] == probabilities[0]
    return found


def assert_problem(answer: Answer, status: int, code: str) -> None:
    """Check the shape of an error, and that it tells nothing of the server."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    members = json.loads(answer.text)
    assert list(members) == ["type", "title", "status", "detail", "code", "error", "request_id"]
    assert (members["status"], members["code"]) == (status, code)
    assert members["type"].endswith(f":{code}")
    assert members["error"] == members["detail"]
    assert members["request_id"] == answer.headers["X-Request-ID"]
    assert re.match("[A-Z]", members["title"])
    assert re.match("[A-Z]", members["detail"])
    assert "Traceback" not in answer.text
    assert not re.search(r"/(work|root|home|tmp|usr|proc)/", answer.text)


def ended(
    client: FlaskClient, location: str, *, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Wait until a job has ended; returns its last answer."""
    deadline_s = time.monotonic() + 60
    while True:
        job: dict[str, Any] = client.get(location, headers=headers).get_json()
        if job["finished"]:
            return job
        assert time.monotonic() < deadline_s, job
        time.sleep(0.05)


def rows(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/history{query}").get_json()["history"]
    return found
