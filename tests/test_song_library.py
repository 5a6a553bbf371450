import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, get_args

import pytest
from buckets import CREDENTIALS, NO_CREDENTIALS, SECRET, Respond, answering, refusing
from hypothesis import given
from hypothesis import strategies as st

from application.tasks.song_library import Kind, SongLibrary, check_song_id, is_audio
from emosync.config import Config
from emosync.errors import (
    EmoSyncError,
    InvalidSongId,
    LibraryAccessRefused,
    LibraryBucketMissing,
    LibraryCredentialsMissing,
    LibraryTimeout,
    LibraryUnreachable,
    ParameterError,
    UnknownSong,
)
from s3utils import process_client

ROOT = Path(__file__).parent.parent
KINDS: tuple[Kind, ...] = get_args(Kind)
KEYS = {
    "playback": "COMPLETED PLAYBACK STRINGS/a.json",
    "features": "FEATURES PREDICT/a.csv",
    "curve": "CURVES/a.json",
    "song": "SONGS/a.mp3",
}
INVALID_IDS = [
    "", ".", "..", "../a", "a/b", "a\\b", "/a", "a\0", "\0", "a\n", "a\r\n", " a", "a b", "a%2e",
    "%2e%2e", "%00", "é", "\u0661", "\uff41", "a:b", "a*", "a?", "~", "x" * 129,
]  # fmt: skip
LARGE = bytes(range(256)) * 20_000  # 5 MB

MakeLibrary = Callable[..., SongLibrary]


@pytest.fixture
def in_bucket(config: Config, s3_server: str, credentials: None) -> Config:
    """Return settings that name a new bucket."""
    name = f"songs-{secrets.token_hex(4)}"
    config = replace(config, aws_endpoint_url=s3_server, s3_bucket_name=name, cache_check_s=0)
    process_client(config).create_bucket(Bucket=name)
    return config


@pytest.fixture(params=["folder", "bucket"])
def where(request: pytest.FixtureRequest) -> Config:
    """Return the settings of either kind of library."""
    name = "config" if request.param == "folder" else "in_bucket"
    config: Config = request.getfixturevalue(name)
    return config


def put(config: Config, key: str, data: bytes = b"{}") -> None:
    """Put an object where the library has not heard of it."""
    if config.s3_bucket_name:
        process_client(config).put_object(Bucket=config.s3_bucket_name, Key=key, Body=data)
    else:
        (config.library_path / key).parent.mkdir(parents=True, exist_ok=True)
        (config.library_path / key).write_bytes(data)


def copies(config: Config) -> list[Path]:
    return sorted(config.cache_path.iterdir()) if config.cache_path.exists() else []


@pytest.mark.parametrize("song_id", INVALID_IDS)
def test_an_id_that_cannot_be_part_of_a_key_is_refused(song_id: str) -> None:
    with pytest.raises(InvalidSongId) as caught:
        check_song_id(song_id)
    assert caught.value.status == 400


@pytest.mark.parametrize("song_id", ["a", "...", ".a", "A-z_0.9", "-", "x" * 128])
def test_an_id_of_letters_digits_and_marks_is_taken(song_id: str) -> None:
    assert check_song_id(song_id) == song_id


@given(st.text(max_size=130))
def test_an_id_that_is_taken_names_one_file_in_one_folder(text: str) -> None:
    try:
        check_song_id(text)
    except InvalidSongId:
        return
    assert text.isascii()
    assert os.path.normpath(f"SONGS/{text}") == f"SONGS/{text}"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_asked_for_a_song_whose_id_cannot_be(config: Config, kind: Kind) -> None:
    library = SongLibrary(
        replace(config, s3_bucket_name="songs", aws_endpoint_url="http://[::1]:1")
    )
    for song_id in INVALID_IDS:
        with pytest.raises(InvalidSongId):
            library.read(kind, song_id)
        with pytest.raises(InvalidSongId):
            library.write(kind, song_id, b"", ".mp3")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_under_its_key(where: Config, kind: Kind) -> None:
    library = SongLibrary(where)
    for data in (b"old", b"new"):
        library.write(kind, "a", data, ".mp3")
        assert library.read(kind, "a") == data
    assert library.ids_of(kind) == {"a"}
    put(where, KEYS[kind].replace("a.", "b."), b"by hand")
    assert library.read(kind, "b") == b"by hand"


@pytest.mark.parametrize("kind", KINDS)
def test_a_song_that_is_not_there_is_unknown(where: Config, kind: Kind) -> None:
    put(where, KEYS[kind].replace("a.", "a.b."))
    put(where, KEYS[kind].replace("a.", "aa."))
    with pytest.raises(UnknownSong) as caught:
        SongLibrary(where).read(kind, "a")
    assert "'a'" in caught.value.message


def test_a_recording_may_have_any_suffix_and_an_id_with_dots(where: Config) -> None:
    library = SongLibrary(where)
    for key in ("a.v1.flac", "a.jpg", "a.OGG", "b.unknown"):
        put(where, f"SONGS/{key}", key.encode())
    read = [library.read("song", song_id) for song_id in ("a.v1", "a", "b")]
    assert read == [b"a.v1.flac", b"a.OGG", b"b.unknown"]


