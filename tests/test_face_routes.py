"""The routes of faces, in one process, with the real models."""

import base64
import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pytest
from answers import Answer, Upload, assert_problem, multipart, rows
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from test_mood_routes import LOUD, NAMES, QUIET, track

from app import create_app
from emosync.config import Config
from emosync.face_plots import BOX_COLOUR
from emosync.labels import FACE_EMOTIONS, MOOD_OF_EMOTION, MOODS

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data"))
PHOTOS = DATA / "faces" / "photos"
MEMBERS = [
    "faces",
    "width",
    "height",
    "visualization",
    "report",
    "audio_file",
    "filename",
    "timestamp",
    "task",
    "method",
]
TRACKS = [track(0), track(1, LOUD), track(2, {**QUIET, "valence": 0.9, "energy": 0.6})]


def drawn(width: int = 120, height: int = 80, kind: str = "PNG") -> bytes:
    """Draw stripes, in which nobody sees a face."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, ::8] = (200, 120, 40)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def told(answer: Answer) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    assert list(found) == MEMBERS
    areas = [face["box"]["width"] * face["box"]["height"] for face in found["faces"]]
    assert areas == sorted(areas, reverse=True)
    for face in found["faces"]:
        assert list(face) == ["box", "emotion", "confidence", "probabilities"]
        assert set(face["probabilities"]) == set(FACE_EMOTIONS)
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert face["emotion"] == next(iter(face["probabilities"]))
        assert face["confidence"] == face["probabilities"][face["emotion"]]
        box = face["box"]
        assert 0 <= box["x"] < box["x"] + box["width"] <= found["width"] + 0.1
        assert 0 <= box["y"] < box["y"] + box["height"] <= found["height"] + 0.1
    return found


@pytest.fixture
def picture(upload: Upload) -> Any:
    def post(data: bytes, name: str = "me.png", **form: str) -> Any:
        return upload(data, name, field="image", task="face", **form)

    return post


def recommended(client: FlaskClient, message: object) -> dict[str, Any]:
    answer = client.post("/recommend", json=message)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    assert list(found) == ["emotion", "mood", "tracks"]
    shares = [row["probability"] for row in found["tracks"] if row["probability"] is not None]
    assert shares == sorted(shares, reverse=True)
    return found


def test_a_picture_without_faces_has_an_empty_list(
    client: FlaskClient, picture: Any, config: Config
) -> None:
    found = told(picture(drawn()))
    assert (found["faces"], found["width"], found["height"]) == ([], 120, 80)
    (row,) = rows(client)
    assert (row["task"], row["predicted_emotion"], row["confidence"]) == ("face", "no face", 0)
    assert (config.uploads_path / found["audio_file"]).read_bytes() == drawn()
    assert client.get(found["visualization"]).data.startswith(b"\x89PNG")
    assert client.get(found["report"]).data.startswith(b"%PDF")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_may_be_taken_for_one_face(client: FlaskClient, picture: Any, kind: str) -> None:
    found = told(picture(drawn(48, 48, kind), "x", detect="0"))
    (face,) = found["faces"]
    assert face["box"] == {"x": 0.0, "y": 0.0, "width": 48.0, "height": 48.0}
    assert found["audio_file"].endswith(f".{kind.lower()}")
    assert client.get(found["visualization"]).data.startswith(b"\x89PNG")
    report = pypdf.PdfReader(io.BytesIO(client.get(found["report"]).data))
    assert face["emotion"].capitalize() in report.pages[0].extract_text()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"no picture at all", 415, "unsupported_media"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media"),
        (b"", 400, "missing_input"),
        (drawn()[:60], 422, "unreadable_media"),
    ],
)
def test_what_is_no_picture_is_refused(
    client: FlaskClient, picture: Any, data: bytes, status: int, code: str
) -> None:
    assert_problem(picture(data), status, code)
    assert rows(client) == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"method": "whisper"}, "unknown_method"),
        ({"method": "detector"}, "unknown_method"),
        ({"detect": "perhaps"}, "invalid_parameter"),
    ],
)
def test_what_faces_do_not_have_is_refused(picture: Any, form: dict[str, str], code: str) -> None:
    assert_problem(picture(drawn(), **form), 400, code)


def test_the_field_is_named(upload: Upload) -> None:
    answer = upload(drawn(), "me.png", task="face")
    assert_problem(answer, 400, "missing_input")
    assert "'image'" in answer.get_json()["detail"]


@pytest.mark.parametrize("emotion", MOOD_OF_EMOTION)
def test_tracks_are_sorted_by_the_mood_of_an_emotion(client: FlaskClient, emotion: str) -> None:
    found = recommended(client, {"emotion": emotion, "tracks": TRACKS})
    assert (found["emotion"], found["mood"]) == (emotion, MOOD_OF_EMOTION[emotion])
    assert {row["id"] for row in found["tracks"]} == {"id0", "id1", "id2"}
    for row in found["tracks"]:
        assert list(row) == [*NAMES, "mood", "probability"]
        assert row["mood"] in MOODS


def test_an_angry_person_gets_the_loud_track_and_a_neutral_one_the_quiet(
    client: FlaskClient,
) -> None:
    angry = recommended(client, {"emotion": "Angry", "tracks": TRACKS})
    assert angry["tracks"][0]["id"] == "id1"
    calm = recommended(client, {"emotion": "neutral", "tracks": TRACKS})
    assert calm["tracks"][0]["id"] == "id0"


def test_the_mood_of_an_emotion_can_be_configured(config: Config) -> None:
    app = create_app(replace(config, mood_of_emotion=(("sad", "Happy"),)))
    found = recommended(app.test_client(), {"emotion": "sad", "tracks": TRACKS})
    assert found["mood"] == "Happy"
    app.extensions["emosync"].close()


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ({"tracks": TRACKS}, 400, "missing_input"),
        ({"emotion": "happy"}, 400, "missing_input"),
        ({"emotion": "hungry", "tracks": TRACKS}, 400, "unknown_emotion"),
        ({"emotion": 7, "tracks": TRACKS}, 400, "invalid_parameter"),
        ({"emotion": "happy", "tracks": "all"}, 400, "invalid_tracks"),
        ({"emotion": "happy", "tracks": [{"id": "x"}]}, 422, "invalid_features"),
        ({"image": "@@@", "tracks": TRACKS}, 400, "invalid_base64"),
        ({"image": "data:audio/wav;base64,AAAA", "tracks": TRACKS}, 400, "invalid_base64"),
        ({"image": "AAAA", "tracks": TRACKS}, 415, "unsupported_media"),
        ({"emotion": "happy", "playlist": "https://deezer.com/x"}, 400, "invalid_playlist"),
        ({"emotion": "happy", "playlist": 7}, 400, "invalid_parameter"),
        (
            {"emotion": "happy", "playlist": "37i9dQZF1DXcBWIGoYBM5M"},
            503,
            "spotify_not_configured",
        ),
    ],
)
def test_bad_wishes_are_refused(
    client: FlaskClient, message: object, status: int, code: str
) -> None:
    assert_problem(client.post("/recommend", json=message), status, code)


def test_a_picture_without_a_face_recommends_nothing(client: FlaskClient) -> None:
    image = base64.b64encode(drawn()).decode()
    answer = client.post("/recommend", json={"image": image, "tracks": TRACKS})
    assert_problem(answer, 422, "no_face")
    assert rows(client) == []


@pytest.mark.parametrize("start", ["", "data:image/png;base64,"])
def test_a_face_in_base64_recommends_tracks(client: FlaskClient, start: str) -> None:
    image = start + base64.b64encode(drawn(48, 48)).decode()
    found = recommended(client, {"image": image, "detect": "0", "tracks": TRACKS})
    assert found["mood"] == MOOD_OF_EMOTION[found["emotion"]]
    assert rows(client)[0]["task"] == "face"


def test_a_form_recommends_tracks_as_well(client: FlaskClient) -> None:
    body = multipart(drawn(48, 48), "me.png", field="image", detect="0", tracks=json.dumps(TRACKS))
    form = {"content_type": "multipart/form-data; boundary=x"}
    answer = client.post("/recommend", data=body, **form)
    assert answer.status_code == 200, answer.text
    assert len(answer.get_json()["tracks"]) == 3
    broken = multipart(drawn(48, 48), "me.png", field="image", tracks="[{")
    assert_problem(client.post("/recommend", data=broken, **form), 400, "invalid_parameter")


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the folder of photographs is not there")
def test_photographs_have_as_many_faces_as_their_manifest_says(picture: Any) -> None:
    with (PHOTOS / "manifest.csv").open() as file:
        for row in csv.DictReader(file):
            found = told(picture((PHOTOS / row["file"]).read_bytes(), row["file"]))
            n_faces = len(found["faces"])
            assert int(row["faces_min"]) <= n_faces <= int(row["faces_max"]), row["file"]


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the folder of photographs is not there")
def test_a_picture_taken_for_one_face_is_marked_as_a_whole(
    app: Flask, client: FlaskClient, picture: Any
) -> None:
    photo = (PHOTOS / "face-api.js__test__images__surprised_cropped.jpg").read_bytes()
    found = told(picture(photo, detect="0"))
    whole, detected = (
        edge_is_marked(client.get(told(picture(photo, detect=detect))["visualization"]).data)
        for detect in ("0", "1")
    )
    assert (whole, detected) == (True, False)
    # Entries of the time before the boxes were kept are searched again.
    service = app.extensions["emosync"].faces
    entry = app.extensions["emosync"].history.find(found["audio_file"])
    assert not edge_is_marked(service.draw(replace(entry, details={})))


def edge_is_marked(png: bytes) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return bool((pixels[10:-60, 0] == tuple(bytes.fromhex(BOX_COLOUR[1:]))).all())
