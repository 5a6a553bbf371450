"""The application with its files in a bucket, in folders, or nowhere."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest
from answers import assert_problem, multipart, predicted, rows
from buckets import answering, fill, refusing
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from application.services import Services
from emosync.config import Config

_NUMBERS = count()
_FORM = "multipart/form-data; boundary=x"


@pytest.fixture
def in_bucket(config: Config, s3_server: str, credentials: None) -> Iterator[Flask]:
    name = f"all-files-{next(_NUMBERS)}"
    fill(s3_server, name, [])
    app = create_app(replace(config, files_bucket_name=name, aws_endpoint_url=s3_server))
    yield app
    app.extensions["emosync"].close()


@pytest.fixture
def keeping_nothing(config: Config) -> Iterator[Flask]:
    app = create_app(replace(config, keep_uploads=False))
    yield app
    app.extensions["emosync"].close()


def send(app: Flask, data: bytes, **form: str) -> dict[str, Any]:
    body = multipart(data, "voice.wav", **form)
    return predicted(app.test_client().post("/predict", data=body, content_type=_FORM))


def names(app: Flask) -> list[set[str]]:
    services: Services = app.extensions["emosync"]
    files = services.files
    return [set(store.names()) for store in (files.uploads, files.pictures, files.reports)]


def test_everything_goes_to_the_bucket_and_nothing_to_the_disk(
    in_bucket: Flask, config: Config, voice: bytes
) -> None:
    found = send(in_bucket, voice, method="cnn")
    client = in_bucket.test_client()
    client.get(found["visualization"])
    client.get(found["report"])
    name = found["audio_file"]
    assert names(in_bucket) == [{name}, {f"{name}.png"}, {f"{name}.pdf"}]
    assert not config.visualizations_path.exists()
    written = os.listdir(config.data_path)
    assert all(name.startswith("emosync.sqlite3") for name in written), written


def test_pictures_and_reports_are_redirects_to_the_bucket(in_bucket: Flask, voice: bytes) -> None:
    found = send(in_bucket, voice, method="cnn")
    client = in_bucket.test_client()
    for link, start in ((found["visualization"], b"\x89PNG"), (found["report"], b"%PDF")):
        for _ in range(2):  # it is drawn for the first, and only linked for the second
            answer = client.get(link)
            assert answer.status_code == 302
            assert "no-store" in answer.headers["Cache-Control"]
            sent = httpx.get(answer.headers["Location"])
            assert sent.status_code == 200
            assert sent.content.startswith(start)
    stem = found["audio_file"].partition(".")[0]
    assert sent.headers["Content-Disposition"] == f'attachment; filename="{stem}.pdf"'


@pytest.mark.parametrize("place", ["in_bucket", "app"])
@pytest.mark.parametrize("by", ["id", "audio_file"])
def test_a_removed_prediction_leaves_nothing(
    request: pytest.FixtureRequest, voice: bytes, place: str, by: str
) -> None:
    app: Flask = request.getfixturevalue(place)
    client = app.test_client()
    kept, gone = (send(app, voice, method="cnn") for _ in range(2))
    for found in (kept, gone):
        client.get(found["visualization"])
        client.get(found["report"])
    (row,) = [row for row in rows(client) if row["audio_file"] == gone["audio_file"]]
    answer = client.delete(f"/history/{row[by]}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert [row["audio_file"] for row in rows(client)] == [kept["audio_file"]]
    name = kept["audio_file"]
    assert names(app) == [{name}, {f"{name}.png"}, {f"{name}.pdf"}]
    for link in (gone["visualization"], gone["report"]):
        assert_problem(client.get(link), 404, "not_found")
    assert_problem(client.delete(f"/history/{row[by]}"), 404, "not_found")


@pytest.mark.parametrize("place", ["in_bucket", "app"])
@pytest.mark.parametrize("link", ["visualization", "report"])
def test_a_prediction_that_is_removed_while_it_is_drawn_leaves_nothing(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    voice: bytes,
    place: str,
    link: str,
) -> None:
    app: Flask = request.getfixturevalue(place)
    client = app.test_client()
    found = send(app, voice, method="cnn")
    services: Services = app.extensions["emosync"]
    name = "draw" if link == "visualization" else "report"
    draw = getattr(services.speech, name)

    def removed_meanwhile(*args: Any) -> bytes:
        drawn: bytes = draw(*args)
        assert app.test_client().delete(f"/history/{found['audio_file']}").status_code == 204
        return drawn

    monkeypatch.setattr(services.speech, name, removed_meanwhile)
    assert client.get(found[link]).status_code == 200
    assert names(app) == [set(), set(), set()]


@pytest.mark.parametrize("name", ["voice.wav", "0", "9" * 30, "-1", "1.5", "%00"])
def test_only_an_id_or_an_audio_file_is_removed(app: Flask, voice: bytes, name: str) -> None:
    send(app, voice, method="cnn")
    assert_problem(app.test_client().delete(f"/history/{name}"), 404, "not_found")
    assert len(rows(app.test_client())) == 1


def test_a_bucket_that_fails_is_503_and_nothing_is_kept(
    config: Config, credentials: None, voice: bytes
) -> None:
    with answering(refusing(503, "SlowDown")) as url:
        app = create_app(replace(config, files_bucket_name="files", aws_endpoint_url=url))
        body = multipart(voice, "voice.wav", method="cnn")
        answer = app.test_client().post("/predict", data=body, content_type=_FORM)
        assert_problem(answer, 503, "storage_unavailable")
        assert rows(app.test_client()) == []
        app.extensions["emosync"].close()


def test_a_service_that_keeps_no_uploads_predicts_and_says_why_it_draws_nothing(
    keeping_nothing: Flask, voice: bytes
) -> None:
    found = send(keeping_nothing, voice, method="cnn")
    client = keeping_nothing.test_client()
    assert rows(client)[0]["audio_file"] == found["audio_file"]
    assert names(keeping_nothing) == [set(), set(), set()]
    for link in (found["visualization"], found["report"]):
        answer = client.get(link)
        assert_problem(answer, 404, "not_found")
        assert "KEEP_UPLOADS=0" in answer.text
    assert client.delete(f"/history/{found['audio_file']}").status_code == 204


def test_what_needs_no_recording_is_drawn_without(keeping_nothing: Flask, voice: bytes) -> None:
    body = multipart(voice * 1, "song.wav", task="genre", method="features")
    client: FlaskClient = keeping_nothing.test_client()
    found = client.post("/predict", data=body, content_type=_FORM).get_json()
    assert client.get(found["visualization"]).data.startswith(b"\x89PNG")
    assert client.get(found["report"]).data.startswith(b"%PDF")
