"""Predictions belong to a key, and a page of ten million is read by an index.

Their ids outlast 32 bits, and the id of a deleted one is never given again.
"""

from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_owner"
down_revision = "0001_baseline"


def upgrade() -> None:
    """Add the columns, tell the keys of the names that are there, and make the indexes."""
    # SQLite cannot change a column: there the table is copied.
    with op.batch_alter_table(
        "predictions", table_kwargs={"sqlite_autoincrement": True}
    ) as predictions:
        predictions.alter_column(
            "id",
            existing_type=sa.Integer(),
            type_=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        )
        predictions.add_column(sa.Column("owner", sa.String(64), nullable=False, server_default=""))
        predictions.add_column(
            sa.Column("filename_key", sa.String(32), nullable=False, server_default="")
        )
    _key_names(op.get_bind())
    # Postgres would rather read this one, and pass over all rows of others.
    op.drop_index("ix_predictions_timestamp", "predictions")
    op.create_index("ix_predictions_page", "predictions", ["owner", "timestamp", "id"])
    op.create_index("ix_predictions_name", "predictions", ["owner", "filename_key", "id"])


def _key_names(connection: sa.Connection) -> None:
    """Fill the column that `emosync.history` calculates for new entries."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("filename_key", 1, _key, deterministic=True)
        key = "filename_key(filename)"
    else:
        connection.execute(sa.text("ALTER SEQUENCE predictions_id_seq AS bigint"))
        key = "left(encode(sha256(convert_to(filename, 'UTF8')), 'hex'), 32)"
    connection.execute(sa.text(f"UPDATE predictions SET filename_key = {key}"))


def _key(filename: str) -> str:
    return sha256(filename.encode()).hexdigest()[:32]
