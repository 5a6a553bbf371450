"""Genres and moods over a real gunicorn with two workers."""

import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import music
import pypdf
import pytest
import soxr
from answers import assert_problem, predicted
from encodings_of_voice import ENCODINGS, encoded
from service import Service, serving
from test_genres import METHODS, URL, told

from emosync.labels import GENRES, MOODS

ROOT = Path(__file__).parent.parent
SONGS = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music" / "songs"
TUNE = music.music(5.0)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("genres")
    with serving(path, LIBRARY_PATH=str(path / "library"), YOUTUBE_ENABLED="0") as running:
        yield running


@pytest.mark.parametrize(("container", "codec", "sr", "muxer"), ENCODINGS)
def test_every_container_has_a_genre(
    service: Service, container: str, codec: str, sr: int, muxer: str
) -> None:
    data = encoded(soxr.resample(TUNE, music.SR_HZ, sr), codec=codec, sr=sr, muxer=muxer)
    found = told(service.send(data, "tune", task="genre"))
    assert found["audio_file"].endswith(f".{container}")
    assert found["slices"] in (3, 4)  # some codecs add silence


@pytest.mark.parametrize("method", METHODS)
def test_each_method_answers_and_the_genre_is_kept_drawn_and_reported(
    service: Service, method: str
) -> None:
    found = told(service.send(music.as_mp3(TUNE), "a tune.mp3", task="genre", method=method))
    assert found["method"] == method
    assert found["audio_file"] in service.uploads
    assert service.history()[0]["task"] == "genre"
    with service.client() as client:
        assert client.get(found["visualization"]).content.startswith(b"\x89PNG")
        pdf = client.get(found["report"])
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.content)).pages)
    assert all(genre in text for genre in GENRES)


def test_a_chosen_method_holds_for_both_workers_and_leaves_other_tasks_alone(
    service: Service, voice: bytes
) -> None:
    first, second = service.server.workers()
    tune = music.as_mp3(TUNE)
    for method in ("features", "cnn", "musicnn"):
        with service.only(first) as client:
            assert client.post(f"/changeMethod?task=genre&method={method}").status_code == 200
        for pid in (first, second):
            with service.only(pid) as client:
                answer = client.post("/predict?task=genre", files={"file": ("x", tune)})
                assert told(answer)["method"] == method
    assert predicted(service.send(voice))["method"] == "whisper"


def test_many_at_once_get_the_same_answer(service: Service) -> None:
    tune = music.as_mp3(TUNE)

    def ask(number: int) -> object:
        method = METHODS[number % 3]
        return told(service.send(tune, task="genre", method=method))["results"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(18)))
    for method in range(3):
        assert all(answer == answers[method] for answer in answers[method::3])


def test_videos_that_are_switched_off_leave_the_service_ready(service: Service) -> None:
    with service.client() as client:
        assert_problem(client.post("/predict", json={"url": URL}), 403, "video_disabled")
        assert client.get("/ready").status_code == 200


def test_a_recording_has_a_mood_with_its_picture_and_report(service: Service) -> None:
    answer = service.send(music.as_mp3(music.music(9.0)), "a tune.mp3", task="mood")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found["probabilities"]) == set(MOODS)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert -1 <= found["valence"] <= 1
    assert -1 <= found["arousal"] <= 1
    assert found["audio_file"] in service.uploads
    with service.client() as client:
        assert client.get(found["visualization"]).content.startswith(b"\x89PNG")
        assert client.get(found["report"]).content.startswith(b"%PDF")


@pytest.mark.skipif(not SONGS.is_dir(), reason="the folder of real recordings is not there")
@pytest.mark.parametrize("name", ["outfoxing.mp3", "viper.ogg", "sound1.webm", "sample.m4a"])
def test_recordings_of_others_have_genres_and_moods(service: Service, name: str) -> None:
    data = (SONGS / name).read_bytes()
    told(service.send(data, name, task="genre"))
    assert service.send(data, name, task="mood").json()["mood"] in MOODS
