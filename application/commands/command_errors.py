"""How commands tell of errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from emosync.errors import EmoSyncError


@contextmanager
def errors_told() -> Iterator[None]:
    """Show an error's message without its traceback."""
    try:
        yield
    except EmoSyncError as exc:
        raise click.ClickException(exc.message) from exc
