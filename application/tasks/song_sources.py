"""Songs from which a library is built: the recordings in a folder or a bucket."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from application.tasks.song_library import is_audio, is_song_id
from emosync.config import Config
from emosync.errors import InvalidSongId, NotFound, StorageUnavailable
from s3utils import download_from_s3, list_files_in_bucket, process_client

S3_SCHEME: Final = "s3://"

Read = Callable[[], bytes]


@dataclass(frozen=True)
class SongFile:
    """A recording in a folder; calling it reads it, in any process."""

    path: Path

    def __call__(self) -> bytes:
        """Read the recording.

        Returns
        -------
        bytes

        Raises
        ------
        StorageUnavailable
            If it cannot be read.
        """
        try:
            return self.path.read_bytes()
        except OSError as exc:
            raise StorageUnavailable(f"The file {self.path.name} cannot be read.") from exc


@dataclass(frozen=True)
class SongObject:
    """A recording in a bucket; calling it downloads it, in any process."""

    config: Config
    bucket: str
    key: str

    def __call__(self) -> bytes:
        """Download the recording.

        Returns
        -------
        bytes

        Raises
        ------
        NotFound, UpstreamError, Unavailable
            If it cannot be downloaded.
        """
        download = download_from_s3(process_client(self.config), self.bucket, self.key)
        return download.data if download else b""  # nothing was given to compare it with


def iter_songs(location: str, config: Config) -> Iterator[tuple[str, Read]]:
    """Yield the recordings of a folder or a bucket, those in subfolders too, in order.

    Parameters
    ----------
    location : str
        A folder, or s3://BUCKET/PREFIX.
    config : Config
        Tells how the bucket's server is reached.

    Yields
    ------
    song_id : str
        Made of the path below the location by `song_id_of`.
    read : callable
        Returns the content, or raises InvalidSongId if an earlier file has the same id, as
        a.wav after a.mp3. It can be sent to another process.

    Raises
    ------
    NotFound
        If there is no such folder.
    UpstreamError, Unavailable
        If the bucket cannot be listed.
    """
    seen = set()
    for path, read in _recordings(location, config):
        song_id = song_id_of(path)
        yield song_id, partial(_refuse_twin, path) if song_id in seen else read
        seen.add(song_id)


def song_id_of(path: str) -> str:
    """Make a song id of a file's path.

    Parameters
    ----------
    path : str
        Such as "Album/01 Título.mp3", with slashes.

    Returns
    -------
    str
        The path without its suffix, where that is an id already. Else accents are dropped and
        what no id may hold becomes "_"; where much would be lost, as of a title in Japanese
        or a very long one, a part of the path's hash follows.
    """
    name = str(PurePosixPath(path.strip("/")).with_suffix(""))
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    song_id = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
    if plain.isascii() and is_song_id(song_id):
        return song_id
    digest = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{song_id[:100]}-{digest}"


def _recordings(location: str, config: Config) -> Iterator[tuple[str, Read]]:
    """Yield the path of each recording below the location, and how to read it."""
    if location.startswith(S3_SCHEME):
        bucket, _, folder = location.removeprefix(S3_SCHEME).partition("/")
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        for key in list_files_in_bucket(process_client(config), bucket, prefix):
            if is_audio(key):
                yield key.removeprefix(prefix), SongObject(config, bucket, key)
        return
    if not Path(location).is_dir():
        raise NotFound("There is no such folder of songs.")
    for path in sorted(Path(location).rglob("*")):
        if is_audio(path.name) and path.is_file():
            yield path.relative_to(location).as_posix(), SongFile(path)


def _refuse_twin(path: str) -> bytes:
    raise InvalidSongId(f"Another file has the song id of {path} too.")
