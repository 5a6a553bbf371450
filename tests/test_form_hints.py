"""What is told to those who sent the right thing in the wrong place."""

import json
from pathlib import Path
from typing import Any

import pytest
from answers import Upload, assert_problem, multipart
from flask.testing import FlaskClient
from music import silence_wav

ROOT = Path(__file__).parent.parent
FORM = "multipart/form-data; boundary=x"


def detail(answer: Any, code: str = "missing_input", status: int = 400) -> str:
    assert_problem(answer, status, code)
    found: str = answer.get_json()["detail"]
    return found


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("audio", "no file in the field 'file'; it has 'audio', 'method'."),
        ("image", "but one in 'image'; a picture takes task=face as well."),
    ],
)
def test_a_file_in_another_field_is_named(upload: Upload, field: str, told: str) -> None:
    assert told in detail(upload(field=field, method="cnn"))


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"file": "hello"}, "but a text; with curl an @ stands before the name of a file."),
        ({"url": "https://youtu.be/a"}, "a 'url' is sent as JSON"),
        ({'{"url": "a"}': ""}, "JSON needs the header Content-Type: application/json."),
        ({}, "The form has no file in the field 'file'."),
    ],
)
def test_a_form_without_a_file_is_told_what_it_lacks(
    client: FlaskClient, form: dict[str, str], told: str
) -> None:
    assert told in detail(client.post("/predict", data=form))


@pytest.mark.parametrize("path", ["/record", "/mood", "/batch"])
def test_a_form_in_the_place_of_json_is_told_the_header(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=multipart(b"a", "a.wav"), content_type=FORM)
    assert "Content-Type: application/json" in detail(answer, "invalid_parameter")


def test_json_without_its_header_is_taken_where_nothing_else_is(client: FlaskClient) -> None:
    form = "application/x-www-form-urlencoded"  # as curl -d has it
    assert client.post("/mood", data='{"tracks": []}', content_type=form).status_code == 200


def test_a_method_in_json_is_told_where_it_belongs(client: FlaskClient) -> None:
    answer = client.post("/changeMethod", json={"method": "cnn"})
    assert "in the query or in a form" in detail(answer, "invalid_parameter")


def test_tracks_may_be_a_file_and_the_object_of_mood(client: FlaskClient) -> None:
    data = (ROOT / "tests" / "songs" / "tracks.json").read_bytes()
    body = multipart(data, "tracks.json", field="tracks", emotion="happy")
    answer = client.post("/recommend", data=body, content_type=FORM)
    assert len(answer.get_json()["tracks"]) == len(json.loads(data)["tracks"])
    text = {"emotion": "happy", "tracks": data.decode()}
    assert client.post("/recommend", data=text).get_json() == answer.get_json()
    broken = multipart(b"[{", "tracks.json", field="tracks", emotion="happy")
    answer = client.post("/recommend", data=broken, content_type=FORM)
    assert "no valid JSON" in detail(answer, "invalid_parameter")


def test_only_a_silent_voice_is_told_of_the_microphone(upload: Upload) -> None:
    silent = silence_wav(3)
    assert "microphone" in detail(upload(silent), "silent_audio", 422)
    for task in ("song", "genre", "mood"):
        assert "microphone" not in detail(upload(silent, task=task), "silent_audio", 422)


def test_what_detect_takes_is_told(upload: Upload) -> None:
    told = detail(upload(b"a", field="image", task="face", detect="no"), "invalid_parameter")
    assert told == "The parameter 'detect' must be 1 or 0 (or true or false)."
