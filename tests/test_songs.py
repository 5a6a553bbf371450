"""The routes of songs, in one process, with the real models."""

import base64
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import music
import numpy as np
import pypdf
import pytest
from answers import METHODS, Upload, assert_problem, predicted, rows
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from app import create_app
from application.tasks.song_analysis import hear_song, play_song, song_limits
from application.tasks.song_library import Kind, SongLibrary
from emosync.config import Config
from emosync.labels import SONG_ANGLES_DEG, SONG_COMPLETED, SONG_NEUTRAL, SONG_OUTER_EMOTIONS
from emosync.playback import PlaybackSettings, curve_members
from emosync.results import SongCurve
from emosync.song_features import read_csv, write_csv
from emosync.stages import Stages
from predictor import ModelPredictor

ROOT = Path(__file__).parent.parent
LABELS = {SONG_NEUTRAL, *SONG_ANGLES_DEG}
PLAYBACK: dict[str, Any] = {
    "song_id": "named otherwise",
    "sequence": [
        {"start_time": 15, "emotion": "Calm", "made_by": "hand"},
        {"start_time": 214.5, "emotion": "Completed"},
    ],
}
UPLOADED = [
    "sequence",
    "tags",
    "audio_file",
    "visualization",
    "report",
    "duration_s",
    "filename",
    "timestamp",
    "task",
    "method",
]

Keep = Callable[..., None]


@pytest.fixture(scope="module")
def tune() -> bytes:
    """Return twelve seconds of music, soft, loud and soft again, as MP3."""
    return music.as_mp3(music.music(12.0))


@pytest.fixture(scope="module")
def features(tune: bytes) -> bytes:
    """Return its features as the library would hold them."""
    predictor = ModelPredictor(ROOT / "models")
    song = hear_song(tune, predictor, limits=song_limits(Config()), stages=Stages())
    return write_csv(song.told)


@pytest.fixture
def keep(config: Config, tune: bytes, features: bytes) -> Keep:
    """Put kinds of a song into the library."""
    contents: dict[Kind, bytes] = {
        "playback": json.dumps(PLAYBACK).encode(),
        "features": features,
        "curve": json.dumps(curve_members([0, 0.5], [0.1, 0.2], [-1, 1])).encode(),
        "song": tune,
    }

    def write(song_id: str, *kinds: Kind) -> None:
        for kind in kinds or tuple(contents):
            suffix = ".mp3" if kind == "song" else None
            SongLibrary(config).write(kind, song_id, contents[kind], suffix)

    return write


def sequence_of(answer: TestResponse) -> list[dict[str, Any]]:
    """Check that a player can follow the sequence, and return it."""
    assert answer.status_code == 200, answer.text
    sequence: list[dict[str, Any]] = answer.get_json()["sequence"]
    assert all(list(row) == ["start_time", "emotion"] for row in sequence)
    # A last run of one step begins where the song is completed.
    starts = [row["start_time"] for row in sequence]
    assert starts == sorted(starts)
    assert len(set(starts[:-1])) == len(starts) - 1
    assert all(a["emotion"] != b["emotion"] for a, b in pairwise(sequence))
    assert sequence[-1]["emotion"] == SONG_COMPLETED
    assert {row["emotion"] for row in sequence[:-1]} <= LABELS
    return sequence


def heard(upload: Upload, data: bytes, name: str = "my song.mp3", **form: str) -> dict[str, Any]:
    answer = upload(data, name, task="song", **form)
    sequence_of(answer)
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_finished_sequence_is_answered_as_it_is_kept(client: FlaskClient, keep: Keep) -> None:
    keep("tune", "playback")
    answer = client.get("/predict?song_id=tune")
    assert answer.mimetype == "application/json"
    found = answer.get_json()
    assert list(found) == ["song_id", "sequence", "method"]
    assert (found["song_id"], found["method"]) == ("tune", "precalculated")
    assert found["sequence"] == [
        {"start_time": 15, "emotion": "Calm"},
        {"start_time": 214.5, "emotion": "Completed"},
    ]


def test_a_changed_file_is_seen_at_once(client: FlaskClient, keep: Keep, config: Config) -> None:
    keep("tune", "playback")
    assert client.get("/predict?song_id=tune").get_json()["sequence"]
    SongLibrary(config).write("playback", "tune", b'{"sequence": []}')
    assert client.get("/predict?song_id=tune").get_json()["sequence"] == []


def test_equal_sequences_of_two_songs_keep_their_ids(client: FlaskClient, keep: Keep) -> None:
    for song_id in ("one", "two", "one"):
        keep(song_id, "playback")
        assert client.get(f"/predict?song_id={song_id}").get_json()["song_id"] == song_id


