"""Readers for the song corpora whose clips were rated, as a whole and over time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emosync.training.song_clips import RatedCurve, SongClip
from emosync.training.song_tables import (
    Row,
    artist_group,
    find_table,
    long_curves,
    read_rows,
    recordings,
    rescaled,
    song_number,
    split_words,
    wide_curves,
)


@dataclass(frozen=True)
class _RatedTables:
    """Tables of a corpus whose clips were rated; `about` has the number in its first column."""

    ratings: list[Row]
    columns: tuple[str, str, str]
    scale: tuple[float, float]
    curves: dict[str, RatedCurve]
    about: list[Row]


def read_deam(folder: Path) -> Iterator[SongClip]:
    """Read DEAM: two tables of ratings, one of valence and of arousal over time, metadata."""
    static = sorted(folder.rglob("static_annotations_averaged_songs_*.csv"))
    if not static:
        raise FileNotFoundError(f"{folder} holds no static_annotations_averaged_songs_*.csv")
    tables = _RatedTables(
        ratings=[row for table in static for row in read_rows(table)],
        columns=("song_id", "valence_mean", "arousal_mean"),
        scale=(1, 9),
        curves=wide_curves(
            find_table(folder, "dynamic*/valence.csv"), find_table(folder, "dynamic*/arousal.csv")
        ),
        about=[row for t in sorted(folder.rglob("metadata_20*.csv")) for row in read_rows(t)],
    )
    yield from _rated(tables, recordings(folder, "MEMD_audio"), "deam", "deam")


def read_emomusic(folder: Path) -> Iterator[SongClip]:
    """Read emoMusic: ratings, valence and arousal over time, the songs' artists."""
    tables = _RatedTables(
        ratings=read_rows(find_table(folder, "static_annotations.csv", required=True)),
        columns=("song_id", "mean_valence", "mean_arousal"),
        scale=(1, 9),
        curves=wide_curves(
            find_table(folder, "valence_cont_average.csv"),
            find_table(folder, "arousal_cont_average.csv"),
        ),
        about=read_rows(find_table(folder, "songs_info.csv")),
    )
    # DEAM took these songs over with their numbers: one without an artist stays in one group.
    yield from _rated(tables, recordings(folder, "clips_45*"), "emomusic", "deam")


def read_pmemo(folder: Path) -> Iterator[SongClip]:
    """Read PMEmo: ratings of choruses, as a whole and over time, and their artists."""
    tables = _RatedTables(
        ratings=read_rows(find_table(folder, "static_annotations.csv", required=True)),
        columns=("musicId", "Valence(mean)", "Arousal(mean)"),
        scale=(0, 1),
        curves=long_curves(find_table(folder, "dynamic_annotations.csv")),
        about=read_rows(find_table(folder, "metadata.csv")),
    )
    yield from _rated(tables, recordings(folder, "chorus"), "pmemo", "pmemo")


def _rated(
    tables: _RatedTables, paths: Iterable[Path], corpus: str, group: str
) -> Iterator[SongClip]:
    """Join ratings, curves, artists and recordings by the song's number."""
    audio = {path.stem: path for path in paths}
    about = {song_number(next(iter(row.values()))): row for row in tables.about}
    for row in tables.ratings:
        number, valence, arousal = (row[column] for column in tables.columns)
        song = song_number(number)
        if song is None:
            continue
        rating = rescaled(valence, *tables.scale), rescaled(arousal, *tables.scale)
        known = {name.casefold(): value for name, value in about.get(song, {}).items()}
        yield SongClip(
            audio.get(song),
            corpus,
            f"{corpus}/{song}",
            artist_group(known.get("artist", ""), f"{group}/{song}"),
            rating=None if np.isnan(rating).any() else rating,
            curve=tables.curves.get(song),
            genres=split_words(known.get("genre", "")),
        )
