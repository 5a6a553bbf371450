"""Predictions keep what their drawings need beyond the answer; older ones have nothing of it."""

import sqlalchemy as sa
from alembic import op

revision = "0005_details"
down_revision = "0004_jobs"


def upgrade() -> None:
    """Add the column."""
    op.add_column("predictions", sa.Column("details", sa.JSON, nullable=False, server_default="{}"))
