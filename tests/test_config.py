import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from emosync.config import Config, read_config
from emosync.labels import MOOD_OF_EMOTION

ROOT = Path(__file__).parent.parent


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_config({}) == Config()


def test_an_empty_value_counts_as_absent() -> None:
    assert read_config({"MAX_UPLOAD_MB": " "}) == Config()


def test_values_are_converted() -> None:
    config = read_config(
        {
            "MAX_UPLOAD_MB": "2.5",
            "MAX_JSON_MB": "1",
            "MODEL_THREADS": "3",
            "DATA_PATH": "/somewhere",
            "CORS_ORIGINS": "https://a.example/, https://b.example",
            "UNRELATED": "x",
        }
    )
    assert config.max_upload_bytes == 2_500_000
    assert config.max_json_bytes == 1_000_000
    assert config.model_threads == 3
    assert config.uploads_path == Path("/somewhere/uploads")
    assert config.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MAX_UPLOAD_MB", "many"),
        ("MAX_JSON_MB", "0"),
        ("MAX_DURATION_S", "inf"),
        ("MAX_DURATION_S", "nan"),
        ("MODEL_THREADS", "1.5"),
        ("MODEL_THREADS", "0"),
        ("MODEL_RUNTIME", "torch"),
        ("S3_BUCKET_NAME", "s3://songs"),
        ("AWS_ENDPOINT_URL", "minio:9000"),
        ("S3_TIMEOUT_S", "0"),
        ("CACHE_MB", "-1"),
        ("CACHE_CHECK_S", "-1"),
        ("CACHE_CHECK_S", "nan"),
        ("SONGS_PREFIX", "../SONGS/"),
        ("SONGS_PREFIX", "/SONGS/"),
        ("SONGS_PREFIX", "A//B"),
        ("SONGS_PREFIX", "/"),
        ("YOUTUBE_ENABLED", "yes"),
        ("YOUTUBE_PROXY", "proxy.example:3128"),
        ("YOUTUBE_PROXY", "file:///etc/passwd"),
        ("YOUTUBE_COOKIES_FILE", "/no/such/cookies.txt"),
        ("YOUTUBE_TIMEOUT_S", "0"),
        ("MAX_VIDEO_DURATION_S", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{name}='{text}'"):
        read_config({name: text})


def test_the_database_is_a_file_under_the_data_path_by_default() -> None:
    url = read_config({"DATA_PATH": "/somewhere"}).sql_url
    assert url == "sqlite:////somewhere/emosync.sqlite3"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_url_of_a_postgres_add_on_names_the_driver(scheme: str) -> None:
    config = read_config({"DATABASE_URL": f"{scheme}://user:secret@host/name"})
    assert config.sql_url == "postgresql+psycopg://user:secret@host/name"


def test_a_folder_of_the_library_ends_with_one_slash() -> None:
    assert read_config({"SONGS_PREFIX": "MY SONGS"}).songs_prefix == "MY SONGS/"
    assert read_config({"SONGS_PREFIX": "a/b/"}).songs_prefix == "a/b/"


def test_two_kinds_of_object_cannot_share_a_folder() -> None:
    with pytest.raises(ValueError, match="must differ"):
        read_config({"CURVES_PREFIX": "COMPLETED PLAYBACK STRINGS"})


def test_a_copy_from_the_bucket_may_be_checked_every_time() -> None:
    config = read_config({"CACHE_CHECK_S": "0", "CACHE_MB": "0.5", "DATA_PATH": "/somewhere"})
    assert config.cache_check_s == 0
    assert config.cache_bytes == 500_000
    assert config.cache_path == Path("/somewhere/cache")


def test_the_example_file_lists_every_variable_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    lines = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    for variable in fields(Config):
        assert variable.name.upper() in lines
        assert variable.metadata["meaning"]
    assert read_config(lines) == Config()


def test_videos_can_be_switched_off_and_go_through_a_proxy(tmp_path: Path) -> None:
    (tmp_path / "cookies.txt").touch()
    config = read_config(
        {
            "YOUTUBE_ENABLED": "0",
            "YOUTUBE_PROXY": "socks5://localhost:1080",
            "YOUTUBE_COOKIES_FILE": str(tmp_path / "cookies.txt"),
        }
    )
    assert config.youtube_enabled is False
    assert config.youtube_proxy == "socks5://localhost:1080"
    assert config.youtube_cookies_file == str(tmp_path / "cookies.txt")


def test_moods_that_are_not_named_stay_as_they_are() -> None:
    moods = read_config({"MOOD_OF_EMOTION": "sad=Calm, angry=Sad"}).moods
    assert (moods["sad"], moods["angry"], moods["happy"]) == ("Calm", "Sad", "Happy")
    assert Config().moods == MOOD_OF_EMOTION
    assert hash(Config()) == hash(Config())


@pytest.mark.parametrize("text", ["bored=Calm", "sad=Blue", "sad", "sad=", "sad=Calm,"])
def test_a_mood_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"MOOD_OF_EMOTION.* must be one of"):
        read_config({"MOOD_OF_EMOTION": text})


def test_the_secret_of_spotify_is_in_no_repr() -> None:
    assert "hush" not in repr(read_config({"SPOTIFY_CLIENT_SECRET": "hush"}))


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "flask", "db", "upgrade"],
        [sys.executable, "-m", "gunicorn", "--check-config"],
    ],
    ids=["flask", "gunicorn"],
)
def test_a_process_that_cannot_start_says_so_in_a_sentence(
    tmp_path: Path, command: list[str]
) -> None:
    environ = {**os.environ, "DATA_PATH": str(tmp_path), "MAX_DURATION_S": "abc"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: MAX_DURATION_S='abc' cannot be used: ")
    assert len(done.stderr.splitlines()) == 1
