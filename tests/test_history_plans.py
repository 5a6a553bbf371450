"""The history is read by its indexes, however long it is."""

import re
from collections.abc import Iterator

import pytest

from bench.history import plans, questions, section
from bench.history_rows import fill
from emosync.database import Database

_N_ROWS = 20_000
_QUESTIONS = {question.name: question for question in questions(_N_ROWS)}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('history')}/a.sqlite3"
    else:
        url = request.getfixturevalue("postgres").new_database()
        url = url.replace("postgresql://", "postgresql+psycopg://")
    fill(url, _N_ROWS)
    database = Database(url)
    yield database
    database.close()


@pytest.mark.parametrize("name", list(_QUESTIONS))
def test_an_index_answers_without_reading_or_sorting_all(filled: Database, name: str) -> None:
    found = plans(filled, _QUESTIONS[name])
    assert found
    for plan in found:
        assert "INDEX" in plan.upper() or "PRIMARY KEY" in plan
        assert "Seq Scan" not in plan
        assert "SCAN predictions" not in plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


def test_a_page_is_read_by_its_own_index(filled: Database) -> None:
    (plan,) = plans(filled, _QUESTIONS["first page of a key with 30 %"])
    assert "ix_predictions_page" in plan
    place, page = plans(filled, _QUESTIONS["middle page of a key with 30 %"])
    assert "ix_predictions_page" in page
    assert "predictions_pkey" in place or "PRIMARY KEY" in place


def test_the_section_has_a_row_and_a_plan_for_everything_that_is_asked(filled: Database) -> None:
    page = "\n".join(section(filled, _N_ROWS, n_times=2))
    times, _, told = page.partition("The plans, by `EXPLAIN")
    for name in _QUESTIONS:
        assert re.search(rf"^\| {re.escape(name)} \|( [0-9.]+ ms \|){{3}}$", times, re.MULTILINE)
        assert re.search(rf"^(.+, )?{re.escape(name)}(, .+)?:$", told, re.MULTILINE)
    assert "SEARCH predictions USING INDEX" in told or "actual time=" in told
    assert f"{_N_ROWS:,} rows" in page
