"""`flask db`: the version of the tables."""

import click
from flask.cli import AppGroup

from application.commands.command_errors import errors_told
from application.web.request_context import services
from emosync.schema import newest_version

database_group = AppGroup("db", help="The tables of the database, which come in versions.")


@database_group.command("upgrade")
def upgrade() -> None:
    """Bring the tables to the newest version; all of it, or nothing."""
    with errors_told():
        before = services().database.version()
        services().database.upgrade()
        after = services().database.version()
    click.echo(f"The tables were at {before or 'no version'} and are at {after}.")


@database_group.command("current")
def current() -> None:
    """Tell the version of the tables, and the one that this service needs."""
    with errors_told():
        found = services().database.version()
    click.echo(f"The tables are at {found or 'no version'}; {newest_version()} is needed.")
