"""The history is read by its indexes, however long it is."""

from collections.abc import Iterator

import pytest

from bench.history import plans, questions
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
