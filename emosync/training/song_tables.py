"""The files of the song corpora: rows, scales, artists, ratings over time, recordings."""

import csv
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from emosync.training.corpora import AUDIO_SUFFIXES
from emosync.training.song_clips import RatedCurve

Row = dict[str, str]

# What tables write where they know no artist, or where many hide behind one name.
NO_ARTIST: Final = frozenset(
    {"", "-", "n/a", "na", "nan", "none", "unknown", "unknown artist", "various artists", "various"}
)


def read_rows(table: Path | None) -> list[Row]:
    """Read a CSV file; names and values lose the blanks around them.

    Parameters
    ----------
    table : Path or None
        UTF-8; bytes that are none are replaced. None gives no rows.

    Returns
    -------
    list of dict
        Column to value. Cells beyond the header are left out, as DEAM's metadata have them.
    """
    if table is None:
        return []
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        cells = [[cell.strip() for cell in row] + [""] * (len(header) - len(row)) for row in rows]
    return [dict(zip(header, row, strict=False)) for row in cells if any(row)]


def find_table(folder: Path, pattern: str, *, required: bool = False) -> Path | None:
    """Find a table wherever it lies below a folder.

    Parameters
    ----------
    folder : Path
        Of the corpus.
    pattern : str
        For `Path.rglob`.
    required : bool
        Whether its absence is an error.

    Returns
    -------
    Path or None
        The first, by path.

    Raises
    ------
    FileNotFoundError
        If it is required and absent.
    """
    found = min(folder.rglob(pattern), default=None)
    if found is None and required:
        raise FileNotFoundError(f"{folder} holds no {pattern}")
    return found


def recordings(folder: Path, within: str = "") -> list[Path]:
    """List the recordings of a corpus.

    Parameters
    ----------
    folder : Path
        Of the corpus; searched with its subfolders.
    within : str
        Pattern of the subfolders to keep to, if there are any: some corpora hold whole songs
        beside the clips that were rated, under the same names.

    Returns
    -------
    list of Path
        Backwards, so that the first path counts where an index meets a name twice.
    """
    folders = sorted(folder.rglob(within)) if within else []
    paths = {path for place in folders or [folder] for path in place.rglob("*")}
    return sorted((p for p in paths if p.suffix.lower() in AUDIO_SUFFIXES), reverse=True)


def number(text: str) -> float:
    """Read a number; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def rescaled(text: str, low: float, high: float, *, to: tuple[float, float] = (-1, 1)) -> float:
    """Bring a number from one scale to another, not beyond its ends; NaN if it is none."""
    share = (number(text) - low) / (high - low)
    return float(np.clip(to[0] + share * (to[1] - to[0]), *to))


def song_number(text: str) -> str | None:
    """Read a song's number as files are named by it: "12.0" is 12; None if it is none."""
    value = number(text)
    return str(int(value)) if np.isfinite(value) else None


def split_words(text: str) -> tuple[str, ...]:
    """Split "Calm/Peaceful; Sad" at its semicolons."""
    return tuple(word.strip() for word in text.split(";") if word.strip())


def artist_group(artist: str, song: str) -> str:
    """Name the group that a split keeps together.

    Parameters
    ----------
    artist : str
        As the corpus spells it.
    song : str
        The group where the artist is unknown.

    Returns
    -------
    str
        In lower case, with single blanks, the same for the same artist of several corpora.
    """
    # 4Q's "EinstÃ¼rzende" was UTF-8, once read as Latin-1.
    with suppress(UnicodeError):
        artist = artist.encode("latin-1").decode("utf-8")
    group = re.sub(r"[\s\"]+", " ", artist).strip().casefold()
    return song if group in NO_ARTIST else group


def wide_curves(valence: Path | None, arousal: Path | None) -> dict[str, RatedCurve]:
    """Read curves that have a row per song and a column per time, as `sample_15000ms`.

    Parameters
    ----------
    valence, arousal : Path or None
        Values in [-1, 1]. Times that one of them lacks are left out.

    Returns
    -------
    dict
        Song's number to its curve; songs without any value are left out.
    """
    sides = [_wide_table(valence), _wide_table(arousal)]
    points = {
        song: [(t, v, sides[1][song][t]) for t, v in values.items() if t in sides[1][song]]
        for song, values in sides[0].items()
        if song in sides[1]
    }
    return _curves(points)


def _wide_table(table: Path | None) -> dict[str, dict[float, float]]:
    values: dict[str, dict[float, float]] = {}
    for row in read_rows(table):
        song = song_number(row["song_id"])
        if song is not None:
            values[song] = {
                int(match[1]) / 1000: rescaled(cell, -1, 1)
                for name, cell in row.items()
                if (match := re.fullmatch(r"sample_(\d+)ms", name))
            }
    return values


def long_curves(table: Path | None) -> dict[str, RatedCurve]:
    """Read PMEmo's curves: a row per song and time, values in [0, 1].

    Parameters
    ----------
    table : Path or None
        `dynamic_annotations.csv`.

    Returns
    -------
    dict
        Song's number to its curve.
    """
    points: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row in read_rows(table):
        song = song_number(row["musicId"])
        if song is not None:
            time_s = number(row["frameTime"])
            valence, arousal = (rescaled(row[f"{a}(mean)"], 0, 1) for a in ("Valence", "Arousal"))
            points[song].append((time_s, valence, arousal))
    return _curves(points)


def _curves(points: dict[str, list[tuple[float, float, float]]]) -> dict[str, RatedCurve]:
    curves = {}
    for song, found in points.items():
        values = np.asarray(sorted(found), np.float32).reshape(-1, 3)
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            curves[song] = RatedCurve(*values.T)
    return curves