def test_features_and_recording_give_nearly_the_same_sequence(
    client: FlaskClient, keep: Keep
) -> None:
    keep("tune", "features", "song")
    computed = client.get("/predict?song_id=tune&method=tensorflow")
    listened = client.get("/predict?song_id=tune&method=audio")
    assert computed.get_json()["method"] == "tensorflow"
    assert listened.get_json()["method"] == "audio"
    for answer in (computed, listened):
        assert answer.get_json()["song_id"] == "tune"
        assert sequence_of(answer)[-1]["start_time"] == pytest.approx(12, abs=0.5)
    assert len(sequence_of(computed)) == len(sequence_of(listened))


def test_a_method_may_stand_in_capitals(client: FlaskClient, keep: Keep) -> None:
    keep("tune", "features")
    assert client.get("/predict?song_id=tune&method=TensorFlow").status_code == 200


def test_a_method_uses_nothing_but_its_own_kind(client: FlaskClient, keep: Keep) -> None:
    for kind in ("playback", "features", "song"):
        keep(f"only-{kind}", kind)
    for method, own in (("precalculated", "playback"), ("tensorflow", "features")):
        for kind in ("playback", "features", "song"):
            answer = client.get(f"/predict?song_id=only-{kind}&method={method}")
            assert answer.status_code == (200 if kind == own else 404)


def test_settings_without_a_method_are_computed(client: FlaskClient, keep: Keep) -> None:
    keep("all")
    keep("heard", "playback", "song")
    for song_id, method in (("all", "tensorflow"), ("heard", "audio")):
        answer = client.get(f"/predict?song_id={song_id}&smooth=3")
        sequence_of(answer)
        assert answer.get_json()["method"] == method


def test_settings_leave_a_chosen_method_alone(client: FlaskClient, keep: Keep) -> None:
    keep("all")
    client.get("/changeMethod?method=audio")
    assert client.get("/predict?song_id=all&smooth=3").get_json()["method"] == "audio"


def test_settings_shape_the_sequence(client: FlaskClient, keep: Keep) -> None:
    keep("tune", "features")
    ask = "/predict?song_id=tune&method=tensorflow&"
    whole = sequence_of(client.get(f"{ask}min_duration=600"))
    assert len(whole) == 2
    fine = sequence_of(client.get(f"{ask}min_duration=0.5&smooth=1&amplify=3"))
    assert len(fine) >= len(sequence_of(client.get(f"{ask}smooth=1000")))
    loud = sequence_of(client.get(f"{ask}amplify=10&smooth=1000"))
    assert loud[0]["emotion"] in SONG_OUTER_EMOTIONS


def test_the_method_in_force_is_each_tasks_own(
    client: FlaskClient, keep: Keep, upload: Upload
) -> None:
    keep("tune")
    answer = client.get("/changeMethod?method=tensorflow").get_json()
    assert answer == {"message": "The method is now tensorflow.", "method": "tensorflow"}
    assert client.get("/predict?song_id=tune").get_json()["method"] == "tensorflow"
    assert predicted(upload())["method"] == METHODS[0]
    client.get("/changeMethod?method=svm")
    assert client.get("/predict?song_id=tune").get_json()["method"] == "tensorflow"
    assert predicted(upload())["method"] == "svm"
    client.post("/changeMethod", data={"method": "precalculated", "task": "song"})
    assert client.get("/predict?song_id=tune").get_json()["method"] == "precalculated"


@pytest.mark.parametrize(
    "query", ["method=svm&task=song", "method=audio&task=speech", "method=arousal", "method=abc"]
)
def test_a_method_of_another_task_is_unknown(client: FlaskClient, query: str) -> None:
    assert_problem(client.get(f"/changeMethod?{query}"), 400, "unknown_method")


def test_songs_are_listed_page_by_page(client: FlaskClient, keep: Keep) -> None:
    for song_id in ("b.1", "a-2", "a-1", "a-3", "C"):
        keep(song_id, "features" if song_id < "b" else "playback")
    found, link = [], "/songs?limit=2"
    while link:
        page = client.get(link).get_json()
        assert len(page["songs"]) <= 2
        found += page["songs"]
        link = page["next"]
    assert found == ["C", "a-1", "a-2", "a-3", "b.1"]


def test_an_empty_library_has_no_songs(client: FlaskClient) -> None:
    assert client.get("/songs").get_json() == {"songs": [], "next": None}


def test_songs_are_found_by_their_beginning(client: FlaskClient, keep: Keep) -> None:
    for song_id in ("a-1", "a-2", "a-3", "b"):
        keep(song_id, "curve")
    page = client.get("/songs?prefix=a-&limit=2").get_json()
    assert page["songs"] == ["a-1", "a-2"]
    assert client.get(page["next"]).get_json() == {"songs": ["a-3"], "next": None}


