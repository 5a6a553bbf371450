"""What is refused of songs, with which status, and that nothing is left behind."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import music
import pytest
from answers import Upload, assert_problem, rows
from buckets import answering, refusing
from encodings_of_voice import silent_video
from flask.testing import FlaskClient

from app import create_app
from application.tasks.song_library import SongLibrary
from emosync.config import Config

SEQUENCE = b'{"sequence": [{"start_time": 0, "emotion": "Calm"}]}'
ROOT = Path(__file__).parent.parent
ID_ROUTES = ["/predict?song_id={}", "/songs/{}/curve", "/songs/{}/tags"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return settings of one service for all tests that keep nothing."""
    path = tmp_path_factory.mktemp("folder")
    return Config(
        data_path=path / "data",
        visualizations_path=path / "visualizations",
        library_path=path / "library",
        models_path=ROOT / "models",
    )


@pytest.fixture(scope="module")
def asked(folder: Config) -> Iterator[FlaskClient]:
    app = create_app(folder)
    yield app.test_client()
    app.extensions["emosync"].close()


@pytest.fixture
def serve() -> Iterator[Callable[[Config], FlaskClient]]:
    """Serve another configuration than the fixture `config`."""
    apps = []

    def start(config: Config) -> FlaskClient:
        apps.append(create_app(config))
        return apps[-1].test_client()

    yield start
    for app in apps:
        app.extensions["emosync"].close()


@pytest.mark.parametrize("query", ["", "?song_id=", "?id=x", "?smooth=5"])
def test_a_song_id_is_needed(asked: FlaskClient, query: str) -> None:
    answer = asked.get(f"/predict{query}")
    assert_problem(answer, 400, "missing_input")
    assert "song_id" in answer.text


@pytest.mark.parametrize(
    "song_id",
    [
        "..",
        ".",
        "..%2Fsecret",
        "..%2f..%2fsecret",
        "%2e%2e%2fsecret",
        "a/b",
        "a%2Fb",
        "a%5Cb",
        "a%00",
        "a%0A",
        "%20a",
        "a+b%20c",
        "%C3%A9",
        "%FF",
        "%252e%252e",
        "a" * 129,
        "a;b",
        "*",
    ],
)
@pytest.mark.parametrize("route", ID_ROUTES)
def test_what_is_no_id_is_refused_and_nothing_is_read(
    asked: FlaskClient, folder: Config, song_id: str, route: str
) -> None:
    folder.library_path.mkdir(exist_ok=True)
    for name in ("secret.json", "secret.csv", "secret.mp3"):
        (folder.library_path / name).write_text("a secret")
    answer = asked.get(route.format(song_id))
    if answer.status_code == 308:  # werkzeug tidies the path of a URL
        answer = asked.get(route.format(song_id), follow_redirects=True)
    if song_id in ("..", ".", "a/b", "a%0A") and not route.startswith("/predict"):
        assert answer.status_code in (400, 404)  # no such route, or no such id
    else:
        assert_problem(answer, 400, "invalid_song_id")
    assert "secret" not in answer.text


def test_an_id_may_be_as_long_as_it_is_and_have_dots(asked: FlaskClient, folder: Config) -> None:
    for song_id in ("a" * 128, "a..b", "...", "-", "_.", "A.mp3"):
        SongLibrary(folder).write("playback", song_id, SEQUENCE)
        assert asked.get(f"/predict?song_id={song_id}").status_code == 200


@pytest.mark.parametrize("route", ID_ROUTES)
def test_an_unknown_song_is_404(asked: FlaskClient, route: str) -> None:
    assert_problem(asked.get(route.format("nobody-knows")), 404, "unknown_song")


@pytest.mark.parametrize("method", ["precalculated", "tensorflow", "audio"])
def test_a_song_unknown_to_a_method_is_404(asked: FlaskClient, method: str) -> None:
    answer = asked.get(f"/predict?song_id=nobody-knows&method={method}")
    assert_problem(answer, 404, "unknown_song")


