"""The song library: a bucket where one is named, else a folder with the same keys."""

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Final, Literal, Protocol

from application.tasks.song_bucket import SongBucket
from emosync.config import Config
from emosync.errors import InvalidSongId, NotFound, ParameterError, UnknownSong
from emosync.single_flight import SingleFlight
from emosync.song_folder import SongFolder

Kind = Literal["playback", "features", "curve", "song"]

# ASCII only, and `fullmatch`: with `$` a line feed at the end would pass.
_SONG_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,8}", re.ASCII)
# Of several files of one song, the first of these is its recording.
AUDIO_SUFFIXES: Final = frozenset(
    {".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus"}
    | {".wav", ".webm", ".wma"}
)
_MEANINGS: Final = {
    "playback": "playback sequence",
    "features": "table of features",
    "curve": "curve",
    "song": "recording",
}
# A listing is kept for this long, or for ten times as long as it took: a page of 1,000 keys
# takes S3 a tenth of a second, and a large library must not be listed all the time.
_LISTING_AGE_S: Final = 5.0
_LISTING_SHARE: Final = 10.0


def check_song_id(song_id: str) -> str:
    """Refuse what cannot be part of a key.

    Parameters
    ----------
    song_id : str
        As it came with the request.

    Returns
    -------
    str
        The same id.

    Raises
    ------
    InvalidSongId
        If it is not 1 to 128 ASCII letters, digits, dots, underscores and hyphens, or if it
        is "." or "..".
    """
    if not is_song_id(song_id):
        raise InvalidSongId(
            "A song id has 1 to 128 characters: letters A to Z, digits, '.', '_' and '-'."
        )
    return song_id


class _Store(Protocol):
    """What a bucket and a folder have in common; a key that is not there is NotFound."""

    def read(self, key: str, *, fall_back: bool = False) -> bytes: ...

    def write(self, key: str, data: bytes) -> None: ...

    def keys(self, prefix: str) -> Iterable[str]: ...


