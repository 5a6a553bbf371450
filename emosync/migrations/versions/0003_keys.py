"""Keys of those who may ask."""

import sqlalchemy as sa
from alembic import op

revision = "0003_keys"
down_revision = "0002_owner"


def upgrade() -> None:
    """Make the table; it is empty, and so everybody may ask as before."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("owner", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
    )