@pytest.mark.parametrize("path", ["/predict?song_id=x&method=", "/changeMethod?task=song&method="])
@pytest.mark.parametrize("method", ["ABC", "abc", "svm", "../x", "%00"])
def test_an_unknown_method_is_400_and_the_names_are_listed(
    asked: FlaskClient, path: str, method: str
) -> None:
    answer = asked.get(path + method)
    assert_problem(answer, 400, "unknown_method")
    assert all(name in answer.text for name in ("precalculated", "tensorflow", "audio"))


def test_speech_is_not_asked_for_by_get(asked: FlaskClient) -> None:
    assert_problem(asked.get("/predict?song_id=x&task=speech"), 400, "invalid_parameter")
    assert_problem(asked.get("/predict?song_id=x&task=smell"), 400, "invalid_parameter")
    assert_problem(asked.get("/predict?song_id=x&task=song"), 404, "unknown_song")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9", "x", "1_0", "%D9%A1", "%00"])
@pytest.mark.parametrize("name", ["smooth", "amplify", "min_duration"])
def test_a_number_that_makes_no_sense_is_refused(asked: FlaskClient, name: str, value: str) -> None:
    answer = asked.get(f"/predict?song_id=x&{name}={value}")
    assert_problem(answer, 400, "invalid_parameter")
    assert name in answer.text


@pytest.mark.parametrize("name", ["smooth", "amplify", "min_duration"])
def test_a_finished_sequence_takes_no_settings(asked: FlaskClient, name: str) -> None:
    answer = asked.get(f"/predict?song_id=x&method=precalculated&{name}=1")
    assert_problem(answer, 400, "invalid_parameter")
    assert "tensorflow or audio" in answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1"])
def test_a_page_that_makes_no_sense_is_refused(asked: FlaskClient, query: str) -> None:
    assert_problem(asked.get(f"/songs?{query}"), 400, "invalid_parameter")


@pytest.mark.parametrize(
    "query", ["after=..%2Fx", "prefix=..%2F", "prefix=%00", "after=%00", "prefix=" + "a" * 129]
)
def test_a_page_begins_with_what_may_be_an_id(asked: FlaskClient, query: str) -> None:
    assert_problem(asked.get(f"/songs?{query}"), 400, "invalid_song_id")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"sequence": 5}',
        b'{"sequence": [{"start_time": NaN, "emotion": "Calm"}]}',
        b'{"sequence": [{"start_time": 0}]}',
        b'{"sequence": [{"start_time": 5, "emotion": "a"}, {"start_time": 1, "emotion": "b"}]}',
        b"<html>the secret page</html>",
    ],
)
def test_stored_json_that_is_not_valid_is_never_passed_on(
    asked: FlaskClient, folder: Config, data: bytes
) -> None:
    for kind in ("playback", "curve"):
        SongLibrary(folder).write(kind, "x", data)
    for path in ("/predict?song_id=x", "/songs/x/curve"):
        answer = asked.get(path)
        assert_problem(answer, 502, "stored_playback_invalid")
        assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"frameTime,tempo\n0,1\n", "lack the column"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
@pytest.mark.parametrize("path", ["/predict?song_id=y&smooth=5", "/songs/y/curve", "/songs/y/tags"])
def test_features_that_the_models_do_not_know_are_422(
    asked: FlaskClient, folder: Config, path: str, data: bytes, named: str
) -> None:
    SongLibrary(folder).write("features", "y", data)
    answer = asked.get(path)
    assert_problem(answer, 422, "invalid_features")
    assert named in answer.text


