"""The routes of genres, in one process, with the real models."""

import io
import json
from dataclasses import replace
from typing import Any

import music
import pypdf
import pytest
from answers import Answer, Upload, assert_problem, rows
from conftest import MakeWav
from flask import Flask
from flask.testing import FlaskClient
from video_site import ID, Page, sending, video_site

from app import create_app
from application.tasks.genre_service import video_limits
from emosync.config import Config
from emosync.labels import GENRES
from emosync.video_download import VideoDownloads

METHODS = ["musicnn", "cnn", "features"]
MEMBERS = [
    "top_prediction",
    "results",
    "duration_s",
    "slices",
    "method",
    "audio_file",
    "visualization",
    "report",
    "filename",
    "timestamp",
    "task",
]
URL = f"https://www.youtube.com/watch?v={ID}"


@pytest.fixture(scope="module")
def tune() -> bytes:
    """Return nine seconds of music as MP3."""
    return music.as_mp3(music.music(9.0))


def told(answer: Answer, *, members: list[str] = MEMBERS) -> dict[str, Any]:
    """Check the shape of an answer and return it."""
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    assert list(found) == members
    probabilities = [row["probability"] for row in found["results"]]
    assert sum(probabilities) == pytest.approx(1, abs=1e-6)
    assert probabilities == sorted(probabilities, reverse=True)
    assert {row["genre"] for row in found["results"]} == set(GENRES)
    assert found["top_prediction"] == found["results"][0]["genre"]
    return found


def asked(client: FlaskClient, message: object, query: str = "") -> Answer:
    return client.post(f"/predict{query}", json=message)


@pytest.mark.parametrize(("method", "slices"), [("musicnn", 6), ("cnn", 6), ("features", 1)])
def test_each_method_tells_the_genre_of_an_upload(
    upload: Upload, tune: bytes, method: str, slices: int
) -> None:
    found = told(upload(tune, "my song.mp3", task="genre", method=method))
    assert (found["method"], found["slices"], found["task"]) == (method, slices, "genre")
    assert found["duration_s"] == pytest.approx(9.0, abs=0.1)
    assert found["filename"] == "my song.mp3"


def test_the_genre_of_each_slice_is_a_detail(upload: Upload, tune: bytes) -> None:
    answer = upload(tune, "tune.mp3", task="genre", detail="slices")
    found = told(answer, members=[*MEMBERS, "genre_over_time"])
    slices = found["genre_over_time"]
    assert [row["start_s"] for row in slices] == pytest.approx([1.4 * k for k in range(6)])
    assert all(list(row) == ["start_s", "genre", "probability"] for row in slices)
    assert {row["genre"] for row in slices} <= set(GENRES)


def test_an_upload_is_in_the_history_with_its_picture_and_report(
    client: FlaskClient, upload: Upload, tune: bytes, config: Config
) -> None:
    found = told(upload(tune, "tune.mp3", task="genre"))
    (row,) = rows(client)
    assert (row["task"], row["predicted_emotion"]) == ("genre", found["top_prediction"])
    assert (config.uploads_path / found["audio_file"]).read_bytes() == tune
    picture = client.get(found["visualization"])
    assert picture.data.startswith(b"\x89PNG")
    assert len(picture.data) > 10_000
    report = pypdf.PdfReader(io.BytesIO(client.get(found["report"]).data))
    text = "".join(page.extract_text() for page in report.pages)
    assert found["top_prediction"].capitalize() in text
    assert "Over time" in text
    assert "How often musicnn is right" in text


def test_a_method_can_be_chosen_for_genres_alone(
    client: FlaskClient, upload: Upload, tune: bytes
) -> None:
    assert client.post("/changeMethod?task=genre&method=features").status_code == 200
    assert told(upload(tune, task="genre", name="x"))["method"] == "features"
    assert upload(tune, "x").get_json()["method"] == "whisper"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("duration_s", [0.3, 1.0, 1.5])
def test_a_recording_shorter_than_a_slice_is_one_slice(
    upload: Upload, make_wav: MakeWav, method: str, duration_s: float
) -> None:
    found = told(upload(make_wav(duration_s), "x.wav", task="genre", method=method))
    assert found["slices"] == 1


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"method": "whisper"}, "unknown_method"),
        ({"detail": "windows"}, "invalid_parameter"),
    ],
)
def test_what_genres_do_not_have_is_refused(
    upload: Upload, tune: bytes, form: dict[str, str], code: str
) -> None:
    assert_problem(upload(tune, "x.mp3", task="genre", **form), 400, code)


