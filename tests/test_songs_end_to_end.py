"""Songs over a real gunicorn with two workers, and a real server that speaks S3."""

import io
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import music
import pypdf
import pytest
from answers import assert_problem, predicted
from buckets import CREDENTIALS, s3_process
from click.testing import CliRunner
from service import Service, serving

from train_model import cli

ROOT = Path(__file__).parent.parent
SONGS = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music" / "songs"
METHODS = ["precalculated", "tensorflow", "audio"]
BUCKET = "emosync-songs"
IDS = ["one", "three", "two"]


@dataclass(frozen=True)
class Library:
    """A running service, and where its library is."""

    service: Service

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Ask over a connection of its own, so that any worker may answer."""
        with self.service.client() as client:
            return client.get(path, params=query or None)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three songs, and a file that is none."""
    folder = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(IDS):
        (folder / f"{name}.mp3").write_bytes(music.as_mp3(music.music(9.0, seed=seed)))
    (folder / "broken.mp3").write_bytes(b"no music")
    return folder


def built(recordings: Path, environ: dict[str, str]) -> None:
    """Build the library and put the recordings beside."""
    done = CliRunner().invoke(cli, ["library", "build", str(recordings)], env=environ)
    assert done.exit_code == 1, done.output
    assert "3 made, 0 were there, 1 failed" in done.output
    assert "broken: The file is no audio" in done.output


@pytest.fixture(scope="module")
def in_a_folder(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    path = tmp_path_factory.mktemp("folder")
    environ = {"LIBRARY_PATH": str(path / "library"), "S3_BUCKET_NAME": ""}
    built(recordings, environ)
    (path / "library" / "SONGS").mkdir()
    for name in IDS:
        song = (recordings / f"{name}.mp3").read_bytes()
        (path / "library" / "SONGS" / f"{name}.mp3").write_bytes(song)
    with serving(path, **environ) as service:
        yield Library(service)


@pytest.fixture(scope="module")
def in_a_bucket(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    path = tmp_path_factory.mktemp("bucket")
    with s3_process(path / "moto.log") as url:
        client = made_bucket(url)
        built(recordings, bucket_settings(url))
        for name in IDS:
            song = (recordings / f"{name}.mp3").read_bytes()
            client.put_object(Bucket=BUCKET, Key=f"SONGS/{name}.mp3", Body=song)
        with serving(path, **bucket_settings(url)) as service:
            yield Library(service)


def bucket_settings(url: str) -> dict[str, str]:
    return {
        "S3_BUCKET_NAME": BUCKET,
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "S3_TIMEOUT_S": "0.5",
        "CACHE_CHECK_S": "0",
        **CREDENTIALS,
    }


def made_bucket(url: str) -> Any:
    """Make the bucket; returns a client for it."""
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(params=["in_a_folder", "in_a_bucket"])
def library(request: pytest.FixtureRequest) -> Library:
    found: Library = request.getfixturevalue(request.param)
    return found


def sequence_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    sequence: list[dict[str, Any]] = answer.json()["sequence"]
    assert sequence[-1]["emotion"] == "Completed"
    return sequence


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("song_id", IDS)
def test_every_song_is_told_by_every_method(library: Library, song_id: str, method: str) -> None:
    answer = library.get("/predict", song_id=song_id, method=method)
    sequence = sequence_of(answer)
    assert list(answer.json()) == ["song_id", "sequence", "method"]
    assert answer.json()["method"] == method
    assert sequence[-1]["start_time"] == pytest.approx(9, abs=0.5)


def test_what_was_built_is_what_the_features_give(library: Library) -> None:
    for song_id in IDS:
        ways = [library.get("/predict", song_id=song_id, method=m) for m in METHODS[:2]]
        assert sequence_of(ways[0]) == sequence_of(ways[1])


def test_songs_curves_and_tags_are_told(library: Library) -> None:
    assert library.get("/songs").json() == {"songs": IDS, "next": None}
    page = library.get("/songs", limit=1, prefix="t").json()
    assert page["songs"] == ["three"]
    assert library.get(page["next"]).json()["songs"] == ["two"]
    curve = library.get("/songs/two/curve").json()
    assert len(curve["time_s"]) == len(curve["valence"]) == len(curve["arousal"])
    assert curve["time_s"][-1] == pytest.approx(9, abs=0.5)
    assert curve["interval_s"] == 0.5
    assert len(library.get("/songs/two/tags").json()["tags"]) == 10


def test_bad_requests_have_their_own_codes(library: Library) -> None:
    assert_problem(library.get("/predict"), 400, "missing_input")
    assert_problem(library.get("/predict", song_id="../one"), 400, "invalid_song_id")
    assert_problem(library.get("/songs/..%2Fone/curve"), 400, "invalid_song_id")
    assert_problem(library.get("/predict", song_id="one\x00"), 400, "invalid_song_id")
    assert_problem(library.get("/predict", song_id="four"), 404, "unknown_song")
    assert_problem(library.get("/predict", song_id="one", method="ABC"), 400, "unknown_method")
    assert_problem(library.get("/predict", song_id="one", smooth="-1"), 400, "invalid_parameter")


def test_a_changed_method_holds_for_both_workers_and_leaves_speech_alone(
    in_a_folder: Library, voice: bytes
) -> None:
    service = in_a_folder.service
    first, second = service.server.workers()
    for method in ("audio", "tensorflow", "precalculated"):
        with service.only(first) as client:
            assert client.post(f"/changeMethod?method={method}").json()["method"] == method
        for pid in (first, second):
            with service.only(pid) as client:
                answer = client.get("/predict?song_id=one")
                assert answer.json()["method"] == method
    assert predicted(service.send(voice))["method"] == "whisper"


def test_an_uploaded_song_is_told_kept_drawn_and_reported(in_a_folder: Library) -> None:
    service = in_a_folder.service
    data = music.as_mp3(music.music(15.0))
    answer = service.send(data, "a song.mp3", task="song")
    sequence, found = sequence_of(answer), answer.json()
    assert found["audio_file"] in service.uploads
    assert service.history()[0]["task"] == "song"
    with service.client() as client:
        assert client.get(found["visualization"]).content.startswith(b"\x89PNG")
        pdf = client.get(found["report"])
    pages = pypdf.PdfReader(io.BytesIO(pdf.content)).pages
    text = " ".join(page.extract_text() for page in pages).partition("Playback sequence")[2]
    assert all(row["emotion"] in text for row in sequence[:-1])


@pytest.mark.skipif(not SONGS.is_dir(), reason="the folder of real recordings is not there")
@pytest.mark.parametrize(
    "name", ["sample.m4a", "rave_digger.webm", "outfoxing.mp3", "viper.ogg", "sound1.webm"]
)
def test_recordings_of_others_become_sequences(in_a_folder: Library, name: str) -> None:
    answer = in_a_folder.service.send((SONGS / name).read_bytes(), name, task="song")
    sequence_of(answer)
    assert len(answer.json()["tags"]) == 10


def test_a_worker_that_is_asked_by_many_answers_all_the_same(library: Library) -> None:
    def ask(number: int) -> list[dict[str, Any]]:
        method = METHODS[number % 3]
        return sequence_of(library.get("/predict", song_id="one", method=method))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(24)))
    for method in range(3):
        assert all(answer == answers[method] for answer in answers[method::3])


