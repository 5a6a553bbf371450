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
from emosync.labels import GEMS_FEELINGS
from emosync.training.corpora import AUDIO_SUFFIXES
from emosync.training.song_tables import (
    RatedCurve,
    Row,
    artist_group,
    find_table,
    long_curves,
    read_rows,
    rescaled,
    song_number,
    split_words,
    wide_curves,
)

# Spotify's features of a track: the clip statistics of its table are between these columns.
SPOTIFY_TABLE: Final = "spotify_valence_energy.csv"
SPOTIFY_LABELS: Final = frozenset(
    {"spotify_id", "artist", "track_name", "valence", "energy", "instrumentalness"}
)
QUADRANTS: Final = MappingProxyType({(1, 1): "Q1", (-1, 1): "Q2", (-1, -1): "Q3", (1, -1): "Q4"})


@dataclass(frozen=True)
class SongClip:
    """One recording of a song, and what people said of it.

    Attributes
    ----------
    path : Path or None
        The file; None where only a table speaks of the song.
    corpus : str
        A key of `SONG_CORPORA`.
    song : str
        Unique over all corpora, as "4q/MT0000040632".
    artist : str
        The group that a split keeps together: the artist's name in lower case, or the song
        itself where the artist is unknown.
    valence_sign, arousal_sign : {-1, 1} or None
        The quadrant's.
    rating : (float, float) or None
        Valence and arousal of the whole clip, in [-1, 1].
    curve : RatedCurve or None
        Valence and arousal over time.
    gems : tuple of float or None
        Share of listeners who felt each of `labels.GEMS_FEELINGS`, in [0, 1].
    moods, genres : tuple of str
        Words, as the corpus spells them.
    """

    path: Path | None
    corpus: str
    song: str
    artist: str
    valence_sign: int | None = None
    arousal_sign: int | None = None
    rating: tuple[float, float] | None = None
    curve: RatedCurve | None = None
    gems: tuple[float, ...] | None = None
    moods: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()

    @property
    def quadrant(self) -> str | None:
        """Q1 to Q4, by the signs or else by the rating; None if neither tells."""
        if self.valence_sign and self.arousal_sign:
            return QUADRANTS[self.valence_sign, self.arousal_sign]
        if self.rating is None or 0 in self.rating:
            return None
        valence, arousal = self.rating
        return QUADRANTS[1 if valence > 0 else -1, 1 if arousal > 0 else -1]


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


def _audio_by_stem(folder: Path) -> dict[str, Path]:
    """Index the recordings below a folder; of two with one name the first path counts."""
    paths = sorted(folder.rglob("*"), reverse=True)
    return {path.stem: path for path in paths if path.suffix.lower() in AUDIO_SUFFIXES}


def _read_4q(folder: Path) -> Iterator[SongClip]:
    audio = _audio_by_stem(folder)
    for row in read_rows(folder / "labels.csv"):
        song = f"4q/{row['song']}"
        yield SongClip(
            audio.get(row["song"]),
            "4q",
            song,
            artist_group(row["artist"], song),
            valence_sign=int(row["valence_sign"]),
            arousal_sign=int(row["arousal_sign"]),
            moods=split_words(row["moods"]),
            genres=split_words(row["genres"]),
        )


def _read_emotify(folder: Path) -> Iterator[SongClip]:
    audio = {
        (path.parent.name, path.stem): path
        for path in sorted(folder.rglob("*"), reverse=True)
        if path.suffix.lower() in AUDIO_SUFFIXES
    }
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


def _read_deam(folder: Path) -> Iterator[SongClip]:
    static = [
        row
        for table in sorted(folder.rglob("static_annotations_averaged_songs_*.csv"))
        for row in read_rows(table)
    ]
    if not static:
        raise FileNotFoundError(f"{folder} holds no static_annotations_averaged_songs_*.csv")
    curves = wide_curves(
        find_table(folder, "dynamic*/valence.csv"), find_table(folder, "dynamic*/arousal.csv")
    )
    known = [row for table in sorted(folder.rglob("metadata_20*.csv")) for row in read_rows(table)]
    columns = ("song_id", "valence_mean", "arousal_mean")
    yield from _rated(folder, "deam", static, columns, known, curves)


def _read_emomusic(folder: Path) -> Iterator[SongClip]:
    static = read_rows(find_table(folder, "static_annotations.csv", required=True))
    curves = wide_curves(
        find_table(folder, "valence_cont_average.csv"),
        find_table(folder, "arousal_cont_average.csv"),
    )
    known = read_rows(find_table(folder, "songs_info.csv"))
    columns = ("song_id", "mean_valence", "mean_arousal")
    yield from _rated(folder, "emomusic", static, columns, known, curves)


def _read_pmemo(folder: Path) -> Iterator[SongClip]:
    static = read_rows(find_table(folder, "static_annotations.csv", required=True))
    curves = long_curves(find_table(folder, "dynamic_annotations.csv"))
    known = read_rows(find_table(folder, "metadata.csv"))
    columns = ("musicId", "Valence(mean)", "Arousal(mean)")
    yield from _rated(folder, "pmemo", static, columns, known, curves, scale=(0, 1))


def _rated(
    folder: Path,
    corpus: str,
    static: Iterable[Row],
    columns: tuple[str, str, str],
    known: Iterable[Row],
    curves: Mapping[str, RatedCurve],
    *,
    scale: tuple[float, float] = (1, 9),
) -> Iterator[SongClip]:
    """Join ratings, curves, artists and recordings by the song's number."""
    audio = _audio_by_stem(folder)
    known_of = {song_number(next(iter(row.values()), "")): row for row in known}
    # DEAM took emoMusic's songs over with their numbers: an unnamed one stays one group.
    group = "deam" if corpus == "emomusic" else corpus
    for row in static:
        number = song_number(row[columns[0]])
        if number is None:
            continue
        valence, arousal = (rescaled(row[column], *scale) for column in columns[1:])
        about = {name.casefold(): value for name, value in known_of.get(number, {}).items()}
        yield SongClip(
            audio.get(number),
            corpus,
            f"{corpus}/{number}",
            artist_group(about.get("artist", ""), f"{group}/{number}"),
            rating=None if np.isnan([valence, arousal]).any() else (valence, arousal),
            curve=curves.get(number),
            genres=split_words(about.get("genre", "")),
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
        values.append([rescaled(row[name], -1, 1, clip=False) for name in names])
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
            "CC BY-NC 4.0",
            "Aljanaki, Yang and Soleymani 2017",
            "listeners rated clips on nine points, and over time",
            ("deam",),
            _read_deam,
        ),
        "emomusic": SongCorpus(
            "emoMusic",
            "research use, songs Creative Commons",
            "Soleymani et al. 2013",
            "listeners rated clips on nine points, and over time; DEAM holds the same songs",
            ("emomusic", "1000songs"),
            _read_emomusic,
        ),
        "pmemo": SongCorpus(
            "PMEmo",
            "research use",
            "Zhang et al. 2018",
            "listeners rated choruses, and over time",
            ("pmemo", "pmemo2019"),
            _read_pmemo,
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