def test_silence_and_noise_that_is_no_file_are_refused(upload: Upload, make_wav: MakeWav) -> None:
    assert_problem(upload(make_wav(3.0, level=0.0), "x", task="genre"), 422, "silent_audio")
    assert_problem(upload(make_wav(0.1), "x", task="genre"), 422, "too_short")
    assert_problem(upload(b"no sound at all", "x.wav", task="genre"), 415, "unsupported_media")


def test_a_very_quiet_recording_still_has_a_genre(upload: Upload, make_wav: MakeWav) -> None:
    quiet = make_wav(3.0, level=0.0005, subtype="FLOAT")
    assert told(upload(quiet, "x.wav", task="genre"))["slices"] == 2


def test_a_video_is_told_by_its_url_and_not_kept(
    app: Flask, client: FlaskClient, config: Config, tune: bytes
) -> None:
    page = Page(title="A song about \x00rain", duration="PT9S", media="/media.mp3")
    with video_site(page, sending(tune, "audio/mpeg")) as site:
        app.extensions["emosync"].genres._videos = VideoDownloads(config, site)
        found = told(asked(client, {"url": URL}), members=["video_title", *MEMBERS])
    assert found["video_title"].startswith("A song about")
    assert "\x00" not in found["video_title"]
    assert found["slices"] == 6
    (row,) = rows(client)
    assert (row["task"], row["filename"]) == ("genre", found["video_title"])
    assert not config.uploads_path.exists() or not list(config.uploads_path.iterdir())
    assert client.get(found["visualization"]).data.startswith(b"\x89PNG")
    assert client.get(found["report"]).data.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, "missing_input"),
        ({"url": ""}, "missing_input"),
        ({"url": None}, "missing_input"),
        ({"url": 7}, "invalid_parameter"),
        ({"url": ["https://youtu.be/dQw4w9WgXcQ"]}, "invalid_parameter"),
        ([], "invalid_parameter"),
        ({"url": "what is it"}, "invalid_video_url"),
        ({"url": "https://youtube.com.evil.org/watch?v=dQw4w9WgXcQ"}, "video_host_refused"),
        ({"url": "http://localhost/watch?v=dQw4w9WgXcQ"}, "video_host_refused"),
        ({"url": "https://www.youtube.com/playlist?list=PL0123456789"}, "playlist_url"),
        ({"url": URL, "method": "svm"}, "unknown_method"),
        ({"url": URL, "task": "song"}, "invalid_parameter"),
        ({"url": URL, "detail": "all"}, "invalid_parameter"),
    ],
)
def test_what_is_no_video_is_refused_and_nothing_is_fetched(
    app: Flask, client: FlaskClient, config: Config, message: object, code: str
) -> None:
    page = Page()
    with video_site(page, sending(b"")) as site:
        app.extensions["emosync"].genres._videos = VideoDownloads(config, site)
        assert_problem(asked(client, message), 400, code)
    assert page.asked == []


def test_a_body_that_is_no_json_is_refused(client: FlaskClient) -> None:
    answer = client.post("/predict", data=b"{url", content_type="application/json")
    assert_problem(answer, 400, "invalid_parameter")
    empty = client.post("/predict", data=b"", content_type="application/json")
    assert_problem(empty, 400, "missing_input")


def test_a_video_that_is_longer_than_its_page_says_is_refused(
    app: Flask, client: FlaskClient, config: Config, make_wav: MakeWav
) -> None:
    page = Page(duration="PT4S")
    limited = replace(config, max_video_duration_s=5.0)
    with video_site(page, sending(make_wav(9.0))) as site:
        genres = app.extensions["emosync"].genres
        genres._videos = VideoDownloads(limited, site)
        genres._video_limits = video_limits(5.0)
        assert_problem(asked(client, {"url": URL}), 422, "too_long")
    assert rows(client) == []


def test_videos_can_be_switched_off(config: Config) -> None:
    client = create_app(replace(config, youtube_enabled=False)).test_client()
    assert_problem(asked(client, {"url": URL}), 403, "video_disabled")
    assert client.get("/ready").status_code == 200