def test_a_song_over_the_limit_of_its_own_is_refused(tmp_path: Path) -> None:
    environ = {"MAX_SONG_DURATION_S": "5", "LIBRARY_PATH": str(tmp_path / "library")}
    with serving(tmp_path, **environ) as service:
        long = music.as_mp3(music.music(8.0))
        assert_problem(service.send(long, task="song"), 422, "too_long")
        assert_problem(service.send(music.silence_wav(4.0), task="song"), 422, "silent_audio")
        assert_problem(service.send(music.as_wav(music.music(1.0)), task="song"), 422, "too_short")
        assert service.history() == []
        assert service.uploads == set()


def test_without_its_bucket_the_service_answers_from_its_copies(
    tmp_path: Path, recordings: Path
) -> None:
    sequence = {"sequence": [{"start_time": 0, "emotion": "Calm"}]}
    with ExitStack() as stack:
        with s3_process(tmp_path / "moto.log") as url:
            client = made_bucket(url)
            for name in ("kept", "never-asked"):
                key = f"COMPLETED PLAYBACK STRINGS/{name}.json"
                client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(sequence).encode())
            service = stack.enter_context(serving(tmp_path, **bucket_settings(url)))
            library = Library(service)
            fresh = library.get("/predict", song_id="kept").json()
        begun_s = time.monotonic()
        assert library.get("/predict", song_id="kept").json() == fresh
        answer = library.get("/predict", song_id="never-asked")
        assert_problem(answer, 503, "library_unreachable")
        assert time.monotonic() - begun_s < 20


def test_a_bucket_that_refuses_is_502_and_the_log_says_why(tmp_path: Path) -> None:
    with s3_process(tmp_path / "moto.log") as url:
        settings = bucket_settings(url) | {"S3_BUCKET_NAME": "nobody-made-this"}
        with serving(tmp_path, **settings) as service:
            library = Library(service)
            assert_problem(library.get("/predict", song_id="x"), 502, "library_bucket_missing")
            assert_problem(library.get("/songs"), 502, "library_bucket_missing")
            assert "NoSuchBucket" in service.log


def test_a_service_without_songs_starts(tmp_path: Path) -> None:
    with serving(tmp_path, LIBRARY_PATH=str(tmp_path / "none")) as s:
        assert Library(s).get("/songs").json() == {"songs": [], "next": None}
