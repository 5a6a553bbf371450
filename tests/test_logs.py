"""What is logged: one JSON object a line, with its request, and no name and no secret."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from service import serving

from app import create_app
from emosync.caller import Caller, JobItem, working_for
from emosync.config import Config
from emosync.logs import LogLines, configure_log, server_log


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Give the tests that follow the log as it was."""
    yield
    configure_log("text")
    logging.getLogger("application.web.request_log").setLevel(logging.NOTSET)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_record_is_one_json_object_that_names_its_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_log("json")
    with working_for(Caller(owner="key-1", request_id="r-1")):
        logging.getLogger("a.b").warning("two\nlines of %s", "text", extra={"status": 503})
    (line,) = lines(capsys)
    assert line["level"] == "WARNING"
    assert line["logger"] == "a.b"
    assert line["message"] == "two\nlines of text"
    assert (line["request_id"], line["key"], line["status"]) == ("r-1", "key-1", 503)
    assert datetime.fromisoformat(line["time"]).tzinfo is not None


def test_a_traceback_stays_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log("json")
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("a").exception("failed")
    (line,) = lines(capsys)
    assert line["exc_info"].endswith("ValueError: no")


def test_work_in_a_job_names_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log("json")
    item = JobItem("j-1", 3, datetime(2026, 1, 15))
    with working_for(Caller(request_id="r-1", item=item)):
        logging.getLogger("a").error("no")
    (line,) = lines(capsys)
    assert (line["job"], line["position"]) == ("j-1", 3)


def test_text_names_the_request_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log("text")
    with working_for(Caller(request_id="r-1")):
        logging.getLogger("a").error("no")
    assert capsys.readouterr().err.endswith(" ERROR a [r-1] no\n")


def test_configuring_again_writes_no_line_twice(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("json", "text", "json"):
        configure_log(form)
    logging.getLogger("a").error("once")
    assert len(lines(capsys)) == 1


def test_the_server_writes_text_by_itself_and_json_as_the_application_does() -> None:
    assert server_log("text") == {}
    assert server_log("json")["handlers"] == {"lines": {"()": LogLines, "form": "json"}}


@pytest.fixture
def json_app(config: Config) -> Iterator[Flask]:
    app = create_app(replace(config, log_format="json"))
    yield app
    app.extensions["emosync"].close()


def test_each_request_is_a_line_with_its_times(
    json_app: Flask, voice: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    client = json_app.test_client()
    form = {"file": (io.BytesIO(voice), "a.wav"), "method": "cnn"}
    client.post("/predict", data=form, headers={"X-Request-ID": "r-7"})
    (line,) = lines(capsys)
    assert line["message"] == "POST /predict 200"
    assert (line["request_id"], line["task"], line["method"]) == ("r-7", "speech", "cnn")
    assert line["duration_ms"] >= line["stages_ms"]["decode"] > 0


def test_the_line_of_a_request_tells_no_name_and_no_secret(
    json_app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    client = json_app.test_client()
    secrets = {"Authorization": "Bearer abc-secret", "X-API-Key": "abc-secret"}
    client.get("/download-report/of-a-person.wav?key=abc-secret", headers=secrets)
    text = capsys.readouterr().err
    line = json.loads(text)
    assert (line["route"], line["code"]) == ("/download-report/<path:filename>", "not_found")
    assert "person" not in text
    assert "secret" not in text


def test_every_line_of_the_service_is_json_from_its_start_to_its_end(
    tmp_path: Path, voice: bytes
) -> None:
    with serving(tmp_path, LOG_FORMAT="json") as service, service.client() as client:
        client.get("/health", headers={"X-Request-ID": "r-1"})
        client.post("/predict", files={"file": ("of-a-person.wav", voice)})
        client.get("/nothing?key=abc-secret")
    told = [json.loads(line) for line in service.log.splitlines()]
    messages = [line["message"] for line in told]
    assert {"GET /health 200", "POST /predict 200", "GET None 404"} <= set(messages)
    assert any(line["logger"] == "gunicorn.error" for line in told)
    assert [line for line in told if line["request_id"] == "r-1"]
    assert "person" not in service.log
    assert "secret" not in service.log
