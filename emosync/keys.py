"""Keys of those who may ask, kept in SQL as digests.

A key is `emosync_ID_SECRET`. The id is public: it names the key in lists and in the history.
The secret is 256 random bits, so a plain SHA-256 keeps it safe, where a password would need a
slow hash: nobody tries that many [1]_.

References
----------
.. [1] NIST SP 800-63B, section 5.1.2.2, on look-up secrets of at least 112 bits.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    Column,
    DateTime,
    RowMapping,
    String,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)

from emosync.access_errors import KeyInvalid, KeyMissing
from emosync.database import METADATA, Database
from emosync.errors import NotFound, ParameterError
from emosync.key_text import ID_BYTES, PATTERN, SECRET_BYTES

PREDICT: Final = "predict"
READ: Final = "read"
ADMIN: Final = "admin"
SCOPES: Final = (PREDICT, READ, ADMIN)
MAX_NAME: Final = 64

# What the digest of a key that does not exist is compared with; no digest is like it.
_NO_DIGEST: Final = "-" * 64

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("owner", String(16), nullable=False),
    Column("name", String(MAX_NAME), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", String(64), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
)
# Built once, since every request asks.
_BY_ID: Final = select(API_KEYS).where(API_KEYS.c.id == bindparam("id"))
_ANY: Final = select(literal(1)).select_from(API_KEYS).limit(1)


@dataclass(frozen=True)
class Key:
    """A key without its secret.

    Attributes
    ----------
    id : str
        16 hexadecimal digits.
    owner : str
        To whom belongs what the key makes: its own id, or that of the key it replaces; empty
        for what was made before there were keys.
    name : str
        For people.
    scopes : frozenset of str
        Of `SCOPES`.
    created_at : datetime
        In UTC without a zone.
    revoked_at : datetime, optional
        None while it is good.
    """

    id: str
    owner: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None


class Keys:
    """Keys in the database, in force as soon as there is one.

    Parameters
    ----------
    database : Database
        Asked for every request, so that what is new, revoked or deleted holds at once in all
        workers.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, scopes: Sequence[str], *, owner: str | None = None
    ) -> tuple[Key, str]:
        """Make a key.

        Parameters
        ----------
        name : str
            For people; 1 to 64 characters.
        scopes : sequence of str
            Of `SCOPES`, at least one.
        owner : str, optional
            Whose history it shares; by default it begins its own.

        Returns
        -------
        Key
        str
            What callers send. It is stored nowhere and cannot be shown again.

        Raises
        ------
        ParameterError
            If the name or a scope cannot be used.
        """
        _check(name, scopes)
        key_id = secrets.token_hex(ID_BYTES)
        text = f"emosync_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
        key = Key(
            id=key_id,
            owner=key_id if owner is None else owner,
            name=name,
            scopes=frozenset(scopes),
            created_at=_now(),
        )
        row = {
            "id": key.id,
            "owner": key.owner,
            "name": key.name,
            "digest": _digest(text),
            "scopes": " ".join(sorted(key.scopes)),
            "created_at": key.created_at,
        }
        with self._database.begin() as connection:
            connection.execute(insert(API_KEYS).values(row))
        return key, text

    def all(self) -> list[Key]:
        """Return every key, revoked ones too, the oldest first."""
        query = select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)
        with self._database.begin() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def find(self, key_id: str) -> Key:
        """Return a key by its id; raises NotFound."""
        row = self._row(key_id)
        if row is None:
            raise NotFound("There is no key of that id.")
        return _key(row)

    def revoke(self, key_id: str) -> None:
        """Let a key be good no more, at once and for ever; raises NotFound."""
        self.find(key_id)
        query = update(API_KEYS).where(API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None))
        with self._database.begin() as connection:
            connection.execute(query.values(revoked_at=_now()))

    def delete_all(self) -> int:
        """Put keys out of force, at once: every key is deleted; returns how many there were.

        What they made keeps its owners: nobody sees it who did not see it before.
        """
        with self._database.begin() as connection:
            return connection.execute(delete(API_KEYS)).rowcount

    def check(self, text: str | None) -> Key | None:
        """Tell which key a request shows.

        Parameters
        ----------
        text : str or None
            What the caller sent as its key.

        Returns
        -------
        Key or None
            None while keys are not in use, whatever was sent.

        Raises
        ------
        KeyMissing, KeyInvalid
            If keys are in force and none, or none that is good, was sent.
        """
        key = self._known(text) if text else None
        if key is not None:
            return key
        if not self._are_in_force():
            return None
        if not text:
            raise KeyMissing("Send your key in the header X-API-Key, or as a Bearer token.")
        raise KeyInvalid("The key is not known, or was revoked.")

    def are_revoked(self, owner: str) -> bool:
        """Tell whether an owner has had keys and none of them is good any more.

        Parameters
        ----------
        owner : str
            As in `Key`; what belongs to nobody's key is never revoked.
        """
        is_good = (API_KEYS.c.owner == owner) & API_KEYS.c.revoked_at.is_(None)
        if not owner:
            return False
        with self._database.begin() as connection:
            return not connection.scalar(select(exists().where(is_good)))

    def _known(self, text: str) -> Key | None:
        """Return the key of that text unless it is unknown or revoked."""
        match = PATTERN.fullmatch(text)
        row = self._row(match[1]) if match else None
        # Compared always and in constant time, so that the answer's time tells nothing.
        is_right = hmac.compare_digest(_digest(text), row["digest"] if row else _NO_DIGEST)
        if row is None or not is_right or row["revoked_at"] is not None:
            return None
        return _key(row)

    def _row(self, key_id: str) -> RowMapping | None:
        with self._database.begin() as connection:
            return connection.execute(_BY_ID, {"id": key_id}).mappings().one_or_none()

    def _are_in_force(self) -> bool:
        with self._database.begin() as connection:
            return connection.execute(_ANY).scalar() is not None


def _check(name: str, scopes: Sequence[str]) -> None:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise ParameterError(f"The name of a key has 1 to {MAX_NAME} printable characters.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ParameterError(f"The scopes of a key are among {', '.join(SCOPES)}.")


def _digest(text: str) -> str:
    # Whatever a header may hold; what cannot be encoded is no key anyway.
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _key(row: RowMapping) -> Key:
    return Key(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        scopes=frozenset(row["scopes"].split()),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
