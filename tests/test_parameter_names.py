"""Names of parameters: known ones are those of the document, and misspelt ones are refused."""

from typing import Any

import pytest
from answers import Upload, assert_problem, multipart, predicted
from flask import Flask
from flask.testing import FlaskClient
from test_openapi import OPERATIONS

from application.web.parameter_names import NAMES, TASK_NAMES
from application.web.request_context import services
from openapi.parts import template


def refusal(answer: Any) -> str:
    assert_problem(answer, 400, "unknown_parameter")
    detail: str = answer.get_json()["detail"]
    return detail


def documented(operation: dict[str, Any]) -> tuple[set[str], dict[str, set[str]]]:
    """Name what the query takes, and what each body takes by its media type."""
    query = {p["name"] for p in operation["parameters"] if p.get("in") == "query"}
    content = operation.get("requestBody", {}).get("content", {})
    return query, {media: set(part["schema"]["properties"]) for media, part in content.items()}


def test_they_are_those_of_the_document() -> None:
    by_route = {(verb, path): documented(operation) for verb, path, operation in OPERATIONS}
    for route, names in NAMES.items():
        verb, rule = route.split(" ")
        query, bodies = by_route.pop((verb.lower(), template(rule)))
        assert query == {*names.choices, *names.query}, route
        alone = {"application/json": names.json, "multipart/form-data": names.form}
        assert set(bodies) == {media for media, found in alone.items() if found}
        for media, found in bodies.items():
            assert found - set(names.choices) == set(alone[media] or ()), (route, media)
    left = {path for (_, path), (query, bodies) in by_route.items() if query or bodies}
    assert left == {"/classify_audio", "/classify_audio_both"}


def test_every_task_has_its_own(app: Flask) -> None:
    with app.app_context():
        for task in TASK_NAMES:
            services().check_task(task)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"metod": "cnn"}, "There is no parameter 'metod'; did you mean 'method'?"),
        ({"Method": "cnn"}, "did you mean 'method'?"),
        ({"model_type": "cnn"}, "did you mean 'method'?"),
        ({"smooth": "5"}, "'smooth' is for other tasks: song."),
        (
            {"task": "face", "detail": "windows"},
            "is for other tasks: speech, song, genre.",
        ),
        (
            {"task": "mood", "detail": "curve"},
            "The parameters of the task mood are: file, task, method, ",
        ),
        ({"webhook": "https://a.example"}, "The parameter 'webhook' belongs in the query."),
        ({"song_id": "a"}, "The parameter 'song_id' has no meaning here."),
    ],
)
def test_a_form_is_refused(upload: Upload, form: dict[str, str], told: str) -> None:
    assert told in refusal(upload(**form))


def test_a_query_is_refused(client: FlaskClient) -> None:
    for path in ("/predict?song_id=a&smoth=3", "/history?limt=3", "/changeMethod?metho=cnn",
                 "/songs?prefx=a", "/history?task=song", "/history?after=3"):  # fmt: skip
        assert refusal(client.get(path))
    assert "is: method" not in refusal(client.post("/mood?metod=network", json={"tracks": []}))
    assert refusal(client.get("/playlists/37i9dQZF1DXcBWIGoYBM5M/moods?methods=network"))


def test_json_is_refused(client: FlaskClient) -> None:
    assert refusal(client.post("/record", json={"audio": "AAAA", "metod": "cnn"}))
    assert refusal(client.post("/predict", json={"url": "https://youtu.be/a", "detect": "1"}))
    assert refusal(client.post("/batch", json={"song_ids": ["a"], "smoothing": 3}))
    assert refusal(client.post("/recommend", json={"emotion": "sad", "track": []}))


def test_a_file_in_a_misspelt_field_is_told_the_right_one(
    client: FlaskClient, voice: bytes
) -> None:
    body = multipart(voice, "a.wav", field="files")
    answer = client.post("/predict", data=body, content_type="multipart/form-data; boundary=x")
    assert "did you mean 'file'?" in refusal(answer)


def test_a_webhook_without_a_job_is_refused(client: FlaskClient, voice: bytes) -> None:
    body = multipart(voice, "a.wav")
    answer = client.post(
        "/predict?webhook=nonsense", data=body, content_type="multipart/form-data; boundary=x"
    )
    assert "Prefer: respond-async" in refusal(answer)


def test_a_job_is_refused_before_it_is_one_and_else_keeps_its_form(
    client: FlaskClient, voice: bytes
) -> None:
    sent: dict[str, Any] = {
        "content_type": "multipart/form-data; boundary=x",
        "headers": {"Prefer": "respond-async"},
    }
    assert refusal(client.post("/predict", data=multipart(voice, "a.wav", metod="cnn"), **sent))
    good = client.post("/predict", data=multipart(voice, "a.wav", method="cnn"), **sent)
    assert good.status_code == 202


def test_what_nobody_means_is_passed_over(upload: Upload, client: FlaskClient) -> None:
    foreign = {"submit": "Send", "filename": "a.wav", "user_id": "7", "smooth": ""}
    assert predicted(upload(method="cnn", **foreign))["method"] == "cnn"
    exported = {"tracks": [], "name": "My list", "limit": 100, "owner": {}}
    assert client.post("/mood", json=exported).status_code == 200
    assert client.get("/history?_=1700000000").status_code == 200


def test_many_long_names_are_no_work(client: FlaskClient) -> None:
    names = {f"method{number}": "a" for number in range(20_000)}
    assert refusal(client.post("/record", json={**names, "a" * 100_000: "a"})).count("mean") <= 3


def test_the_flutter_application_may_send_what_it_likes(client: FlaskClient, voice: bytes) -> None:
    body = multipart(voice, "a.wav", field="audio", model_typ="cnn", method="cnn")
    answer = client.post(
        "/classify_audio", data=body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.get_json()["model_used"] == "SVM"
