"""The tables of jobs. A job is a request that is answered later, whole or in parts."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Boolean, Column, DateTime, Float, ForeignKey, Integer, String, Table, Text

from emosync.database import METADATA

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
# In the order of a part's life.
STATES: Final = (QUEUED, RUNNING, DONE, FAILED, CANCELLED)

# What the parts have in common, and what is left to do once the last of them has ended.
JOBS: Final = Table(
    "jobs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("scopes", String(64), nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("finished_at", DateTime, index=True),
    Column("is_batch", Boolean, nullable=False),
    Column("verb", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body_name", String(64)),
    Column("webhook", Text),
    # When the webhook is called, or called again; null where there is nothing to call.
    Column("webhook_due", DateTime, index=True),
    Column("webhook_attempts", Integer, nullable=False),
)
JOB_ITEMS: Final = Table(
    "job_items",
    METADATA,
    Column("job_id", String(32), ForeignKey("jobs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(128), nullable=False),
    Column("query", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When the part may be taken: a queued one at once or after a pause, a running one when its
    # lease ends. Null as soon as it has ended, so that the index holds the others alone.
    Column("due", DateTime, index=True),
    # When workers are told of it again, in case they never heard or died, in seconds since 1970;
    # and how long they are left in peace after that. Numbers, which every database can add.
    Column("ring_at", Float(53), nullable=False),
    Column("ring_pause_s", Float(53), nullable=False),
    # Known to whoever works on it, and to nobody else.
    Column("lease", String(32)),
    Column("status", Integer),
    Column("answer", Text),
)


def now() -> datetime:
    """Return the time in UTC without a zone, as the tables hold it.

    The clocks of the machines need not agree to more than a lease: one that is fast takes
    work over too early, which costs the work and no more.
    """
    return datetime.now(UTC).replace(tzinfo=None)
