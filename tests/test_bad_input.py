"""What is refused, with which status, and that nothing is left behind."""

import base64
import io
import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from answers import METHODS, Upload, multipart, predicted, rows
from encodings_of_voice import silent_video
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from emosync.config import Config


def test_a_form_without_its_file_names_the_field(client: FlaskClient, upload: Upload) -> None:
    for path, field in (("/predict", "file"), ("/classify_audio", "audio")):
        answers = [
            client.post(path),
            client.post(path, data={"method": "cnn"}),
            client.post(path, data={field: "text where the file should be"}),
            client.post(path, data=b"", content_type="multipart/form-data"),
            client.post(path, data=b"no form", content_type="multipart/form-data; boundary=x"),
            upload(path=path, field="sound"),
            upload(path=path, field=field, name=""),
            upload(b"", path=path, field=field),
        ]
        for answer in answers:
            assert answer.status_code == 400
            assert f"'{field}'" in answer.get_json(force=True)["error"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "missing_input"),
        (b"{", 400, "invalid_parameter"),
        (b"[]", 400, "invalid_parameter"),
        (b'{"sound": "AAAA"}', 400, "missing_input"),
        (b'{"audio": 5}', 400, "invalid_parameter"),
        (b'{"audio": "!"}', 400, "invalid_base64"),
        (b'{"audio": "data:text/html;base64,AAAA"}', 400, "invalid_base64"),
        (b'{"audio": "AAAA"}', 415, "unsupported_media"),
    ],
)
def test_a_bad_recording_in_json_is_refused(
    client: FlaskClient, body: bytes, status: int, code: str
) -> None:
    answer = client.post("/record", data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.get_json(force=True)["code"] == code


def test_bad_audio_is_refused_with_its_own_code_and_leaves_nothing(
    client: FlaskClient, upload: Upload, make_wav: Callable[..., bytes], config: Config
) -> None:
    bad = {
        "unsupported_media": (415, b"text named .wav"),
        "unreadable_media": (422, make_wav()[:44]),
        "no_audio_track": (422, silent_video()),
        "too_short": (422, make_wav(0.2)),
        "too_long": (422, make_wav(601.0, sr=2_000, subtype="PCM_U8")),
        "silent_audio": (422, make_wav(level=0)),
    }
    for code, (status, data) in bad.items():
        answer = upload(data)
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (status, code)
    assert rows(client) == []
    assert not config.uploads_path.exists()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/predict", {"method": "magic"}),
        ("/changeMethod?method=magic", {}),
        ("/changeMethod?method=../x", {}),
    ],
)
def test_an_unknown_method_is_400_and_the_names_are_listed(
    upload: Upload, path: str, form: dict[str, str]
) -> None:
    answer = upload(path=path, **form)
    assert answer.status_code == 400
    assert answer.get_json(force=True)["code"] == "unknown_method"
    assert all(method in answer.text for method in METHODS)


def test_an_unknown_task_is_400_and_the_names_are_listed(upload: Upload) -> None:
    answer = upload(task="smell")
    assert answer.status_code == 400
    assert "speech" in answer.text


def test_other_parameters_are_checked(upload: Upload, client: FlaskClient, voice: bytes) -> None:
    assert upload(detail="all").status_code == 400
    bad = upload(path="/classify_audio", field="audio", model_type="whisper")
    assert bad.status_code == 400
    message = {"audio": base64.b64encode(voice).decode(), "method": 1}
    assert client.post("/record", json=message).status_code == 400


@pytest.mark.parametrize(
    ("path", "size", "content_type"),
    [
        ("/predict", 100_000_001, "multipart/form-data; boundary=x"),
        ("/classify_audio", 100_000_001, "multipart/form-data; boundary=x"),
        ("/record", 32_000_001, "application/json"),
    ],
)
def test_a_body_over_the_limit_is_refused_unread(
    app: Flask, path: str, size: int, content_type: str
) -> None:
    body = io.BytesIO(bytes(100))
    answer = app.test_client().post(
        path,
        input_stream=body,
        content_type=content_type,
        environ_overrides={"CONTENT_LENGTH": str(size)},
    )
    assert body.tell() == 0
    assert answer.status_code == 413
    assert answer.get_json(force=True)["code"] == "too_large"
    assert "32 MB" in answer.text


def test_a_body_without_a_length_stops_at_the_limit(config: Config) -> None:
    client = create_app(replace(config, max_upload_mb=0.2, max_json_mb=0.1)).test_client()
    for path, size, content_type in (
        ("/predict", 200_000, "multipart/form-data; boundary=x"),
        ("/record", 100_000, "application/json"),
    ):
        answer = client.post(
            path,
            input_stream=io.BytesIO(multipart(bytes(size), "a")),
            content_type=content_type,
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code == 413


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain"])
def test_whatever_json_calls_itself_it_has_the_limit_of_json(
    config: Config, content_type: str
) -> None:
    client = create_app(replace(config, max_upload_mb=0.2, max_json_mb=0.1)).test_client()
    body = json.dumps({"audio": "a" * 150_000})
    for headers in ({}, {"Idempotency-Key": "one"}, {"Prefer": "respond-async"}):
        answer = client.post("/record", data=body, content_type=content_type, headers=headers)
        assert answer.status_code == 413
        assert answer.get_json(force=True)["code"] == "too_large"


def test_without_models_the_service_starts_and_says_so(config: Config, tmp_path: Path) -> None:
    client = create_app(replace(config, models_path=tmp_path / "none")).test_client()
    assert client.get("/health").status_code == 200
    for answer in (client.get("/ready"), client.get("/models/info")):
        assert answer.status_code == 503
        assert answer.get_json(force=True)["code"] == "model_unavailable"
        assert str(tmp_path) not in answer.text


def test_without_a_database_the_service_starts_and_says_so(config: Config, voice: bytes) -> None:
    url = "postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing"
    client = create_app(replace(config, database_url=url)).test_client()
    assert client.get("/health").status_code == 200
    upload = {"file": (io.BytesIO(voice), "voice.wav")}
    for answer in (client.get("/ready"), client.post("/predict", data=upload)):
        assert answer.status_code == 503
        assert answer.get_json(force=True)["code"] == "database_unavailable"
        assert "secret" not in answer.text


def test_a_locked_database_leaves_no_file_and_the_log_says_why(
    upload: Upload, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    predicted(upload())
    lock = sqlite3.connect(config.data_path / "emosync.sqlite3", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    assert upload().status_code == 503
    lock.close()
    assert "database is locked" in caplog.text
    assert len(os.listdir(config.uploads_path)) == 1
    predicted(upload())


def test_a_folder_that_cannot_be_written_leaves_no_row_and_the_log_says_why(
    client: FlaskClient, upload: Upload, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    config.data_path.mkdir()
    config.uploads_path.write_text("a file where the folder should be")
    answer = upload()
    assert answer.status_code == 503
    assert answer.get_json(force=True)["code"] == "storage_unavailable"
    assert "File exists" in caplog.text
    assert rows(client) == []