@pytest.mark.parametrize("suffix", [None, "", "mp3", ".", "./../a", ".mp3\n", ".m p"])
def test_a_recording_needs_a_suffix(config: Config, suffix: str | None) -> None:
    with pytest.raises(ParameterError):
        SongLibrary(config).write("song", "a", b"", suffix)


def test_hidden_files_are_no_recordings() -> None:
    assert is_audio("SONGS/a.Mp3")
    assert not is_audio("SONGS/._a.mp3")
    assert not is_audio("SONGS/mp3")


def test_the_folders_of_the_library_can_be_changed(where: Config) -> None:
    where = replace(where, playback_prefix="my/playback strings/")
    SongLibrary(where).write("playback", "a", b"1")
    put(where, "my/playback strings/b.json", b"2")
    assert SongLibrary(where).song_ids() == ["a", "b"]
    assert SongLibrary(where).read("playback", "b") == b"2"


def test_the_songs_are_those_of_which_anything_is_kept(where: Config) -> None:
    others = ["CURVES/c.csv", "CURVES/d.txt", "CURVES/..json", "SONGS/no id.mp3", "SONGS/sub/e.mp3"]
    for key in (*KEYS.values(), "SONGS/b.mp3", "CURVES/c.json", *others, "elsewhere/f.json"):
        put(where, key)
    assert SongLibrary(where).song_ids() == ["a", "b", "c"]


def test_an_empty_library_has_no_songs(where: Config) -> None:
    assert SongLibrary(where).song_ids() == []


def test_songs_come_in_pages(where: Config) -> None:
    ids = ["A", "a", "a-1", "a-2", "a.b", "aa", "b"]
    for song_id in ids:
        put(where, f"SONGS/{song_id}.mp3")
    library = SongLibrary(where)
    found: list[str] = []
    while page := library.song_ids(after=found[-1] if found else None, limit=3):
        assert len(page) <= 3
        found += page
    assert found == sorted(ids)
    assert library.song_ids(prefix="a-") == ["a-1", "a-2"]
    assert library.song_ids(prefix="a", after="a-2") == ["a.b", "aa"]
    assert library.song_ids(prefix="a", after="A", limit=1) == ["a"]
    assert library.song_ids(prefix="\0/../é") == []


def test_more_songs_than_a_page_of_the_bucket_are_listed_once(
    in_bucket: Config, crowded_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"song-{number:04}" for number in range(1_203)]
    library = SongLibrary(replace(in_bucket, s3_bucket_name=crowded_bucket))
    assert library.song_ids(limit=5_000) == ids
    monkeypatch.setattr("application.tasks.song_bucket.process_client", None)
    assert library.song_ids(prefix="song-1", after="song-1050", limit=2) == ids[1051:1053]
    assert library.song_ids(after=ids[-1]) == []


def test_a_song_that_was_written_is_listed_at_once(where: Config) -> None:
    library = SongLibrary(where)
    assert library.song_ids() == []
    library.write("curve", "a", b"{}")
    assert library.song_ids() == ["a"]


def test_an_object_that_changed_in_the_bucket_is_read_anew(in_bucket: Config) -> None:
    library = SongLibrary(in_bucket)
    put(in_bucket, KEYS["playback"], b"old")
    assert library.read("playback", "a") == b"old"
    put(in_bucket, KEYS["playback"], b"new")
    patient = SongLibrary(replace(in_bucket, cache_check_s=60))
    assert patient.read("playback", "a") == b"old"
    assert library.read("playback", "a") == b"new"
    assert len(copies(in_bucket)) == 1


def test_an_object_that_left_the_bucket_is_unknown(in_bucket: Config) -> None:
    library = SongLibrary(in_bucket)
    library.write("playback", "a", b"{}")
    library.read("playback", "a")
    process_client(in_bucket).delete_object(Bucket=in_bucket.s3_bucket_name, Key=KEYS["playback"])
    with pytest.raises(UnknownSong):
        library.read("playback", "a")
    assert not copies(in_bucket)


def test_the_copies_stay_within_their_limit(in_bucket: Config) -> None:
    library = SongLibrary(replace(in_bucket, cache_mb=0.1))
    for number in range(30):
        library.write("features", str(number), bytes(10_000))
        assert library.read("features", str(number)) == bytes(10_000)
    assert 0 < sum(copy.stat().st_size for copy in copies(in_bucket)) <= 100_000


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(0.5)
    request.close_connection = True


FAILURES: dict[str, tuple[Respond | None, dict[str, Any], type[EmoSyncError]]] = {
    "down": (None, {}, LibraryUnreachable),
    "silent": (silent, {"s3_timeout_s": 0.1}, LibraryTimeout),
    "refused": (refusing(403, "AccessDenied"), {}, LibraryAccessRefused),
    "unknown key": (refusing(403, "InvalidAccessKeyId"), {}, LibraryAccessRefused),
    "wrong secret": (refusing(403, "SignatureDoesNotMatch"), {}, LibraryAccessRefused),
    "no bucket": (refusing(404, "NoSuchBucket"), {}, LibraryBucketMissing),
    "broken": (refusing(500, "InternalError"), {}, LibraryUnreachable),
}


