"""`flask purge`: remove what has been kept for long enough."""

from datetime import UTC, datetime, timedelta
from typing import Final

import click
from flask.cli import with_appcontext

from application.commands.command_errors import errors_told
from application.web.request_context import current_config, services

# No request takes that long, and no job waits that long.
_ORPHAN_AGE: Final = timedelta(days=7)


@click.command("purge")
@with_appcontext
def purge() -> None:
    """Remove predictions older than RETENTION_DAYS, and files that belong to none."""
    now = datetime.now(UTC).replace(tzinfo=None)
    days = current_config().retention_days
    with errors_told():
        if days:
            n_old = services().removal.remove_before(now - timedelta(days=days))
            click.echo(f"Removed {n_old} predictions older than {days} days.")
        else:
            click.echo("RETENTION_DAYS is 0: predictions are kept for ever.")
        n_orphans = services().removal.remove_orphans(now - _ORPHAN_AGE)
    click.echo(f"Removed {n_orphans} files that belong to no prediction.")
