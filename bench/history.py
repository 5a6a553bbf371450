"""How long the history takes at ten million rows, and by which plan it is read.

python -m bench.history                          SQLite, in a temporary folder
python -m bench.history --url postgresql+psycopg://tests@localhost/empty
"""

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
from emosync.caller import Caller, working_for
from emosync.database import Database
from emosync.errors import NotFound
from emosync.history import Entry, History
from emosync.recordings import new_name

_PAGE: Final = 100
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


def measure(history: History, question: Question, *, n_times: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of the time in ms."""
    times_ms = []
    with working_for(Caller(question.owner)):
        question.ask(history)  # the first one compiles the query
        for _ in range(n_times):
            began_s = time.perf_counter()
            question.ask(history)
            times_ms.append(1_000 * (time.perf_counter() - began_s))
    return median(times_ms), quantiles(times_ms, n=100)[98]


def plans(database: Database, question: Question) -> list[str]:
    """Return how the database goes about each query of a question.

    Parameters
    ----------
    database : Database
        Filled, and with statistics.
    question : Question
        What is asked.

    Returns
    -------
    list of str
        In the words of EXPLAIN, without figures.
    """
    with _queries() as queries, working_for(Caller(question.owner)):
        question.ask(History(database))
    return [_plan(database, *query) for query in queries]


def _plan(database: Database, statement: str, parameters: Any) -> str:
    with database.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN (COSTS OFF) "
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
    return "; ".join(str(row[-1]).strip() for row in rows)


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
@click.option("--times", "n_times", default=200, show_default=True)
def main(n_rows: int, url: str | None, n_times: int) -> None:
    """Fill a history and measure what is asked of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite3"
        url = url or f"sqlite:///{path}"
        began_s = time.perf_counter()
        fill(url, n_rows)
        click.echo(f"{n_rows:,} rows in {time.perf_counter() - began_s:.0f} s", err=True)
        database = Database(url)
        click.echo(_size(database, path))
        click.echo("| what is asked | median ms | 99th percentile ms | plan |\n|---|---|---|---|")
        for question in questions(n_rows):
            middle_ms, slow_ms = measure(History(database), question, n_times=n_times)
            plan = " / ".join(plans(database, question))
            click.echo(f"| {question.name} | {middle_ms:.2f} | {slow_ms:.2f} | {plan} |")
        database.close()


def _size(database: Database, path: Path) -> str:
    with database.begin() as connection:
        if connection.dialect.name == "sqlite":
            n_bytes = path.stat().st_size
        else:
            total = text("SELECT pg_total_relation_size('predictions')")
            n_bytes = int(connection.execute(total).scalar_one())
    return f"{n_bytes / 1e9:.2f} GB with its indexes"


if __name__ == "__main__":
    main()
