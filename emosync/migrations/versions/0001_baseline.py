"""Predictions and settings, as they were before there were versions.

Databases of that time hold these tables already, and are taken over as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001_baseline"
down_revision = None


def upgrade() -> None:
    """Make the tables, unless they are there."""
    op.create_table(
        "predictions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("audio_file", sa.String(64), nullable=False, unique=True),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("timestamp", sa.DateTime, nullable=False),
        sa.Column("task", sa.String(32), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("emotion", sa.String(64), nullable=False),
        sa.Column("confidence", sa.Float(53), nullable=False),
        sa.Column("probabilities", sa.JSON, nullable=False),
        sa.Column("duration_s", sa.Float(53), nullable=False),
        sa.Column("windows", sa.JSON, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_predictions_timestamp", "predictions", ["timestamp"], if_not_exists=True)
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String(256), nullable=False),
        if_not_exists=True,
    )