def test_a_bad_song_is_refused_with_its_own_code_and_leaves_nothing(
    client: FlaskClient, upload: Upload, config: Config
) -> None:
    whole = music.as_mp3(music.music(3.0))
    bad = {
        "missing_input": (400, b""),
        "unsupported_media": (415, b"text named .mp3"),
        "unreadable_media": (422, b"OggS" + bytes(range(256)) * 20),
        "no_audio_track": (422, silent_video()),
        "too_short": (422, music.as_wav(music.music(1.9))),
        "silent_audio": (422, music.silence_wav(4.0)),
    }
    for code, (status, data) in bad.items():
        assert_problem(upload(data, "song.mp3", task="song"), status, code)
    for form in (
        {"method": "precalculated"},
        {"method": "svm"},
        {"detail": "windows"},
        {"smooth": "0"},
        {"task": "smell"},
    ):
        answer = upload(whole, "song.mp3", **{"task": "song", **form})
        assert answer.status_code == 400
    assert rows(client) == []
    assert not config.uploads_path.exists()


def test_each_task_keeps_its_own_limits(
    upload: Upload, serve: Callable[[Config], FlaskClient], config: Config
) -> None:
    second = music.as_wav(music.music(1.0))
    assert upload(second).status_code == 200
    assert_problem(upload(second, task="song"), 422, "too_short")
    client = serve(replace(config, max_song_duration_s=5.0, max_duration_s=2.0))
    for seconds, task in ((4, "song"), (6, "song"), (4, "speech")):
        data = {"file": (io.BytesIO(music.as_wav(music.music(seconds))), "a.wav"), "task": task}
        answer = client.post("/predict", data=data)
        if (seconds, task) == (4, "song"):
            assert answer.status_code == 200
        else:
            assert_problem(answer, 422, "too_long")


def test_a_recording_in_the_library_is_held_to_the_limits(
    client: FlaskClient, config: Config
) -> None:
    for name, data in {
        "too_short": music.as_wav(music.music(1.0)),
        "silent_audio": music.silence_wav(3.0),
        "unsupported_media": b"text",
    }.items():
        SongLibrary(config).write("song", name, data, ".wav")
        status = 415 if name == "unsupported_media" else 422
        assert_problem(client.get(f"/predict?song_id={name}&method=audio"), status, name)


def test_the_limit_of_an_upload_holds_for_songs(
    serve: Callable[[Config], FlaskClient], config: Config
) -> None:
    client = serve(replace(config, max_upload_mb=0.05))
    data = {"file": (io.BytesIO(bytes(60_000)), "a.wav"), "task": "song"}
    assert_problem(client.post("/predict", data=data), 413, "too_large")


@pytest.fixture
def bucket(config: Config, s3_server: str, credentials: None, tmp_path: Path) -> Config:
    """Return settings with a library in a bucket of its own."""
    name = f"songs-{abs(hash(tmp_path)) % 10**9}"
    client = boto3.client("s3", endpoint_url=s3_server, region_name="eu-central-1")
    location: Any = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket=name, CreateBucketConfiguration=location)
    return replace(
        config,
        s3_bucket_name=name,
        aws_endpoint_url=s3_server,
        aws_region="eu-central-1",
        s3_timeout_s=0.3,
        cache_check_s=0.0,
    )


def test_what_a_bucket_refuses_has_its_own_code(
    serve: Callable[[Config], FlaskClient], bucket: Config
) -> None:
    gone = serve(replace(bucket, aws_endpoint_url="http://127.0.0.1:9"))
    missing = serve(replace(bucket, s3_bucket_name="nobody-made-this"))
    with answering(refusing(403, "AccessDenied")) as url:
        refused = serve(replace(bucket, aws_endpoint_url=url))
        assert_problem(refused.get("/predict?song_id=x"), 502, "library_access_refused")
    for path in ("/predict?song_id=x", "/songs", "/songs/x/curve", "/songs/x/tags"):
        assert_problem(gone.get(path), 503, "library_unreachable")
        assert_problem(missing.get(path), 502, "library_bucket_missing")


def test_without_credentials_the_service_says_so(
    serve: Callable[[Config], FlaskClient],
    bucket: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    answer = serve(replace(bucket, s3_timeout_s=0.31)).get("/predict?song_id=x")
    assert_problem(answer, 503, "library_credentials_missing")
    assert json.loads(answer.text)["detail"]
