"""A song's features over time, and the CSV in which a library keeps them.

The first column is `frameTime` in seconds; each other column is one feature, named as in the
card of the models. Columns are found by name, so their order in the file does not matter.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.errors import InvalidFeatures

TIME_COLUMN: Final = "frameTime"
# Seven hours of steps of 0.5 s; far beyond any song, and far below what fills the memory.
MAX_STEPS: Final = 50_000
# Names in a message; a file of another kind may lack all columns.
_MAX_NAMES: Final = 3
_MAX_NAME_LENGTH: Final = 60

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SongFeatures:
    """What the models see of a song.

    Attributes
    ----------
    time_s : ndarray of shape (n_steps,), float64, increasing
        Seconds from the start of the song.
    values : ndarray of shape (n_steps, n_features), float32, finite
        A row per step.
    names : tuple of str, n_features long
        The features, in the order of the columns of `values`.
    """

    time_s: Floats
    values: FloatArray
    names: tuple[str, ...]


def write_csv(features: SongFeatures) -> bytes:
    """Write features as a library keeps them.

    Parameters
    ----------
    features : SongFeatures
        Of one song.

    Returns
    -------
    bytes
        UTF-8, a line per step. Features have 5 significant digits, which is more than the
        models can tell apart; times have milliseconds.
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([TIME_COLUMN, *features.names])
    # One format for the whole line takes a third of the time of csv's writer.
    line = "%.10g" + ",%.5g" * len(features.names) + "\n"
    times_s = np.round(features.time_s, 3).tolist()
    for time_s, row in zip(times_s, features.values.tolist(), strict=True):
        out.write(line % (time_s, *row))
    return out.getvalue().encode()


def read_csv(data: bytes, names: Sequence[str]) -> SongFeatures:
    """Read features, and hold them to what the models expect.

    Parameters
    ----------
    data : bytes
        The file; a byte order mark and any kind of line end are fine.
    names : sequence of str
        The features that the models see, from their card.

    Returns
    -------
    SongFeatures
        Columns in the order of `names`, rows in the order of time.

    Raises
    ------
    InvalidFeatures
        If a column is missing, unknown or there twice, if a cell is no finite number, if a
        time comes twice, or if there are no rows. The message names the column or the row;
        rows are counted from 1, without the header.
    """
    head, body = _header_and_body(_as_text(data))
    order = _column_order(head, names)
    table = _fast_table(body, len(head))
    if table is None:
        table = _checked_table(body, head)
    if not len(table):
        raise InvalidFeatures("The features have a header, but no rows.")
    with np.errstate(over="ignore"):  # found just below, as infinite
        values = table[:, order].astype(np.float32)
    times_s = table[:, head.index(TIME_COLUMN)]
    _check_finite(table, values, head, names)
    by_time = np.argsort(times_s, kind="stable")
    _check_distinct(times_s, by_time)
    return SongFeatures(times_s[by_time], values[by_time], tuple(names))


def _as_text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as exc:
        raise InvalidFeatures("The features are no text in UTF-8.") from exc


def _header_and_body(text: str) -> tuple[list[str], str]:
    header, _, body = text.lstrip("\n").partition("\n")
    head = next(_rows(header), [])
    if not head:
        raise InvalidFeatures(f"The features are empty; a header with {TIME_COLUMN} is needed.")
    return [name.strip() for name in head], body


def _rows(text: str) -> Iterator[list[str]]:
    """Split CSV into cells, quotes included; blank lines are left out."""
    try:
        for row in csv.reader(io.StringIO(text), strict=True):
            if row and (len(row) > 1 or row[0].strip()):
                yield row
    except csv.Error as exc:
        raise InvalidFeatures("The features are no valid CSV; use commas.") from exc


def _column_order(head: Sequence[str], names: Sequence[str]) -> list[int]:
    """Find the column of each name; raise if one is missing, unknown or there twice."""
    places = {name: place for place, name in enumerate(head)}
    expected = {TIME_COLUMN, *names}
    if missing := [name for name in (TIME_COLUMN, *names) if name not in places]:
        raise InvalidFeatures(f"The features lack {_listed(missing)}.")
    if extra := [name for name in head if name not in expected]:
        raise InvalidFeatures(f"The features have {_listed(extra)}, which the models do not know.")
    if len(places) < len(head):
        twice = [name for name in places if head.count(name) > 1]
        raise InvalidFeatures(f"The features have {_listed(twice)} more than once.")
    return [places[name] for name in names]


def _listed(names: Sequence[str]) -> str:
    """Name a few columns, in quotes."""
    shown = ", ".join(f"'{name[:_MAX_NAME_LENGTH]}'" for name in names[:_MAX_NAMES])
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"the column{'s' if len(names) > 1 else ''} {shown}{more}"


def _fast_table(body: str, n_columns: int) -> Floats | None:
    """Read plain numbers in C; None if anything is unusual."""
    if not body.strip() or not body.isascii():
        return None
    lines = body.split("\n")
    if len(lines) > MAX_STEPS:
        return None
    try:
        table = np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    return table if table.shape[1] == n_columns else None


def _checked_table(body: str, head: Sequence[str]) -> Floats:
    """Read cell by cell: quotes are fine, and what is wrong is named."""
    rows: list[list[float]] = []
    for number, cells in enumerate(_rows(body), start=1):
        if number > MAX_STEPS:
            raise InvalidFeatures(f"The features have more than {MAX_STEPS} rows.")
        if len(cells) != len(head):
            raise InvalidFeatures(
                f"Row {number} of the features has {len(cells)} cells "
                f"where the header has {len(head)}."
            )
        rows.append([_number(c, number, name) for c, name in zip(cells, head, strict=True)])
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(head))


def _number(cell: str, row: int, column: str) -> float:
    try:
        # Python reads 1_0 and the digits of other scripts, too; no other reader does.
        if cell.isascii() and "_" not in cell:
            return float(cell)
    except ValueError:
        pass
    raise InvalidFeatures(f"Row {row} of the features has no number in the column '{column}'.")


def _check_finite(
    table: Floats, values: FloatArray, head: Sequence[str], names: Sequence[str]
) -> None:
    times_s = table[:, head.index(TIME_COLUMN)]
    wrong = ~np.isfinite(np.column_stack([times_s, values]))
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        name = (TIME_COLUMN, *names)[column]
        value = table[row, head.index(name)]
        kind = "NaN" if math.isnan(value) else "no finite number"
        raise InvalidFeatures(f"Row {row + 1} of the features has {kind} in the column '{name}'.")


def _check_distinct(times_s: Floats, by_time: npt.NDArray[np.intp]) -> None:
    same = np.flatnonzero(np.diff(times_s[by_time]) == 0)
    if same.size:
        first, second = sorted(int(by_time[same[0] + i]) + 1 for i in (0, 1))
        raise InvalidFeatures(
            f"Rows {first} and {second} of the features have the same {TIME_COLUMN}, "
            f"{times_s[first - 1]:g} s."
        )