@pytest.mark.parametrize("name", FAILURES)
def test_while_the_bucket_fails_playback_comes_from_the_copy_and_nothing_else_does(
    in_bucket: Config,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    respond, settings, error = FAILURES[name]
    library = SongLibrary(in_bucket)
    library.write("playback", "a", b"kept")
    library.write("features", "a", b"kept")
    assert library.read("playback", "a") == library.read("features", "a") == b"kept"
    monkeypatch.setattr("s3utils.ATTEMPTS", 1)
    broken = replace(in_bucket, **settings)
    with answering(respond) if respond else nobody_answering() as url:
        monkeypatch.setattr(
            "application.tasks.song_bucket.process_client",
            lambda config: client_of(config, url),
        )
        assert_playback_alone_is_read(SongLibrary(broken), error)
    assert "an older copy stands in" in caplog.text
    assert SECRET not in caplog.text


@contextmanager
def nobody_answering() -> Iterator[str]:
    with answering(silent) as url:
        pass
    yield url


def client_of(config: Config, url: str) -> Any:
    """Return a client of a server that has taken the place of the bucket's."""
    return process_client(replace(config, aws_endpoint_url=url))


def assert_playback_alone_is_read(library: SongLibrary, error: type[EmoSyncError]) -> None:
    assert library.read("playback", "a") == b"kept"
    for ask in (
        lambda: library.read("features", "a"),
        lambda: library.read("playback", "never-read"),
        lambda: library.read("song", "a"),
        lambda: library.write("curve", "a", b"{}"),
        library.song_ids,
    ):
        with pytest.raises(error):
            ask()


def test_without_credentials_playback_comes_from_the_copy(
    in_bucket: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    SongLibrary(in_bucket).write("playback", "a", b"kept")
    SongLibrary(in_bucket).read("playback", "a")
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    # Other settings, so that this process makes a client that finds no credentials.
    library = SongLibrary(replace(in_bucket, cache_mb=2))
    assert_playback_alone_is_read(library, LibraryCredentialsMissing)


READ = """
import os, sys
from emosync.config import read_config
from application.tasks.song_library import SongLibrary
sys.stdout.buffer.write(SongLibrary(read_config(os.environ)).read("features", "a"))
"""


def start_reading(config: Config, url: str) -> subprocess.Popen[bytes]:
    """Read the features of the song "a" in another process, from a server at this URL."""
    settings = {
        "DATA_PATH": str(config.data_path),
        "S3_BUCKET_NAME": "songs",
        "AWS_ENDPOINT_URL": url,
    }
    environ = {**os.environ, **CREDENTIALS, **NO_CREDENTIALS, **settings}
    return subprocess.Popen(
        [sys.executable, "-c", READ], cwd=ROOT, env=environ, stdout=subprocess.PIPE
    )


def send(request: BaseHTTPRequestHandler, meanwhile: Callable[[], object]) -> None:
    """Send half of the object, do something, send the other half."""
    request.send_response(200)
    request.send_header("ETag", '"1"')
    request.send_header("Content-Length", str(len(LARGE)))
    request.end_headers()
    request.wfile.write(LARGE[: len(LARGE) // 2])
    meanwhile()
    request.wfile.write(LARGE[len(LARGE) // 2 :])


def test_a_process_that_dies_in_a_download_leaves_nothing_to_the_next(config: Config) -> None:
    asked: list[str] = []
    is_dead = threading.Event()

    def respond(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        try:
            send(request, lambda: is_dead.wait(30) if len(asked) == 1 else None)
        except OSError:  # the reader is gone
            request.close_connection = True

    with answering(respond) as url:
        with start_reading(config, url) as child:
            while not asked and child.poll() is None:
                time.sleep(0.01)
            time.sleep(0.2)  # half of it arrives
            child.kill()
        is_dead.set()
        assert child.returncode < 0
        assert not copies(config)
        with start_reading(config, url) as child:
            data, _ = child.communicate(timeout=60)
    assert data == LARGE
    assert len(copies(config)) == 1


def test_two_processes_that_fetch_the_same_object_both_get_all_of_it(config: Config) -> None:
    both = threading.Barrier(2)
    with answering(lambda request: send(request, lambda: both.wait(30))) as url:
        children = [start_reading(config, url) for _ in range(2)]
        read = [child.communicate(timeout=60)[0] for child in children]
    assert [sha256(data).hexdigest() for data in read] == [sha256(LARGE).hexdigest()] * 2
    assert len(copies(config)) == 1


def test_a_folder_needs_no_boto3(config: Config) -> None:
    script = (
        "import sys; from pathlib import Path; from emosync.config import Config;"
        "from application.tasks.song_library import SongLibrary;"
        "print(SongLibrary(Config(library_path=Path(sys.argv[1]))).song_ids(),"
        "'boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    put(config, "SONGS/a.mp3")
    command = [sys.executable, "-c", script, str(config.library_path)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout.split() == ["['a']", "False"]
