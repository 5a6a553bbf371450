"""`train_model.py library build`, with the real models in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import music
import pytest
from buckets import CREDENTIALS, s3_process
from click.testing import CliRunner, Result

from application.tasks.library_build import KINDS, build_library
from application.tasks.song_library import SongLibrary
from application.tasks.song_sources import Read, SongFile, iter_songs
from emosync.config import Config
from emosync.errors import ModelUnavailable
from emosync.playback import stored_curve, stored_sequence
from emosync.song_features import read_csv
from predictor import ModelPredictor
from train_model import cli

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two songs."""
    folder = tmp_path_factory.mktemp("songs")
    for seed, name in enumerate(("first.mp3", "second song.wav")):
        y = music.music(4.0, seed=seed)
        (folder / name).write_bytes(music.as_mp3(y) if name.endswith("mp3") else music.as_wav(y))
    return folder


@pytest.fixture(scope="module")
def built(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished library of them."""
    library = tmp_path_factory.mktemp("built") / "library"
    done = build(songs, library)
    assert done.exit_code == 0, done.output
    assert "2 made, 0 were there, 0 failed" in done.output
    return library


def build(location: Path | str, library: Path, *options: str, **environ: str) -> Result:
    settings = {"LIBRARY_PATH": str(library), "S3_BUCKET_NAME": "", **environ}
    arguments = ["library", "build", str(location), *options]
    return CliRunner().invoke(cli, arguments, env=settings, catch_exceptions=False)


def settings_of(library: Path) -> Config:
    return Config(library_path=library, models_path=ROOT / "models")


def files(library: Path) -> set[str]:
    paths = library.rglob("*") if library.exists() else ()
    return {path.relative_to(library).as_posix() for path in paths if path.is_file()}


def contents(library: Path) -> dict[str, bytes]:
    return {name: (library / name).read_bytes() for name in files(library)}


def test_every_song_gets_features_a_curve_and_a_sequence(built: Path) -> None:
    assert files(built) == {
        f"{folder}/{song_id}.{suffix}"
        for song_id in ("first", "second_song")
        for folder, suffix in (
            ("COMPLETED PLAYBACK STRINGS", "json"),
            ("FEATURES PREDICT", "csv"),
            ("CURVES", "json"),
        )
    }


def test_what_is_written_can_be_read(built: Path) -> None:
    library = SongLibrary(settings_of(built))
    names = ModelPredictor(ROOT / "models").song_feature_names
    for song_id in library.song_ids():
        features = read_csv(library.read("features", song_id), names)
        curve = stored_curve(library.read("curve", song_id))
        assert curve["time_s"] == features.time_s.tolist()
        sequence = stored_sequence(library.read("playback", song_id))
        assert sequence[-1] == {"start_time": curve["time_s"][-1], "emotion": "Completed"}


def test_what_is_there_is_kept(songs: Path, built: Path) -> None:
    before = contents(built)
    times = {name: (built / name).stat().st_mtime_ns for name in before}
    done = build(songs, built)
    assert done.exit_code == 0
    assert "0 made, 2 were there, 0 failed" in done.output
    assert {name: (built / name).stat().st_mtime_ns for name in files(built)} == times


def test_what_is_there_is_made_again_when_asked_for(songs: Path, built: Path) -> None:
    before = contents(built)
    times = {name: (built / name).stat().st_mtime_ns for name in before}
    assert "2 made" in build(songs, built, "--force").output
    assert all((built / name).stat().st_mtime_ns > times[name] for name in before)
    assert contents(built) == before


def test_only_what_is_missing_is_made(songs: Path, tmp_path: Path) -> None:
    library = SongLibrary(settings_of(tmp_path))
    by_hand = b'{"sequence": [{"start_time": 0, "emotion": "made by hand"}]}'
    library.write("playback", "first", by_hand)
    assert "2 made" in build(songs, tmp_path).output
    assert library.read("playback", "first") == by_hand
    assert library.read("features", "first")


def test_a_recording_that_changed_is_heard_again(songs: Path, tmp_path: Path) -> None:
    folder, library = tmp_path / "songs", tmp_path / "library"
    folder.mkdir()
    (folder / "a.wav").write_bytes(music.as_wav(music.music(3.0)))
    (folder / "b.wav").write_bytes(music.as_wav(music.music(3.0, seed=8)))
    build(folder, library)
    before = contents(library)
    (folder / "a.wav").write_bytes(music.as_wav(music.music(5.0)))
    assert "1 made, 1 were there" in build(folder, library).output
    after = contents(library)
    assert {name for name in after if after[name] != before[name]} == {
        name for name in after if name.partition("/")[2].startswith("a.")
    }


def test_a_bad_file_never_stops_the_rest(songs: Path, tmp_path: Path) -> None:
    folder, library = tmp_path / "songs", tmp_path / "library"
    folder.mkdir()
    bad = {
        "text": b"no music at all",
        "empty": b"",
        "cut": music.as_wav(music.music(4.0))[:60_000],
        "short": music.as_wav(music.music(1.0)),
        "silent": music.silence_wav(3.0),
    }
    for name, data in bad.items():
        (folder / f"{name}.wav").write_bytes(data)
    (folder / "good.mp3").write_bytes((songs / "first.mp3").read_bytes())
    (folder / "good.wav").write_bytes((songs / "second song.wav").read_bytes())
    (folder / "notes.txt").write_text("no song")
    for made, there in ((1, 0), (0, 1)):
        done = build(folder, library)
        assert done.exit_code == 1
        assert f"{made} made, {there} were there, 6 failed" in done.output
        for name in (*bad, "good"):
            assert f"  {name}: " in done.output
    assert {Path(name).stem for name in files(library)} == {"good"}


@dataclass(frozen=True)
class Deadly:
    """A recording that kills the process which reads it."""

    def __call__(self) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""


@dataclass(frozen=True)
class Surprising:
    """A recording whose reading fails as nobody foresaw."""

    def __call__(self) -> bytes:
        raise ZeroDivisionError("what nobody foresaw")


def test_a_process_that_dies_costs_one_song(songs: Path, tmp_path: Path) -> None:
    good = SongFile(songs / "first.mp3")
    listed: list[tuple[str, Read]] = [
        ("a", good),
        ("b", Deadly()),
        ("c", good),
        ("d", Surprising()),
        ("e", good),
    ]
    outcomes = list(build_library(listed, settings_of(tmp_path)))
    problems = {outcome.song_id: outcome.problem for outcome in outcomes}
    assert len(outcomes) == 5
    assert problems["b"] == "The process that listened to it died."
    assert problems["d"] == "ZeroDivisionError: what nobody foresaw"
    assert SongLibrary(settings_of(tmp_path)).song_ids() == ["a", "c", "e"]
    assert [problems[song_id] for song_id in ("a", "c", "e")] == [None] * 3


def test_without_models_nothing_is_tried(songs: Path, tmp_path: Path) -> None:
    config = replace(settings_of(tmp_path / "library"), models_path=tmp_path)
    with pytest.raises(ModelUnavailable):
        list(build_library(iter_songs(str(songs), config), config))
    done = CliRunner().invoke(cli, ["library", "build", str(songs), "--models", str(tmp_path)])
    assert done.exit_code == 1
    assert "Error: " in done.output


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = build(tmp_path / "none", tmp_path / "library")
    assert done.exit_code == 1
    assert "no such folder" in done.output


def test_an_empty_folder_makes_an_empty_library(tmp_path: Path) -> None:
    done = build(tmp_path, tmp_path / "library")
    assert done.exit_code == 0
    assert "0 made, 0 were there, 0 failed" in done.output


def test_more_processes_give_the_same(songs: Path, built: Path, tmp_path: Path) -> None:
    assert build(songs, tmp_path, "--workers", "3").exit_code == 0
    assert contents(tmp_path) == contents(built)


@contextmanager
def building(folder: Path, library: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Build a library of thirty songs in a process of its own, until a few are done."""
    folder.mkdir()
    song = music.as_mp3(music.music(20.0))
    for number in range(30):
        (folder / f"song-{number:02d}.mp3").write_bytes(song)
    command = [sys.executable, "train_model.py", "library", "build", str(folder)]
    environ = {**os.environ, "LIBRARY_PATH": str(library)}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)
    try:
        wait_for_files(library, 6)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_an_interrupt_leaves_nothing_half_made_and_the_next_run_goes_on(tmp_path: Path) -> None:
    folder, library = tmp_path / "songs", tmp_path / "library"
    with building(folder, library) as process:
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does, to all processes
        assert process.wait(60) == 1
    n_finished = check_whole(library)
    assert 0 < n_finished < 30
    done = build(folder, library)
    assert f"{30 - n_finished} made, {n_finished} were there, 0 failed" in done.output
    assert check_whole(library) == 30


