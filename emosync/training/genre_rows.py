"""Rows of the Kaggle table of GTZAN, and the same statistics of other copies of its excerpts."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.audio import decode
from emosync.framing import FloatArray
from emosync.genre_slices import GENRE_SR_HZ
from emosync.genre_statistics import (
    GENRE_STATISTICS,
    SERVED_STATISTICS,
    model_input,
    served_statistics,
)
from emosync.labels import GENRES
from emosync.training.clip_frames import clip_frames
from emosync.training.corpora import AUDIO_SUFFIXES

TABLE_FILE: Final = "gtzan_features_30_sec.csv"
CUT_S: Final = 15.0

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GenreTable:
    """The rows of the table.

    Attributes
    ----------
    names : tuple of str
        As "blues.00012".
    X : ndarray of shape (n_rows, 52), float32
        What the model sees, see `genre_statistics.model_input`.
    genres : ndarray of shape (n_rows,)
        Places in `labels.GENRES`.
    """

    names: tuple[str, ...]
    X: FloatArray
    genres: Numbers


@dataclass(frozen=True)
class Copies:
    """Statistics of the table's excerpts, recomputed from other copies of them.

    Attributes
    ----------
    rows : ndarray of shape (n_copies,)
        The row of the table that each belongs to.
    whole, cut : ndarray of shape (n_copies, 52), float32
        Of the whole copy, and of 15 s from its middle.
    """

    rows: Numbers
    whole: FloatArray
    cut: FloatArray


def read_genre_table(data: Path) -> GenreTable:
    """Read the table in Kaggle's layout.

    Parameters
    ----------
    data : Path
        Folder that holds `gtzan_features_30_sec.csv`.

    Returns
    -------
    GenreTable

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    with (data / TABLE_FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    X = np.array([[float(row[name]) for name in GENRE_STATISTICS] for row in rows])
    names = tuple(row["filename"].rsplit(".", 1)[0] for row in rows)
    return GenreTable(names, model_input(X), np.array([GENRES.index(r["label"]) for r in rows]))


def read_copies(data: Path, table: GenreTable, work: Path) -> Copies:
    """Compute the statistics of the recordings at hand, or take them from the cache.

    Parameters
    ----------
    data : Path
        May hold `gtzan/`; without it there are no copies.
    table : GenreTable
        Recordings that it does not name are passed over.
    work : Path
        Folder for the cache.

    Returns
    -------
    Copies
    """
    row_of = {name: row for row, name in enumerate(table.names)}
    found = sorted((data / "gtzan").rglob("*"))
    paths = [p for p in found if p.suffix.lower() in AUDIO_SUFFIXES and p.stem in row_of]
    n = len(SERVED_STATISTICS)
    if not paths:
        return Copies(np.zeros(0, np.int64), *np.zeros((2, 0, n), np.float32))
    stored = clip_frames(
        paths, _whole_and_cut, name="genre_statistics", cache=work, read=read_excerpt
    )
    both = np.asarray(stored.frames, np.float32)
    return Copies(np.array([row_of[p.stem] for p in paths]), both[:, :n], both[:, n:])


def read_excerpt(path: Path) -> FloatArray:
    """Decode an excerpt: (n_samples,) at 22.05 kHz."""
    return decode(path.read_bytes(), sr=GENRE_SR_HZ).y


def _whole_and_cut(y: FloatArray) -> FloatArray:
    length = int(CUT_S * GENRE_SR_HZ)
    start = max(0, (len(y) - length) // 2)
    return np.concatenate([served_statistics(part) for part in (y, y[start : start + length])])