class SongLibrary:
    """What is kept of each song: playback sequence, features, curve and recording.

    Parameters
    ----------
    config : Config
        Names the bucket or the folder, and the prefix of each kind.
    """

    def __init__(self, config: Config) -> None:
        self._store: _Store = (
            SongBucket(config) if config.s3_bucket_name else SongFolder(config.library_path)
        )
        # Prefix and suffix of the keys; a recording may have any suffix.
        self._places: dict[Kind, tuple[str, str]] = {
            "playback": (config.playback_prefix, ".json"),
            "features": (config.features_prefix, ".csv"),
            "curve": (config.curves_prefix, ".json"),
            "song": (config.songs_prefix, ""),
        }
        self._listings: SingleFlight[Sequence[str]] = SingleFlight()
        self._listing: tuple[Sequence[str], float] | None = None

    def song_ids(
        self, *, prefix: str = "", after: str | None = None, limit: int = 100
    ) -> list[str]:
        """List the songs of which anything is kept.

        Parameters
        ----------
        prefix : str
            What the ids begin with.
        after : str, optional
            The last id of the page before.
        limit : int > 0
            Length of the page.

        Returns
        -------
        list of str
            Sorted; shorter than `limit` on the last page. Songs that another process adds
            appear after a few seconds.

        Raises
        ------
        UpstreamError, Unavailable
            If the library cannot be listed.
        """
        ids = self._all_ids()
        begin = bisect_left(ids, prefix)
        if after is not None:
            begin = max(begin, bisect_right(ids, after))
        page = ids[begin : begin + limit]
        return list(takewhile(lambda song_id: song_id.startswith(prefix), page))

    def ids_of(self, kind: Kind) -> frozenset[str]:
        """List the songs of which one kind is kept, as it is now.

        Parameters
        ----------
        kind : {"playback", "features", "curve", "song"}
            What is asked for.

        Returns
        -------
        frozenset of str

        Raises
        ------
        UpstreamError, Unavailable
            If the library cannot be listed.
        """
        prefix, _ = self._places[kind]
        ids = (self._song_id(kind, key.removeprefix(prefix)) for key in self._store.keys(prefix))
        return frozenset(found for found in ids if found)

    def read(self, kind: Kind, song_id: str) -> bytes:
        """Return what is kept of a song.

        Parameters
        ----------
        kind : {"playback", "features", "curve", "song"}
            What is asked for. A playback sequence is read from its copy on disk while the
            bucket cannot be read.
        song_id : str
            As it came with the request.

        Returns
        -------
        bytes

        Raises
        ------
        InvalidSongId
            If the id may not be; nothing is read then.
        UnknownSong
            If nothing of this kind is kept of the song.
        UpstreamError, Unavailable
            If the library cannot be read.
        """
        check_song_id(song_id)
        try:
            return self._store.read(self._key(kind, song_id), fall_back=kind == "playback")
        except NotFound as exc:
            raise UnknownSong(f"The library has no {_MEANINGS[kind]} of '{song_id}'.") from exc

    def write(self, kind: Kind, song_id: str, data: bytes, suffix: str | None = None) -> None:
        """Keep something of a song; readers see the old one or the new one, never a part.

        Parameters
        ----------
        kind : {"playback", "features", "curve", "song"}
            What it is.
        song_id : str
            Whose it is.
        data : bytes
            The whole content.
        suffix : str, optional
            Of a recording, such as ".mp3".

        Raises
        ------
        InvalidSongId
            If the id may not be.
        ParameterError
            If a recording comes without a suffix.
        UpstreamError, Unavailable
            If the library cannot be written.
        """
        prefix, fixed_suffix = self._places[kind]
        suffix = fixed_suffix or suffix or ""
        if not _SUFFIX.fullmatch(suffix):
            raise ParameterError("A recording needs a suffix such as .mp3.")
        self._store.write(f"{prefix}{check_song_id(song_id)}{suffix}", data)
        self._listing = None

    def _key(self, kind: Kind, song_id: str) -> str:
        prefix, suffix = self._places[kind]
        if suffix:
            return f"{prefix}{song_id}{suffix}"
        keys = self._store.keys(f"{prefix}{song_id}.")
        found = [key for key in keys if self._song_id(kind, key.removeprefix(prefix)) == song_id]
        if not found:
            raise NotFound("The song library holds no such object.")
        return min(found, key=lambda key: (not is_audio(key), key))

    def _song_id(self, kind: Kind, name: str) -> str | None:
        """Tell whose a file is; None if it is no song's."""
        song_id, dot, suffix = name.rpartition(".")
        wanted = self._places[kind][1]
        is_kind = not wanted or f"{dot}{suffix}" == wanted
        return song_id if is_kind and is_song_id(song_id) else None

    def _all_ids(self) -> Sequence[str]:
        listing = self._listing
        if listing is not None and time.monotonic() < listing[1]:
            return listing[0]
        return self._listings.run("songs", self._list_ids)

    def _list_ids(self) -> Sequence[str]:
        begun_s = time.monotonic()
        # Waiting is most of it, and the kinds can wait side by side.
        with ThreadPoolExecutor(len(self._places)) as pool:
            ids = sorted(frozenset().union(*pool.map(self.ids_of, self._places)))
        ended_s = time.monotonic()
        kept_s = max(_LISTING_AGE_S, _LISTING_SHARE * (ended_s - begun_s))
        self._listing = ids, ended_s + kept_s
        return ids


def is_song_id(text: str) -> bool:
    """Tell whether `check_song_id` would let a text pass."""
    return _SONG_ID.fullmatch(text) is not None and text not in (".", "..")


def is_audio(key: str) -> bool:
    """Tell by its name whether a file may be a recording; a hidden file is none."""
    path = PurePosixPath(key)
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
