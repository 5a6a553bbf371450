"""Requests that are answered later, and keys that make requests safe to repeat."""

import sqlalchemy as sa
from alembic import op

revision = "0004_jobs"
down_revision = "0003_keys"


def upgrade() -> None:
    """Make the tables of jobs, of their parts, and of first answers."""
    _make_jobs()
    _make_items()
    op.create_table(
        "first_answers",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("lease_end", sa.DateTime),
        sa.Column("status", sa.Integer),
        sa.Column("content_type", sa.String(64)),
        sa.Column("location", sa.Text),
        sa.Column("answer", sa.Text),
    )
    op.create_index("ix_first_answers_created_at", "first_answers", ["created_at"])


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("is_batch", sa.Boolean, nullable=False),
        sa.Column("verb", sa.String(8), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("body_name", sa.String(64)),
        sa.Column("webhook", sa.Text),
        sa.Column("webhook_due", sa.DateTime),
        sa.Column("webhook_attempts", sa.Integer, nullable=False),
    )
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"])
    op.create_index("ix_jobs_webhook_due", "jobs", ["webhook_due"])


def _make_items() -> None:
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.DateTime),
        sa.Column("ring_at", sa.Float(53), nullable=False),
        sa.Column("ring_pause_s", sa.Float(53), nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text),
    )
    op.create_index("ix_job_items_due", "job_items", ["due"])
