"""`flask keys`: make, list and revoke keys, and do without them again."""

from datetime import datetime
from typing import Final

import click
from flask.cli import AppGroup

from application.commands.command_errors import errors_told
from application.web.request_context import services
from emosync.history import TIMESTAMP_FORMAT
from emosync.keys import PREDICT, READ, SCOPES, Key

_BEFORE_KEYS: Final = ""

keys_group = AppGroup("keys", help="Keys of those who may ask. The first one puts keys in force.")


@keys_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=(PREDICT, READ),
    show_default=True,
    help="What the key may do; may be given several times.",
)
@click.option("--replaces", metavar="ID", help="Share the history of that key, to take its place.")
@click.option("--inherits", is_flag=True, help="See what was made before there were keys.")
def create(name: str, scopes: tuple[str, ...], replaces: str | None, inherits: bool) -> None:
    """Make a key called NAME and print it, this once.

    The key alone goes to standard output, so that a script can take it from there.
    """
    if replaces and inherits:
        raise click.UsageError("A key has one history: choose --replaces or --inherits.")
    keys = services().keys
    owner = _BEFORE_KEYS if inherits else None
    with errors_told():
        if replaces:
            owner = keys.find(replaces).owner
        key, text = keys.create(name, scopes, owner=owner)
    click.echo(text)
    click.echo(f"This is key {key.id}. It is shown only now: keep it.", err=True)


@keys_group.command("list")
def list_keys() -> None:
    """List all keys, revoked ones too, without their secrets."""
    rows = [("ID", "SCOPES", "MADE", "REVOKED", "NAME")]
    with errors_told():
        rows += [_row(key) for key in services().keys.all()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


@keys_group.command("revoke")
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Let the key ID be good no more, at once and for ever."""
    with errors_told():
        services().keys.revoke(key_id)
    click.echo(f"Key {key_id} is revoked.")


@keys_group.command("off")
@click.confirmation_option(prompt="Delete every key, so that everybody may do everything?")
def off() -> None:
    """Delete every key, revoked ones too: everybody may ask again, at once.

    What a key made stays hidden, unless the key was made with --inherits.
    """
    with errors_told():
        n_deleted = services().keys.delete_all()
    click.echo(f"Keys are off: {n_deleted} deleted.")


def _row(key: Key) -> tuple[str, str, str, str, str]:
    scopes = ",".join(scope for scope in SCOPES if scope in key.scopes)
    return (key.id, scopes, _time(key.created_at), _time(key.revoked_at), key.name)


def _time(moment: datetime | None) -> str:
    return moment.strftime(TIMESTAMP_FORMAT) if moment else "-"
