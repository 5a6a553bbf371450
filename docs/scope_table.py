"""What each scope of a key opens, from the table of the application."""

import re
from collections.abc import Iterable

from application.web.access import SCOPES
from docs.tables import table
from emosync import keys


def scopes() -> str:
    """List the routes by the scope of which a key needs one."""
    rows = [
        (f"`{scope}`", _routes(route for route, taken in SCOPES.items() if scope in taken))
        for scope in keys.SCOPES
    ]
    free = _routes(route for route, taken in SCOPES.items() if not taken)
    return table(("Scope", "Opens"), [*rows, ("none", free)])


def _routes(found: Iterable[str]) -> str:
    return ", ".join(f"`{_short(route)}`" for route in found)


def _short(route: str) -> str:
    """Write the arguments of a path in capitals, as the rest of the page does."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: match[1].upper(), route)