def test_a_curve_comes_from_what_the_library_has(client: FlaskClient, keep: Keep) -> None:
    keep("kept")
    keep("computed", "features")
    keep("heard", "song")
    kept = client.get("/songs/kept/curve").get_json()
    assert kept == {
        "song_id": "kept",
        "time_s": [0, 0.5],
        "valence": [0.1, 0.2],
        "arousal": [-1, 1],
        "interval_s": 0.5,
    }
    computed = client.get("/songs/computed/curve").get_json()
    listened = client.get("/songs/heard/curve").get_json()
    assert list(computed) == list(kept)
    assert computed["time_s"] == listened["time_s"]
    assert computed["time_s"] == [0.5 * i for i in range(len(computed["time_s"]))]
    assert computed["time_s"][-1] == pytest.approx(12, abs=0.5)
    for axis in ("valence", "arousal"):
        np.testing.assert_allclose(computed[axis], listened[axis], atol=0.01)
        assert np.abs(computed[axis]).max() <= 1


@pytest.mark.parametrize("kind", ["features", "song"])
def test_the_ten_likeliest_tags_are_told(client: FlaskClient, keep: Keep, kind: str) -> None:
    keep("tune", kind)
    found = client.get("/songs/tune/tags").get_json()
    assert list(found) == ["song_id", "tags"]
    shares = list(found["tags"].values())
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)


def test_head_is_answered_like_get(client: FlaskClient, keep: Keep) -> None:
    keep("tune")
    for path in ("/predict?song_id=tune", "/songs", "/songs/tune/curve", "/songs/tune/tags"):
        head = client.head(path)
        assert (head.status_code, head.data) == (200, b"")
        assert head.content_length == client.get(path).content_length


def test_the_stages_of_a_song_are_told(client: FlaskClient, keep: Keep, upload: Upload) -> None:
    keep("tune")

    def stages(answer: TestResponse) -> list[str]:
        timing = answer.headers["Server-Timing"]
        return [part.partition(";")[0] for part in timing.split(", ")]

    assert stages(client.get("/predict?song_id=tune")) == ["database", "library", "total"]
    assert stages(client.get("/predict?song_id=tune&method=tensorflow")) == (
        ["library", "features", "model", "playback", "total"]
    )
    assert stages(client.get("/predict?song_id=tune&method=audio")) == (
        ["library", "decode", "features", "model", "playback", "total"]
    )
    assert stages(upload(music.as_wav(music.music(3.0)), task="song")) == (
        ["decode", "features", "model", "playback", "storage", "database", "total"]
    )


def test_an_uploaded_song_is_told_and_kept(
    client: FlaskClient, upload: Upload, tune: bytes, config: Config
) -> None:
    found = heard(upload, tune)
    assert list(found) == UPLOADED
    assert (found["task"], found["method"]) == ("song", "audio")
    assert found["duration_s"] == pytest.approx(12, abs=0.1)
    assert len(found["tags"]) == 10
    assert (config.uploads_path / found["audio_file"]).read_bytes() == tune
    (row,) = rows(client)
    assert (row["task"], row["method"], row["filename"]) == ("song", "audio", "my song.mp3")
    assert row["audio_file"] == found["audio_file"]


def test_an_upload_and_the_library_agree(client: FlaskClient, upload: Upload, keep: Keep) -> None:
    keep("tune", "song")
    data = SongLibrary(client.application.config["EMOSYNC"]).read("song", "tune")
    listened = sequence_of(client.get("/predict?song_id=tune&method=audio&smooth=2&amplify=2"))
    assert heard(upload, data, smooth="2", amplify="2")["sequence"] == listened


def test_a_last_step_of_another_emotion_is_a_row_of_its_own() -> None:
    time_s = 0.5 * np.arange(10, dtype=np.float64)
    valence = np.array([0.9] * 9 + [-0.9], np.float32)
    curve = SongCurve(time_s, valence, np.zeros(10, np.float32))
    played = play_song(curve, PlaybackSettings(smooth=1))
    assert [(row["start_time"], row["emotion"]) for row in played.members] == [
        (0.0, "Happy"),
        (4.5, "Depressed"),
        (4.5, SONG_COMPLETED),
    ]
    assert [window.confidence for window in played.windows] == [1.0, 1.0, 1.0]


