"""Which version of the tables a database has, and how it gets the newest.

The versions are the files in `migrations/versions`, named by their number and in one chain.
Alembic is imported only to go from one to the next: it takes 0.1 s, and most processes find
the newest version in place.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "alembic_version"
# Any number will do that nothing else in the same database locks.
_POSTGRES_LOCK: Final = 7308324465
# Upgrading a long history takes minutes, and whoever comes meanwhile waits for it.
_SQLITE_WAIT_MS: Final = 600_000


def newest_version() -> str:
    """Name the version that this code needs, such as "0002_owner"."""
    return max(path.stem for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def version_of(connection: Connection) -> str:
    """Name the version of a database.

    Parameters
    ----------
    connection : Connection
        To the database.

    Returns
    -------
    str
        Empty if it holds nothing, or tables from before there were versions.
    """
    if not inspect(connection).has_table(_VERSION_TABLE):
        return ""
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar() or ""


def is_outdated(connection: Connection) -> bool:
    """Tell whether a database lacks a version that this code needs.

    A newer one than this code knows is none of its business: while a release goes out, the
    processes of the last one keep working on what the first of the new ones upgraded.
    """
    return version_of(connection) < newest_version()


def lock_schema(connection: Connection) -> None:
    """Wait until no other process upgrades the database; held to the end of the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_SQLITE_WAIT_MS}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})"))


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest version, within the transaction that is open.

    Parameters
    ----------
    connection : Connection
        To a database that `lock_schema` has locked.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
