"""The history as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from emosync.history import Entry

CSV_COLUMNS: Final = (
    "id",
    "timestamp",
    "filename",
    "predicted_emotion",
    "confidence",
    "top_3_probabilities",
    "task",
    "method",
    "duration_s",
    "audio_file",
)


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield the history as CSV, one line at a time, with a header.

    Parameters
    ----------
    entries : iterable of Entry
        What to write.

    Yields
    ------
    str
        A line with its end.
    """
    yield _csv_line(CSV_COLUMNS)
    for entry in entries:
        row = entry.row()
        yield _csv_line([_guarded(row[column]) for column in CSV_COLUMNS])


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _guarded(cell: object) -> object:
    """Keep a spreadsheet from running a file name as a formula.

    References
    ----------
    .. [1] OWASP, "CSV Injection".
    """
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return "'" + cell
    return cell
