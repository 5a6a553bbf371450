"""The routes, in one process, with the real models."""

import base64
import csv
import io
import json
import os
from collections.abc import Callable

import pypdf
import pytest
from answers import METHODS, Upload, predicted, rows
from flask.testing import FlaskClient
from PIL import Image

from emosync.config import Config


def test_the_greeting_is_text(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.mimetype == "text/plain"
    assert "EmoSync" in answer.text
    assert "http://localhost/docs" in answer.text


@pytest.mark.parametrize("method", METHODS)
def test_every_method_predicts(upload: Upload, method: str) -> None:
    found = predicted(upload(method=method))
    assert found["method"] == method
    assert found["duration_s"] == pytest.approx(3.0, abs=0.01)


def test_the_method_may_stand_in_the_query_and_in_capitals(upload: Upload) -> None:
    assert predicted(upload(path="/predict?method=SVM"))["method"] == "svm"


def test_windows_are_told_when_asked_for(upload: Upload, make_wav: Callable[..., bytes]) -> None:
    assert "windows" not in predicted(upload())
    windows = predicted(upload(make_wav(20.0), detail="windows"))["windows"]
    assert len(windows) >= 2
    assert list(windows[0]) == ["start_s", "emotion", "confidence"]
    assert [w["start_s"] for w in windows] == sorted(w["start_s"] for w in windows)


@pytest.mark.parametrize("head", ["", "data:audio/wav;base64,"])
def test_a_recording_as_base64_predicts_the_same(
    client: FlaskClient, upload: Upload, voice: bytes, head: str
) -> None:
    message = {"audio": head + base64.b64encode(voice).decode(), "method": "cnn"}
    recorded = predicted(client.post("/record", json=message))
    assert recorded["probabilities"] == predicted(upload(method="cnn"))["probabilities"]


def test_a_recorder_may_forget_the_content_type(client: FlaskClient, voice: bytes) -> None:
    body = json.dumps({"audio": base64.b64encode(voice).decode()})
    predicted(client.post("/record", data=body))


@pytest.mark.parametrize(("form", "used"), [({}, "SVM"), ({"model_type": "cnn"}, "CNN")])
def test_the_flutter_application_gets_its_answer(
    upload: Upload, form: dict[str, str], used: str
) -> None:
    answer = upload(path="/classify_audio", field="audio", **form).get_json()
    assert answer["model_used"] == used
    found = predicted(upload(method=used.lower()))
    assert answer == {"audio_emotion": found["emotion"], "model_used": used}


def test_the_flutter_application_may_ask_for_both(client: FlaskClient, upload: Upload) -> None:
    answer = upload(path="/classify_audio_both", field="audio").get_json()
    kept = {row["method"]: row["predicted_emotion"] for row in rows(client)}
    assert answer == {"svm_emotion": kept["svm"], "cnn_emotion": kept["cnn"]}


def test_every_prediction_is_in_the_history_newest_first(
    client: FlaskClient, upload: Upload
) -> None:
    made = [predicted(upload(name=f"{i}.wav", method="cnn")) for i in range(3)]
    kept = rows(client)
    assert [row["filename"] for row in kept] == ["2.wav", "1.wav", "0.wav"]
    assert [row["audio_file"] for row in kept] == [m["audio_file"] for m in reversed(made)]
    for row, found in zip(kept, reversed(made), strict=True):
        assert row["timestamp"] == found["timestamp"]
        assert row["predicted_emotion"] == found["emotion"]
        assert row["confidence"] == found["confidence"]
        top_3 = list(json.loads(row["top_3_probabilities"]).items())
        assert top_3 == list(found["probabilities"].items())[:3]


def test_the_history_is_paged_by_its_own_link(client: FlaskClient, upload: Upload) -> None:
    for i in range(5):
        upload(name=f"{i}.wav", method="cnn")
    names, link = [], "/history?limit=2"
    while link:
        page = client.get(link).get_json()
        names += [row["filename"] for row in page["history"]]
        link = page["next"]
    assert names == ["4.wav", "3.wav", "2.wav", "1.wav", "0.wav"]


def test_the_history_downloads_as_csv(client: FlaskClient, upload: Upload) -> None:
    assert len(client.get("/history?format=csv").text.splitlines()) == 1
    upload(name="=1+1.wav")
    answer = client.get("/history?format=csv")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=history.csv"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["filename"] == "'=1+1.wav"


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1001", "before=x"])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_page_that_makes_no_sense_is_refused(client: FlaskClient, query: str, form: str) -> None:
    assert client.get(f"/history?{query}&format={form}").status_code == 400


def test_an_unknown_format_of_the_history_is_refused(client: FlaskClient) -> None:
    assert client.get("/history?format=xml").status_code == 400


def test_the_picture_is_drawn_once_and_shows_something(
    client: FlaskClient, upload: Upload, config: Config
) -> None:
    link = predicted(upload())["visualization"]
    answer = client.get(link)
    assert answer.mimetype == "image/png"
    picture = Image.open(io.BytesIO(answer.data))
    assert min(picture.size) >= 300
    assert len(picture.convert("L").getcolors() or []) > 50
    (cached,) = config.visualizations_path.iterdir()
    cached.write_bytes(b"kept")
    assert client.get(link).data == b"kept"


def test_the_report_is_a_pdf_found_by_either_name(client: FlaskClient, upload: Upload) -> None:
    first = predicted(upload(name="my voice.wav", method="cnn"))
    second = predicted(upload(name="my voice.wav", method="svm"))
    texts = {}
    for name in (first["report"], "/download-report/my%20voice.wav"):
        answer = client.get(name)
        assert answer.mimetype == "application/pdf"
        pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
        texts[name] = "\n".join(page.extract_text() for page in pages)
    assert first["audio_file"] in texts[first["report"]]
    assert second["audio_file"] in texts["/download-report/my%20voice.wav"]


def test_a_recording_that_was_cleared_away_is_404(
    client: FlaskClient, upload: Upload, config: Config
) -> None:
    found = predicted(upload())
    (config.uploads_path / found["audio_file"]).unlink()
    answer = client.get(found["visualization"])
    assert answer.status_code == 404
    assert "no longer stored" in answer.text


@pytest.mark.parametrize("verb", ["get", "post"])
def test_the_method_in_force_can_be_changed(client: FlaskClient, upload: Upload, verb: str) -> None:
    assert predicted(upload())["method"] == METHODS[0]
    answer = getattr(client, verb)("/changeMethod?method=svm").get_json()
    assert list(answer) == ["message", "method"]
    assert answer["method"] == "svm"
    assert predicted(upload())["method"] == "svm"
    assert client.get("/models/info").get_json()["method"] == "svm"


def test_a_form_may_change_the_method(client: FlaskClient) -> None:
    assert client.post("/changeMethod", data={"method": "cnn"}).get_json()["method"] == "cnn"


def test_the_models_are_described(client: FlaskClient) -> None:
    info = client.get("/models/info").get_json()
    head = {"model_type", "classes", "n_features", "trained_on", "feature_type", "scaler"}
    assert head <= set(info)
    assert list(info["models"]["speech"]) == METHODS
    for card in info["models"]["speech"].values():
        assert head | {"figures", "protocol", "sha256"} <= set(card)
        assert all(corpus["licence"] for corpus in card["trained_on"])


def test_a_running_service_is_healthy_and_ready(client: FlaskClient) -> None:
    assert client.get("/health").get_json() == {"status": "ok"}
    assert client.get("/ready").get_json()["models"]["speech"] == METHODS


@pytest.mark.parametrize("name", ["../../x.wav", "\u58f0\U0001f3a4.wav", "a" * 3_000, "a;b'c.wav"])
def test_a_name_is_data_and_finds_its_report(
    client: FlaskClient, upload: Upload, config: Config, name: str
) -> None:
    found = predicted(upload(name=name))
    assert found["filename"] == name
    assert rows(client)[0]["filename"] == name
    assert os.listdir(config.uploads_path) == [found["audio_file"]]
    answer = client.get(found["report"])
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=2")


def test_stages_are_told(upload: Upload) -> None:
    timing = upload().headers["Server-Timing"]
    names = [part.partition(";")[0] for part in timing.split(", ")]
    assert names == ["database", "decode", "features", "model", "storage", "total"]


def test_an_upload_larger_than_a_form_field_may_be_is_taken(
    upload: Upload, make_wav: Callable[..., bytes]
) -> None:
    assert len(make_wav(60.0)) > 1_000_000
    predicted(upload(make_wav(60.0), method="cnn"))


def test_a_form_field_larger_than_that_is_refused_with_the_limit(upload: Upload) -> None:
    answer = upload(method="x" * 600_000)
    assert answer.status_code == 413
    assert answer.get_json(force=True)["code"] == "too_large"
    assert "the fields of a form beside its file 0.5 MB" in answer.get_json(force=True)["detail"]
