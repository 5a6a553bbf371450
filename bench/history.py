"""How long the history takes at ten million rows, and by which plan it is read.

`python -m bench.history` asks SQLite in a temporary folder, with `--url` another, empty database,
and prints a section of BENCHMARKS.md. `history.md` beside this holds the sections that stand
there, so that `make bench`, which takes no ten million rows, leaves them as they are.
"""

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import click
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from bench.history_rows import OWNERS, fill
from bench.machine import load_average, n_cores
from bench.page import heading, table
from emosync.caller import Caller, working_for
from emosync.database import Database
from emosync.errors import NotFound
from emosync.history import Entry, History
from emosync.recordings import new_name

_PAGE: Final = 100
_LITERAL: Final = re.compile(r"'[^']*'|\b\d+\b")
_OF_ROW_0: Final = "20240101-000000-0000000000000000.wav"


@dataclass(frozen=True)
class Question:
    """Something that is asked of the history.

    Attributes
    ----------
    name : str
        What it is.
    ask : callable
        Asks it.
    owner : str
        For whom.
    """

    name: str
    ask: Callable[[History], object]
    owner: str = ""


def questions(n_rows: int) -> Iterator[Question]:
    """Yield what the routes ask, at both ends and in the middle of the history."""
    middle = str(n_rows // 2)
    for owner in OWNERS:
        whose = {"": "without a key", "often": "of a key with 30 %", "seldom": "with 0.1 %"}[owner]
        yield Question(f"first page {whose}", lambda h: h.page(limit=_PAGE), owner)
        yield Question(f"middle page {whose}", lambda h: h.page(limit=_PAGE, before=middle), owner)
    moment = "2024-02-01 00:00:00"
    yield Question("page before a time", lambda h: h.page(limit=_PAGE, before=moment))
    yield Question("page of a stranger", lambda h: h.page(limit=_PAGE, before=middle), "stranger")
    yield Question("page of 1,000", lambda h: h.page(limit=1_000))
    yield Question("find by audio_file", lambda h: h.find(_OF_ROW_0), "seldom")
    yield Question("find by name", lambda h: h.find("recording 9999.wav"))
    yield Question("find what is not there", _find_nothing)
    yield Question("keep one", _keep_one)


@dataclass(frozen=True)
class Times:
    """How long a question takes, in ms.

    Attributes
    ----------
    median_ms, slow_ms : float
        Median and 99th percentile.
    processor_ms : float
        Median of the processor's time in this process: what is left on a busy machine.
    """

    median_ms: float
    slow_ms: float
    processor_ms: float


def measure(history: History, question: Question, *, n_times: int) -> Times:
    """Ask a question again and again."""
    times_ms, processor_ms = [], []
    with working_for(Caller(question.owner)):
        question.ask(history)  # the first one compiles the query
        for _ in range(n_times):
            began_s, used_s = time.perf_counter(), time.process_time()
            question.ask(history)
            times_ms.append(1_000 * (time.perf_counter() - began_s))
            processor_ms.append(1_000 * (time.process_time() - used_s))
    return Times(median(times_ms), quantiles(times_ms, n=100)[98], median(processor_ms))


def plans(database: Database, question: Question, *, are_run: bool = False) -> list[str]:
    """Return how the database goes about each query of a question.

    Parameters
    ----------
    database : Database
        Filled, and with statistics.
    question : Question
        What is asked.
    are_run : bool
        Whether Postgres runs them, and tells rows and times (EXPLAIN ANALYZE); SQLite has no
        figures to tell.

    Returns
    -------
    list of str
        In the words of EXPLAIN, a line for each step.
    """
    with _queries() as queries, working_for(Caller(question.owner)):
        question.ask(History(database))
    return [_plan(database, *query, is_run=are_run) for query in queries]


def _plan(database: Database, statement: str, parameters: Any, *, is_run: bool) -> str:
    options = "ANALYZE, BUFFERS, COSTS OFF" if is_run else "COSTS OFF"
    with database.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else f"EXPLAIN ({options}) "
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
    return "\n".join(str(row[-1]).rstrip() for row in rows)


@contextmanager
def _queries() -> Iterator[list[tuple[str, Any]]]:
    """Collect the queries that are sent meanwhile, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT predictions"):
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _find_nothing(history: History) -> None:
    try:
        history.find("none.wav")
    except NotFound:
        return


def _keep_one(history: History) -> None:
    (last,) = history.page(limit=1)
    entry: Entry = replace(last, audio_file=new_name(last.timestamp, container="wav"), id=None)
    history.add([entry])


@click.command()
@click.option("--rows", "n_rows", default=10_000_000, show_default=True)
@click.option("--url", help="Of an empty database; by default SQLite in a temporary folder.")
@click.option("--fill/--filled", "is_empty", default=True, help="Whether the rows are to be made.")
@click.option("--times", "n_times", default=200, show_default=True)
def main(n_rows: int, url: str | None, is_empty: bool, n_times: int) -> None:
    """Fill a history and measure what is asked of it."""
    with tempfile.TemporaryDirectory() as folder:
        url = url or f"sqlite:///{Path(folder) / 'history.sqlite3'}"
        began_s = time.perf_counter()
        if is_empty:
            fill(url, n_rows)
            click.echo(f"{n_rows:,} rows in {time.perf_counter() - began_s:.0f} s", err=True)
        database = Database(url)
        for line in section(database, n_rows, n_times=n_times):
            click.echo(line)
        database.close()


def section(database: Database, n_rows: int, *, n_times: int) -> Iterator[str]:
    """Measure everything, and write what came of it.

    Parameters
    ----------
    database : Database
        Filled.
    n_rows : int
        With so many rows.
    n_times : int
        How often each question is asked.

    Yields
    ------
    str
        Lines of Markdown.
    """
    busy = load_average()
    version, options = _version(database)
    yield from heading(f"The history at {n_rows:,} rows: {version}")
    rows = []
    for question in questions(n_rows):
        times = measure(History(database), question, n_times=n_times)
        figures = (times.median_ms, times.slow_ms, times.processor_ms)
        rows.append((question.name, *(f"{figure:.2f} ms" for figure in figures)))
    yield from table(("What is asked", "Median", "99th percentile", "Processor, median"), rows)
    yield ""
    yield (
        f"Written by `python -m bench.history --rows {n_rows}`: {n_times} times each by one client "
        f"in the same process, through the code that the routes use; a page has {_PAGE} rows. "
        f"{_size_bytes(database) / 1e9:.2f} GB with the indexes, {n_cores()} cores, load average "
        f"before {busy:.1f}: with more than one at work the 99th percentile tells how long others "
        "kept the core. The processor's time is that of this process, without a server's."
    )
    yield ""
    yield f"The plans, by `{options}`; questions with the same plan stand together:"
    for names, plan in _by_plan(database, n_rows):
        yield from ("", f"{', '.join(names)}:", "", "```text", *plan.split("\n"), "```")


def _by_plan(database: Database, n_rows: int) -> Iterator[tuple[list[str], str]]:
    """Yield the names of questions that are answered alike, with the plan of the first."""
    alike: dict[tuple[str, ...], list[Question]] = {}
    for question in questions(n_rows):
        # Postgres repeats what was asked for.
        shape = tuple(_LITERAL.sub("?", plan) for plan in plans(database, question))
        alike.setdefault(shape, []).append(question)
    for found in alike.values():
        told = plans(database, found[0], are_run=True)
        yield [question.name for question in found], "\n".join(told)


def _version(database: Database) -> tuple[str, str]:
    """Name the database, and how it was asked for its plans."""
    with database.begin() as connection:
        number = ".".join(map(str, connection.dialect.server_version_info or ()))
        if connection.dialect.name == "sqlite":
            return f"SQLite {number}", "EXPLAIN QUERY PLAN"
        fsync = connection.execute(text("SHOW fsync")).scalar_one()
        return f"PostgreSQL {number}, fsync {fsync}", "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF)"


def _size_bytes(database: Database) -> int:
    with database.begin() as connection:
        if connection.dialect.name == "sqlite":
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            return int(pages * connection.execute(text("PRAGMA page_size")).scalar_one())
        total = text("SELECT pg_total_relation_size('predictions')")
        return int(connection.execute(total).scalar_one())


if __name__ == "__main__":
    main()
