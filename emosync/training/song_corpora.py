"""Readers for the song corpora, in their original layouts and any audio container.

Each reader joins a corpus' tables with the recordings below the same folder; nothing is
decoded here. Every scale is brought to [-1, 1].
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from emosync.framing import FloatArray
from emosync.training.affect_words import GEMS_FEELINGS
from emosync.training.rated_corpora import read_deam, read_emomusic, read_pmemo
from emosync.training.song_clips import SongClip
from emosync.training.song_tables import (
    artist_group,
    number,
    read_rows,
    recordings,
    rescaled,
    split_words,
)

SPOTIFY_TABLE: Final = "spotify_valence_energy.csv"
# Its other columns are statistics of the sound.
SPOTIFY_LABELS: Final = frozenset(
    {"spotify_id", "artist", "track_name", "valence", "energy", "instrumentalness"}
)


@dataclass(frozen=True)
class SongCorpus:
    """What a corpus is and how its folder is read.

    Attributes
    ----------
    title, licence, citation : str
        For the cards of the models that learn from it.
    judged : str
        Who said what of its songs.
    folders : tuple of str
        Names that its folder may have, in lower case.
    read : callable
        Folder to clips; the path is None where the recording is not there.
    """

    title: str
    licence: str
    citation: str
    judged: str
    folders: tuple[str, ...]
    read: Callable[[Path], Iterable[SongClip]]


@dataclass(frozen=True)
class SongsFound:
    """The clips that are there, and how many are not.

    Attributes
    ----------
    clips : list of SongClip
        Each has a file, in the order of the corpora and their tables.
    n_missing : mapping of str to int
        By corpus that was found: songs with labels and without a recording.
    """

    clips: list[SongClip]
    n_missing: Mapping[str, int]


@dataclass(frozen=True)
class SpotifyTable:
    """Songs known by statistics of their sound, without the recordings.

    Attributes
    ----------
    clips : list of SongClip
        Their rating is Spotify's own estimate: valence, and energy as arousal.
    names : tuple of str
        Of the statistics.
    values : ndarray of shape (n_clips, n_names)
        NaN where the table has no number.
    """

    clips: list[SongClip]
    names: tuple[str, ...]
    values: FloatArray


def _sign(text: str) -> int | None:
    value = number(text)
    return int(np.sign(value)) if value > 0 or value < 0 else None


def _read_4q(folder: Path) -> Iterator[SongClip]:
    audio = {path.stem: path for path in recordings(folder)}
    for row in read_rows(folder / "labels.csv"):
        song = f"4q/{row['song']}"
        yield SongClip(
            audio.get(row["song"]),
            "4q",
            song,
            artist_group(row["artist"], song),
            valence_sign=_sign(row["valence_sign"]),
            arousal_sign=_sign(row["arousal_sign"]),
            moods=split_words(row["moods"]),
            genres=split_words(row["genres"]),
        )


def _read_emotify(folder: Path) -> Iterator[SongClip]:
    audio = {(path.parent.name, path.stem): path for path in recordings(folder)}
    for row in read_rows(folder / "labels_gems_mean.csv"):
        # Tracks are numbered 1 to 400, files 1 to 100 in each genre: the path tells the file.
        genre, name = re.split(r"[/\\]", row["path"])[-2:]
        song = f"emotify/{row['track_id']}"
        gems = tuple(rescaled(row[feeling], 0, 1, to=(0, 1)) for feeling in GEMS_FEELINGS)
        yield SongClip(
            audio.get((genre, Path(name).stem)),
            "emotify",
            song,
            song,
            gems=None if np.isnan(gems).any() else gems,
            genres=(row["genre"],),
        )


def read_spotify(table: Path) -> SpotifyTable:
    """Read the table of Spotify's valence and energy with its clip statistics.

    Parameters
    ----------
    table : Path
        `spotify_valence_energy.csv`, or the folder that holds it.

    Returns
    -------
    SpotifyTable
        Without the rows that lack valence or energy.
    """
    rows = read_rows(table / SPOTIFY_TABLE if table.is_dir() else table)
    names = tuple(name for name in (rows[0] if rows else ()) if name not in SPOTIFY_LABELS)
    clips, values = [], []
    for row in rows:
        valence, energy = rescaled(row["valence"], 0, 1), rescaled(row["energy"], 0, 1)
        if np.isnan([valence, energy]).any():
            continue
        song = f"spotify/{row['spotify_id']}"
        artist = artist_group(row["artist"], song)
        clips.append(SongClip(None, "spotify", song, artist, rating=(valence, energy)))
        values.append([number(row[name]) for name in names])
    return SpotifyTable(clips, names, np.asarray(values, np.float32).reshape(-1, len(names)))


SONG_CORPORA: Final = MappingProxyType(
    {
        "4q": SongCorpus(
            "4Q",
            "research use",
            "Panda, Malheiro and Paiva 2018",
            "AllMusic's mood words; quadrants from them, checked by listeners",
            ("4q",),
            _read_4q,
        ),
        "emotify": SongCorpus(
            "Emotify",
            "research use",
            "Aljanaki, Wiering and Veltkamp 2015",
            "players of a game said which of nine GEMS feelings they felt",
            ("emotify", "emotifymusic"),
            _read_emotify,
        ),
        "deam": SongCorpus(
            "DEAM",
            "research use, songs Creative Commons",
            "Aljanaki, Yang and Soleymani 2017",
            "listeners rated clips on nine points, and over time",
            ("deam",),
            read_deam,
        ),
        "emomusic": SongCorpus(
            "emoMusic",
            "research use, songs Creative Commons",
            "Soleymani et al. 2013",
            "listeners rated clips on nine points, and over time; DEAM holds the same songs",
            ("emomusic", "1000songs"),
            read_emomusic,
        ),
        "pmemo": SongCorpus(
            "PMEmo",
            "research use",
            "Zhang et al. 2018",
            "listeners rated choruses, and over time",
            ("pmemo", "pmemo2019"),
            read_pmemo,
        ),
        "spotify": SongCorpus(
            "Spotify's valence and energy",
            "terms of Spotify's Web API",
            "Spotify",
            "Spotify's own estimates, not people's",
            (),
            lambda folder: read_spotify(folder).clips,
        ),
    }
)
# Those with recordings.
AUDIO_CORPORA: Final = tuple(name for name, corpus in SONG_CORPORA.items() if corpus.folders)


def read_song_corpus(corpus: str, folder: Path) -> SongsFound:
    """Find the clips of one corpus below its folder.

    Parameters
    ----------
    corpus : str
        One of `AUDIO_CORPORA`.
    folder : Path
        Holds the corpus' tables and recordings, in its own layout.

    Returns
    -------
    SongsFound

    Raises
    ------
    FileNotFoundError
        If a table is absent without which the corpus says nothing.
    """
    clips = list(SONG_CORPORA[corpus].read(folder))
    found = [clip for clip in clips if clip.path is not None]
    return SongsFound(found, MappingProxyType({corpus: len(clips) - len(found)}))


def read_songs(root: Path, corpora: Iterable[str] = AUDIO_CORPORA) -> SongsFound:
    """Read every corpus that has a folder of its name below `root`.

    Parameters
    ----------
    root : Path
        Holds `4q/`, `emotify/`, `DEAM/`, `emoMusic/`, `PMEmo2019/`, or some of them, in
        small letters or large.
    corpora : iterable of str
        Which to read.

    Returns
    -------
    SongsFound

    Raises
    ------
    FileNotFoundError
        If no clip is found at all.
    """
    folders = {path.name.casefold(): path for path in sorted(root.iterdir()) if path.is_dir()}
    clips: list[SongClip] = []
    n_missing: dict[str, int] = {}
    for corpus in corpora:
        for name in folders.keys() & set(SONG_CORPORA[corpus].folders):
            found = read_song_corpus(corpus, folders[name])
            clips += found.clips
            n_missing |= found.n_missing
    if not clips:
        raise FileNotFoundError(f"{root} holds no recordings of {', '.join(AUDIO_CORPORA)}")
    return SongsFound(clips, MappingProxyType(n_missing))
