"""Predictions kept in SQL, newest first."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Float,
    Index,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    false,
    insert,
    select,
    tuple_,
)

from emosync.caller import current_caller
from emosync.database import METADATA, Database
from emosync.errors import NotFound, ParameterError
from emosync.results import Window
from emosync.sources import as_text

TIMESTAMP_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_PAGE: Final = 1_000
# What fits into 63 bits.
_ID_DIGITS: Final = 18

PREDICTIONS: Final = Table(
    "predictions",
    METADATA,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("audio_file", String(64), nullable=False, unique=True),
    Column("filename", Text, nullable=False),
    Column("timestamp", DateTime, nullable=False),
    Column("task", String(32), nullable=False),
    Column("method", String(64), nullable=False),
    Column("emotion", String(64), nullable=False),
    Column("confidence", Float(53), nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("duration_s", Float(53), nullable=False),
    Column("windows", JSON, nullable=False),
    Column("owner", String(64), nullable=False, server_default=""),
    # Postgres refuses to index names longer than a few kilobytes.
    Column("filename_key", String(32), nullable=False, server_default=""),
    Column("details", JSON, nullable=False, server_default="{}"),
    Index("ix_predictions_page", "owner", "timestamp", "id"),
    Index("ix_predictions_name", "owner", "filename_key", "id"),
    # The id of a deleted entry is never given again.
    sqlite_autoincrement=True,
)
# Newest first; of the same second, the one that was kept last.
_NEWEST_FIRST: Final = (PREDICTIONS.c.timestamp.desc(), PREDICTIONS.c.id.desc())


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
    details : mapping of str to JSON
        What drawings need beyond the answer: the boxes of faces, how a curve became a sequence.
        Empty where they need nothing, and in entries of the time before it was kept.
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
    details: Mapping[str, Any] = field(default_factory=dict)
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
    details: Mapping[str, Any] = MappingProxyType({}),
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
    details : mapping of str to JSON
        What drawings need beyond the answer.
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
        details=dict(details),
    )


_COLUMNS: Final = tuple(PREDICTIONS.c[member.name] for member in fields(Entry))
# What no list shows, and may be long.
_UNLISTED: Final = ("windows", "details")
_LISTED: Final = tuple(column for column in _COLUMNS if column.name not in _UNLISTED)


class History:
    """Entries in the database, of whoever is asking.

    Every query names the owner (`emosync.caller`): what belongs to another is not found. Only
    `emosync.removal` passes over whose it is.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep entries: all of them, or none if the database fails."""
        rows = [_row(entry) for entry in entries]
        with self._database.begin() as connection:
            connection.execute(insert(PREDICTIONS), rows)

    def page(self, *, limit: int, before: str | None = None) -> list[Entry]:
        """Return the newest entries, without windows and details, which no list shows.

        Parameters
        ----------
        limit : int
            How many at most.
        before : str, optional
            Only entries older than this one: its `id`, its `audio_file`, or a time such as
            "2024-01-15 14:30:25".

        Raises
        ------
        ParameterError
            If `before` is nothing of the kind.
        """
        query = _own(_LISTED).order_by(*_NEWEST_FIRST).limit(limit)
        with self._database.begin() as connection:
            if before is not None:
                query = query.where(_is_older(connection, before))
            return _entries(connection, query)

    def find(self, name: str) -> Entry:
        """Return the entry of that unique `audio_file`, or the newest of that uploaded name.

        Raises
        ------
        NotFound
            If there is neither.
        """
        with self._database.begin() as connection:
            return _found(connection, name)

    def named(self, audio_files: Sequence[str]) -> list[Entry]:
        """Return the entries of those names that are there, in the order of the names."""
        query = _own(_COLUMNS).where(PREDICTIONS.c.audio_file.in_(audio_files))
        with self._database.begin() as connection:
            found = {entry.audio_file: entry for entry in _entries(connection, query)}
        return [found[name] for name in audio_files if name in found]

    def exactly(self, name: str) -> Entry:
        """Return the entry of that `id` or `audio_file`; raises NotFound."""
        number = _as_id(name)
        is_it = _is_file(name) if number is None else PREDICTIONS.c.id == number
        with self._database.begin() as connection:
            for entry in _entries(connection, _own(_COLUMNS).where(is_it)):
                return entry
        raise NotFound("The history holds no such prediction.")

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


def filename_key(filename: str) -> str:
    """Shorten a name to what an index takes: 32 hexadecimal digits of its SHA-256."""
    return sha256(filename.encode()).hexdigest()[:32]


def _own(columns: Iterable[Column[Any]]) -> Select[Any]:
    """Begin every query of entries: this is the one place that keeps owners apart."""
    return select(*columns).where(PREDICTIONS.c.owner == current_caller().owner)


def _entries(connection: Connection, query: Select[Any]) -> list[Entry]:
    return [_entry(row) for row in connection.execute(query).mappings()]


def _entry(row: RowMapping) -> Entry:
    members = dict(row)
    windows = tuple(Window(**window) for window in members.pop("windows", ()))
    return Entry(**members, windows=windows)


def _row(entry: Entry) -> dict[str, Any]:
    row = asdict(entry)
    del row["id"]  # the database counts
    return {
        **row,
        "owner": current_caller().owner,
        "filename_key": filename_key(entry.filename),
    }


def _found(connection: Connection, name: str) -> Entry:
    # 128 bits tell all names apart; the name itself beside them would only cost the index's order.
    of_name = PREDICTIONS.c.filename_key == filename_key(as_text(name))
    newest = _own(_COLUMNS).where(of_name).order_by(PREDICTIONS.c.id.desc()).limit(1)
    for query in (_own(_COLUMNS).where(_is_file(name)), newest):
        for entry in _entries(connection, query):
            return entry
    raise NotFound("The history holds no prediction for a file of that name.")


def _is_file(name: str) -> ColumnElement[bool]:
    return PREDICTIONS.c.audio_file == as_text(name)


def _is_older(connection: Connection, before: str) -> ColumnElement[bool]:
    """Say which entries follow that one, or are older than that time."""
    number = _as_id(before)
    if number is not None:
        return _follows(connection, number)
    try:
        moment = datetime.fromisoformat(before)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return _follows(connection, _id_of(connection, before))
    return PREDICTIONS.c.timestamp < moment.replace(tzinfo=None)


def _as_id(text: str) -> int | None:
    is_id = text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS
    return int(text) if is_id else None


def _follows(connection: Connection, number: int) -> ColumnElement[bool]:
    """Say which entries follow the one of that id, or its place if it was deleted."""
    query = select(PREDICTIONS.c.timestamp).where(PREDICTIONS.c.id <= number)
    timestamp = connection.scalar(query.order_by(PREDICTIONS.c.id.desc()).limit(1))
    if timestamp is None:
        return false()
    return tuple_(PREDICTIONS.c.timestamp, PREDICTIONS.c.id) < tuple_(timestamp, number)


def _id_of(connection: Connection, audio_file: str) -> int:
    try:
        return _found(connection, audio_file).id or 0
    except NotFound as exc:
        raise ParameterError(
            "`before` must be the id or audio_file of an entry, "
            "or a time such as 2024-01-15 14:30:25."
        ) from exc
