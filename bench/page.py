"""Pieces of a page in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
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


def left_out(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a paragraph that names what is not there, each with its reason."""
    if reasons:
        yield f"Not measured: {'; '.join(f'{name}: {why}' for name, why in reasons.items())}."
        yield ""