def test_the_history_tells_the_emotion_that_lasts_longest(
    client: FlaskClient, upload: Upload, tune: bytes
) -> None:
    sequence = heard(upload, tune, amplify="3", min_duration="1")["sequence"]
    lasted: dict[str, float] = {}
    for row, following in pairwise(sequence):
        length_s = following["start_time"] - row["start_time"]
        lasted[row["emotion"]] = lasted.get(row["emotion"], 0) + length_s
    (kept,) = rows(client)
    assert lasted[kept["predicted_emotion"]] == max(lasted.values())
    share = max(lasted.values()) / sum(lasted.values())
    assert kept["confidence"] == pytest.approx(share, abs=1e-5)
    shares = list(json.loads(kept["top_3_probabilities"]).values())
    assert shares == sorted(shares, reverse=True)
    (line,) = csv.DictReader(io.StringIO(client.get("/history?format=csv").text))
    assert line["task"] == "song"


def test_the_curve_of_an_upload_is_told_when_asked_for(upload: Upload, tune: bytes) -> None:
    curve = heard(upload, tune, detail="curve")["curve"]
    assert list(curve) == ["time_s", "valence", "arousal", "interval_s"]
    assert len(curve["time_s"]) == len(curve["valence"]) == len(curve["arousal"]) >= 24


def test_a_song_may_come_as_base64(client: FlaskClient, upload: Upload, tune: bytes) -> None:
    message = {"audio": base64.b64encode(tune).decode(), "task": "song", "smooth": 3}
    answer = client.post("/record", json=message)
    assert sequence_of(answer) == heard(upload, tune, smooth="3")["sequence"]


def test_the_picture_of_a_song_is_drawn_once(
    client: FlaskClient, upload: Upload, tune: bytes, config: Config
) -> None:
    link = heard(upload, tune)["visualization"]
    picture = Image.open(io.BytesIO(client.get(link).data))
    assert min(picture.size) >= 300
    assert len(picture.convert("L").getcolors() or []) > 50
    (cached,) = config.visualizations_path.iterdir()
    cached.write_bytes(b"kept")
    assert client.get(link).data == b"kept"


def test_the_report_of_a_song_lists_its_sequence(
    client: FlaskClient, upload: Upload, tune: bytes
) -> None:
    found = heard(upload, tune)
    for link in (found["report"], "/download-report/my%20song.mp3"):
        answer = client.get(link)
        assert answer.mimetype == "application/pdf"
        pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
        text = "\n".join(page.extract_text() for page in pages)
        assert "Song emotion report" in text
        assert all(row["emotion"] in text for row in found["sequence"][:-1])


def test_the_report_of_a_song_states_its_settings(
    client: FlaskClient, upload: Upload, tune: bytes
) -> None:
    found = heard(upload, tune, amplify="3", min_duration="1")
    pages = pypdf.PdfReader(io.BytesIO(client.get(found["report"]).data)).pages
    assert "smooth 5, amplify 3, shortest 1 s" in pages[0].extract_text()


def test_a_short_song_is_padded(upload: Upload) -> None:
    found = heard(upload, music.as_wav(music.music(2.1)))
    assert found["sequence"][-1]["start_time"] == pytest.approx(2, abs=0.5)


def test_the_same_file_may_be_speech_and_song(
    client: FlaskClient, upload: Upload, voice: bytes
) -> None:
    predicted(upload(voice))
    heard(upload, voice)
    assert [row["task"] for row in rows(client)] == ["song", "speech"]


def test_the_models_of_songs_are_described(client: FlaskClient) -> None:
    info = client.get("/models/info").get_json()
    assert info["task"] == "speech"
    assert set(info["models"]["song"]) == {"arousal", "valence"}
    assert "musicnn" in info["models"]["music"]
    assert client.get("/ready").get_json()["models"]["song"]


def test_finished_sequences_need_no_model(config: Config, keep: Keep, tmp_path: Path) -> None:
    keep("tune")
    app = create_app(replace(config, models_path=tmp_path / "none"))
    client = app.test_client()
    assert client.get("/predict?song_id=tune").status_code == 200
    assert client.get("/songs").get_json()["songs"] == ["tune"]
    assert client.get("/songs/tune/curve").status_code == 200
    for path in ("/predict?song_id=tune&method=tensorflow", "/songs/tune/tags"):
        assert_problem(client.get(path), 503, "model_unavailable")
    app.extensions["emosync"].close()


def test_a_csv_with_its_columns_in_another_order_gives_the_same(
    app: Flask, config: Config, keep: Keep, features: bytes
) -> None:
    keep("tune", "features")
    lines = [line.split(",") for line in features.decode().splitlines()]
    turned = "\n".join(",".join(reversed(line)) for line in [lines[0], *lines[:0:-1]])
    SongLibrary(config).write("features", "turned", turned.encode())
    client = app.test_client()
    answers = [client.get(f"/predict?song_id={i}&method=tensorflow") for i in ("tune", "turned")]
    assert sequence_of(answers[0]) == sequence_of(answers[1])
    names = app.extensions["emosync"].songs.feature_names
    assert read_csv(turned.encode(), names).names == names
