"""The first answer to each key that makes a request safe to repeat.

References
----------
.. [1] IETF draft-ietf-httpapi-idempotency-key-header-07, "The Idempotency-Key HTTP Header Field".
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Insert,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from emosync.caller import JobItem, current_caller
from emosync.database import METADATA, Database
from emosync.job_errors import IdempotencyInProgress, IdempotencyMismatch
from emosync.job_tables import now

KEPT_S: Final = 86_400.0
# Renewed while the request is at work, so that whoever lets it end has died.
LEASE_S: Final = 30.0
_LEASE_BYTES: Final = 16

FIRST_ANSWERS: Final = Table(
    "first_answers",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", DateTime, nullable=False, index=True),
    # Of whoever answers at the moment; null once the answer is there.
    Column("lease", String(32)),
    Column("lease_end", DateTime),
    Column("status", Integer),
    Column("content_type", String(64)),
    Column("location", Text),
    Column("answer", Text),
)


@dataclass(frozen=True)
class Begun:
    """A request that is to be answered now, as the first with its key.

    Attributes
    ----------
    owner, key : str
        Whose key it is, and the key.
    lease : str
        Proves who answers.
    created_at : datetime
        When the key first came, in UTC without a zone.
    """

    owner: str
    key: str
    lease: str
    created_at: datetime

    @property
    def item(self) -> JobItem:
        """What names the work, so that whoever does it over again adds no second entry or job.

        A key that comes again after a day means other work, while the job of the first is kept
        for longer.
        """
        place = f"{self.owner} {self.key} {self.created_at.isoformat()}"
        name = hashlib.sha256(place.encode()).hexdigest()[:32]
        return JobItem(name, 0, self.created_at)


@dataclass(frozen=True)
class FirstAnswer:
    """What the first request got.

    Attributes
    ----------
    status : int
        HTTP status.
    content_type, answer : str
        Of the body, and the body.
    location : str, optional
        Of the header Location.
    """

    status: int
    content_type: str
    answer: str
    location: str | None = None


class FirstAnswers:
    """Keys with the answers that they got, for a day; those of each caller are apart.

    Parameters
    ----------
    database : Database
        Where they are kept.
    lease_s : float
        How long a key stays with a request that shows no sign of life, in seconds.
    """

    def __init__(self, database: Database, *, lease_s: float = LEASE_S) -> None:
        self._database = database
        self.lease_s = lease_s

    def begin(self, key: str, fingerprint: str) -> Begun | FirstAnswer:
        """Find what a key got, or begin to answer it.

        Parameters
        ----------
        key : str
            As the caller sent it.
        fingerprint : str
            Of the whole request.

        Returns
        -------
        Begun or FirstAnswer

        Raises
        ------
        IdempotencyInProgress
            If the first request is being answered.
        IdempotencyMismatch
            If the first request was another.
        """
        begun = Begun(current_caller().owner, key, secrets.token_hex(_LEASE_BYTES), now())
        with self._database.begin() as connection:
            _forget(connection, begun.created_at, begun)
            if _insert(connection, begun, fingerprint, end=self._lease_end()):
                return begun
            row = connection.execute(select(FIRST_ANSWERS).where(_is(begun))).mappings().one()
            found = _found(row, fingerprint)
            return found or _taken_over(connection, row, begun, end=self._lease_end())

    def renew(self, begun: Begun) -> bool:
        """Prolong the lease of a request at work; tells whether it still was its own."""
        own = update(FIRST_ANSWERS).where(_is_own(begun))
        with self._database.begin() as connection:
            return connection.execute(own.values(lease_end=self._lease_end())).rowcount == 1

    def keep(self, begun: Begun, answer: FirstAnswer) -> None:
        """Keep the answer to a request, unless somebody else has begun to answer it."""
        kept = update(FIRST_ANSWERS).where(_is_own(begun))
        values = {
            "lease": None,
            "lease_end": None,
            "status": answer.status,
            "content_type": answer.content_type,
            "location": answer.location,
            "answer": answer.answer,
        }
        with self._database.begin() as connection:
            connection.execute(kept.values(values))

    def drop(self, begun: Begun) -> None:
        """Let the request be sent anew, as after a failure that may pass."""
        own = update(FIRST_ANSWERS).where(_is_own(begun))
        with self._database.begin() as connection:
            # Without a lease, so that nobody who is late prolongs it.
            connection.execute(own.values(lease=None, lease_end=begun.created_at))

    def forget(self) -> None:
        """Delete what is older than a day."""
        with self._database.begin() as connection:
            _forget(connection, now())

    def _lease_end(self) -> datetime:
        return now() + timedelta(seconds=self.lease_s)


def _forget(connection: Connection, moment: datetime, begun: Begun | None = None) -> None:
    """Delete what is older than a day: of one key, or of all."""
    old = FIRST_ANSWERS.c.created_at < moment - timedelta(seconds=KEPT_S)
    connection.execute(delete(FIRST_ANSWERS).where(old, _is(begun) if begun else true()))


def _insert(connection: Connection, begun: Begun, fingerprint: str, *, end: datetime) -> bool:
    """Begin a key; tells whether it is new. Of many at once one succeeds."""
    # An insert that leaves a row alone that is there is each dialect's own.
    if connection.dialect.name == "sqlite":
        new: Insert = sqlite.insert(FIRST_ANSWERS).on_conflict_do_nothing()
    else:
        new = postgresql.insert(FIRST_ANSWERS).on_conflict_do_nothing()
    values: Mapping[str, object] = {
        "owner": begun.owner,
        "key": begun.key,
        "fingerprint": fingerprint,
        "created_at": begun.created_at,
        "lease": begun.lease,
        "lease_end": end,
    }
    made = new.values(values).returning(FIRST_ANSWERS.c.key)
    return connection.scalar(made) is not None


def _found(row: RowMapping, fingerprint: str) -> FirstAnswer | None:
    """Return the answer if it is there."""
    if row["fingerprint"] != fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key came before, with another request.")
    if row["status"] is None:
        return None
    return FirstAnswer(row["status"], row["content_type"], row["answer"], row["location"])


def _taken_over(connection: Connection, row: RowMapping, begun: Begun, *, end: datetime) -> Begun:
    """Answer in the place of whoever died."""
    over = update(FIRST_ANSWERS).where(
        _is(begun),
        FIRST_ANSWERS.c.lease == row["lease"],
        FIRST_ANSWERS.c.lease_end <= begun.created_at,
    )
    if not connection.execute(over.values(lease=begun.lease, lease_end=end)).rowcount:
        raise IdempotencyInProgress(
            "The first request with this Idempotency-Key is still being answered; try again later."
        )
    return Begun(begun.owner, begun.key, begun.lease, row["created_at"])


def _is_own(begun: Begun) -> ColumnElement[bool]:
    return _is(begun) & (FIRST_ANSWERS.c.lease == begun.lease)


def _is(begun: Begun) -> ColumnElement[bool]:
    return (FIRST_ANSWERS.c.owner == begun.owner) & (FIRST_ANSWERS.c.key == begun.key)