def test_an_impatient_interrupt_ends_all_processes(tmp_path: Path) -> None:
    with building(tmp_path / "songs", tmp_path / "library") as process:
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.01)
        # A third signal may come when Python is already on its way out.
        assert process.wait(30) in (1, -signal.SIGINT)
        deadline_s = time.monotonic() + 10
        while True:
            try:
                os.killpg(process.pid, 0)  # asks whether anyone is left in the group
            except ProcessLookupError:
                break
            assert time.monotonic() < deadline_s
            time.sleep(0.05)


def wait_for_files(library: Path, n_files: int) -> None:
    deadline_s = time.monotonic() + 60
    while len(files(library)) < n_files:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def check_whole(library: Path) -> int:
    """Hold every file to its form; return the number of finished songs."""
    assert all(name.endswith((".json", ".csv")) for name in files(library))
    kept = SongLibrary(settings_of(library))
    ids = [kept.ids_of(kind) for kind in KINDS]
    assert ids[0] == ids[1] == ids[2]
    for song_id in ids[0]:
        stored_curve(kept.read("curve", song_id))
        assert stored_sequence(kept.read("playback", song_id))
    return len(ids[0])


@pytest.fixture(scope="module")
def buckets(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """Run a server with a bucket of songs and one for the library; gives a client and the URL."""
    with s3_process(tmp_path_factory.mktemp("moto") / "log") as url:
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        for name in ("recordings", "the-library"):
            client.create_bucket(Bucket=name)
        for path in sorted(songs.iterdir()):
            client.put_object(Bucket="recordings", Key=f"new/{path.name}", Body=path.read_bytes())
        yield client, url


def test_a_library_in_a_bucket_is_built_from_a_bucket(
    buckets: tuple[Any, str], built: Path, tmp_path: Path
) -> None:
    client, url = buckets
    settings = {
        "S3_BUCKET_NAME": "the-library",
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "DATA_PATH": str(tmp_path),
        **CREDENTIALS,
    }
    for report in ("2 made, 0 were there", "0 made, 2 were there"):
        done = build("s3://recordings/new", tmp_path, **settings)
        assert done.exit_code == 0, done.output
        assert report in done.output
    kept = client.list_objects_v2(Bucket="the-library")["Contents"]
    in_bucket = {
        one["Key"]: client.get_object(Bucket="the-library", Key=one["Key"])["Body"].read()
        for one in kept
    }
    assert in_bucket == contents(built)


def test_a_bucket_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    settings = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "S3_TIMEOUT_S": "0.2", **CREDENTIALS}
    done = build("s3://recordings/new", tmp_path, AWS_REGION="us-east-1", **settings)
    assert done.exit_code == 1
    assert "Error: " in done.output
