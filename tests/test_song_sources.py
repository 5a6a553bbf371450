import pickle
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.tasks.song_library import is_song_id
from application.tasks.song_sources import iter_songs, song_id_of
from emosync.config import Config
from emosync.errors import InvalidSongId, LibraryBucketMissing, NotFound, StorageUnavailable
from s3utils import process_client, upload_to_s3

FILES = {
    "b.MP3": b"1",
    "a.flac": b"2",
    "Album/01 Título.wav": b"3",
    "cover.jpg": b"",
    "notes.txt": b"",
    ".hidden.mp3": b"",
}
SONGS = [("Album_01_Titulo", b"3"), ("a", b"2"), ("b", b"1")]


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture
def bucket(config: Config, s3_server: str, credentials: None) -> Config:
    """Return settings that name a server, and a bucket on it."""
    name = f"songs-{secrets.token_hex(4)}"
    config = replace(config, aws_endpoint_url=s3_server, s3_bucket_name=name)
    process_client(config).create_bucket(Bucket=name)
    return config


def read_all(location: str, config: Config) -> list[tuple[str, bytes]]:
    # Pickled, as on the way to another process.
    return [(i, pickle.loads(pickle.dumps(read))()) for i, read in iter_songs(location, config)]


def test_the_recordings_of_a_folder_come_in_order(tmp_path: Path, config: Config) -> None:
    fill(tmp_path / "songs", FILES)
    assert read_all(str(tmp_path / "songs"), config) == SONGS


@pytest.mark.parametrize("prefix", ["", "/", "/MY SONGS", "/MY SONGS/"])
def test_the_recordings_of_a_bucket_come_in_order(bucket: Config, prefix: str) -> None:
    name = bucket.s3_bucket_name
    begin = f"{prefix.strip('/')}/".removeprefix("/")
    for file, data in FILES.items():
        upload_to_s3(process_client(bucket), name, begin + file, data)
    assert read_all(f"s3://{name}{prefix}", bucket) == SONGS


def test_a_folder_or_a_bucket_that_is_not_there_is_told(bucket: Config, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(iter_songs(str(tmp_path / "none"), bucket))
    with pytest.raises(LibraryBucketMissing):
        list(iter_songs("s3://no-such-bucket/SONGS", bucket))


def test_of_two_files_with_one_id_the_second_cannot_be_read(tmp_path: Path, config: Config) -> None:
    fill(tmp_path, {"a.mp3": b"1", "a.wav": b"2"})
    (first, read), (second, read_twin) = iter_songs(str(tmp_path), config)
    assert (first, second, read()) == ("a", "a", b"1")
    with pytest.raises(InvalidSongId, match=r"a\.wav"):
        pickle.loads(pickle.dumps(read_twin))()


def test_a_file_that_is_gone_is_an_error_of_ours(tmp_path: Path, config: Config) -> None:
    fill(tmp_path, {"a.mp3": b""})
    ((_, read),) = iter_songs(str(tmp_path), config)
    (tmp_path / "a.mp3").unlink()
    with pytest.raises(StorageUnavailable) as caught:
        read()
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(
    ("path", "song_id"),
    [
        ("a.mp3", "a"),
        ("a.b-c_D9.mp3", "a.b-c_D9"),
        ("Artist - Title.mp3", "Artist_-_Title"),
        ("Album/01.mp3", "Album_01"),
        ("Título.mp3", "Titulo"),
        ("/a.mp3", "a"),
    ],
)
def test_the_id_of_a_file_is_close_to_its_path(path: str, song_id: str) -> None:
    assert song_id_of(path) == song_id


def test_names_that_hold_little_of_the_alphabet_are_told_apart() -> None:
    long = "x" * 200
    names = ["夜に駆ける.mp3", "怪物.mp3", "..mp3", f"{long}a.mp3", f"{long}b.mp3"]
    assert len({song_id_of(name) for name in names}) == len(names)


@given(st.text(min_size=1))
def test_every_path_gives_an_id_and_always_the_same(path: str) -> None:
    song_id = song_id_of(f"{path}.mp3")
    assert is_song_id(song_id)
    assert song_id_of(f"{path}.mp3") == song_id
