"""Predictions kept in SQL, newest first."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
)

from emosync.database import METADATA, Database
from emosync.errors import NotFound, ParameterError
from emosync.results import Window

TIMESTAMP_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
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
_PAGE: Final = 1_000

PREDICTIONS: Final = Table(
    "predictions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("audio_file", String(64), nullable=False, unique=True),
    # No index: Postgres refuses to index names longer than a few kilobytes.
    Column("filename", Text, nullable=False),
    Column("timestamp", DateTime, nullable=False, index=True),
    Column("task", String(32), nullable=False),
    Column("method", String(64), nullable=False),
    Column("emotion", String(64), nullable=False),
    Column("confidence", Float(53), nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("duration_s", Float(53), nullable=False),
    Column("windows", JSON, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """One prediction.

    Parameters
    ----------
    audio_file : str
        Unique name under which the recording is stored.
    filename : str
        Name that the client gave; data, never a path.
    timestamp : datetime
        When it was asked for, in UTC without a zone.
    task, method : str
        Which model answered.
    emotion : str
        The most probable label.
    confidence : float in [0, 1]
        Its probability.
    probabilities : mapping of str to float
        All labels, highest first.
    duration_s : float
        Length of the recording in seconds.
    windows : tuple of Window
        The emotion of each part, in order; a short recording has one.
    id : int, optional
        Number in the history; None before the entry is kept.
    """

    audio_file: str
    filename: str
    timestamp: datetime
    task: str
    method: str
    emotion: str
    confidence: float
    probabilities: Mapping[str, float]
    duration_s: float
    windows: tuple[Window, ...] = ()
    id: int | None = None

    @property
    def time_text(self) -> str:
        """The timestamp as answers show it."""
        return self.timestamp.strftime(TIMESTAMP_FORMAT)

    def row(self) -> dict[str, Any]:
        """Return the members of the history's answer."""
        top_3 = dict(islice(self.probabilities.items(), 3))
        return {
            "id": self.id,
            "timestamp": self.time_text,
            "filename": self.filename,
            "predicted_emotion": self.emotion,
            "confidence": self.confidence,
            "top_3_probabilities": json.dumps(top_3),
            "task": self.task,
            "method": self.method,
            "duration_s": self.duration_s,
            "audio_file": self.audio_file,
        }


def new_entry(
    filename: str,
    probabilities: Mapping[str, float],
    *,
    task: str,
    method: str,
    duration_s: float,
    windows: Sequence[Window] = (),
    nothing: str = "",
) -> Entry:
    """Make an entry of this moment, which `Archive.keep` then names.

    Parameters
    ----------
    filename : str
        Name that the client gave.
    probabilities : mapping of str to float
        All labels, highest first.
    task, method : str
        Which model answered.
    duration_s : float
        Length of the recording in seconds.
    windows : sequence of Window
        What each part was told to be.
    nothing : str
        The emotion where there are no probabilities.

    Returns
    -------
    Entry
    """
    emotion, confidence = next(iter(probabilities.items()), (nothing, 0.0))
    return Entry(
        audio_file="",
        filename=filename,
        timestamp=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        task=task,
        method=method,
        emotion=emotion,
        confidence=confidence,
        probabilities=dict(probabilities),
        duration_s=duration_s,
        windows=tuple(windows),
    )


class History:
    """Entries in the database.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep entries: all of them, or none if the database fails."""
        rows = [asdict(entry) for entry in entries]
        for row in rows:
            del row["id"]  # the database counts
        with self._database.begin() as connection:
            connection.execute(insert(PREDICTIONS), rows)

    def page(self, *, limit: int, before: str | None = None) -> list[Entry]:
        """Return the newest entries.

        Parameters
        ----------
        limit : int
            How many at most.
        before : str, optional
            Only entries older than this one: its `id`, its `audio_file`, or a time such as
            "2024-01-15 14:30:25".

        Raises
        ------
        NotFound
            If `before` names an audio_file that is not in the history.
        ParameterError
            If it is nothing of the kind.
        """
        query = select(PREDICTIONS).order_by(PREDICTIONS.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(self._older_than(before))
        with self._database.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [_entry(row) for row in rows]

    def find(self, name: str) -> Entry:
        """Return the entry of that unique `audio_file`, or the newest of that uploaded name.

        Raises
        ------
        NotFound
            If there is neither.
        """
        for column in (PREDICTIONS.c.audio_file, PREDICTIONS.c.filename):
            query = select(PREDICTIONS).where(column == name)
            query = query.order_by(PREDICTIONS.c.id.desc()).limit(1)
            with self._database.begin() as connection:
                row = connection.execute(query).mappings().one_or_none()
            if row is not None:
                return _entry(row)
        raise NotFound("The history holds no prediction for a file of that name.")

    def everything(self, *, limit: int | None = None, before: str | None = None) -> Iterator[Entry]:
        """Yield entries newest first, read page by page so that memory stays small."""
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            entries = self.page(limit=size, before=before)
            yield from entries
            if len(entries) < size:
                return
            before = str(entries[-1].id)
            left = None if left is None else left - size

    def _older_than(self, before: str) -> ColumnElement[bool]:
        if before.isascii() and before.isdigit() and len(before) < 10:
            return PREDICTIONS.c.id < int(before)
        try:
            moment = datetime.fromisoformat(before)
        except ValueError:
            return PREDICTIONS.c.id < self._id_of(before)
        return PREDICTIONS.c.timestamp < moment.replace(tzinfo=None)

    def _id_of(self, audio_file: str) -> int:
        try:
            return self.find(audio_file).id or 0
        except NotFound as exc:
            raise ParameterError(
                "`before` must be the id or audio_file of an entry, "
                "or a time such as 2024-01-15 14:30:25."
            ) from exc


def _entry(row: RowMapping) -> Entry:
    windows = tuple(Window(**window) for window in row["windows"])
    return Entry(**{**row, "windows": windows})


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
