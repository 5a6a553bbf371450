"""Pieces of a page in Markdown."""

from collections.abc import Iterator, Sequence
from statistics import median


def heading(words: str) -> Iterator[str]:
    """Yield the lines of a heading."""
    yield from ("", f"## {words}", "")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def spread(values: Sequence[float], unit: str, digits: int) -> str:
    """Write a median with the lowest and the highest value."""
    space = "" if unit.startswith("/") else " "
    low, mid, high = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{mid}{space}{unit} ({low} to {high})"
