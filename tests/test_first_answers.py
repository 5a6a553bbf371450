"""First answers in SQLite and in PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from emosync.caller import Caller, working_for
from emosync.database import Database
from emosync.first_answers import FIRST_ANSWERS, KEPT_S, LEASE_S, Begun, FirstAnswer, FirstAnswers
from emosync.job_errors import IdempotencyInProgress, IdempotencyMismatch
from emosync.job_tables import now

ANSWER = FirstAnswer(202, "application/json", '{"id": 1}', "/jobs/1")


@pytest.fixture
def answers(database: Database) -> FirstAnswers:
    return FirstAnswers(database)


def begun(answers: FirstAnswers, key: str = "k", fingerprint: str = "f") -> Begun:
    found = answers.begin(key, fingerprint)
    assert isinstance(found, Begun)
    return found


def make_older(database: Database, age_s: float) -> None:
    moment = now() - timedelta(seconds=age_s)
    with database.begin() as connection:
        end = moment + timedelta(seconds=LEASE_S)
        connection.execute(update(FIRST_ANSWERS).values(created_at=moment, lease_end=end))


def test_the_first_answer_comes_again(answers: FirstAnswers) -> None:
    answers.keep(begun(answers), ANSWER)
    assert answers.begin("k", "f") == ANSWER
    assert answers.begin("k", "f") == ANSWER


def test_a_key_is_refused_while_its_first_request_is_answered(answers: FirstAnswers) -> None:
    begun(answers)
    with pytest.raises(IdempotencyInProgress):
        answers.begin("k", "f")


def test_a_key_is_refused_with_another_request(answers: FirstAnswers) -> None:
    first = begun(answers)
    for _ in range(2):
        with pytest.raises(IdempotencyMismatch):
            answers.begin("k", "other")
        answers.keep(first, ANSWER)


def test_the_same_key_of_another_caller_is_another(answers: FirstAnswers) -> None:
    answers.keep(begun(answers), ANSWER)
    with working_for(Caller(owner="key2")):
        begun(answers, fingerprint="other")


def test_a_request_that_failed_may_be_sent_anew(answers: FirstAnswers) -> None:
    first = begun(answers)
    answers.drop(first)
    second = begun(answers)
    assert second.item == first.item
    assert not answers.renew(first)
    answers.keep(first, FirstAnswer(200, "application/json", "late"))
    with pytest.raises(IdempotencyInProgress):
        answers.begin("k", "f")


def test_who_shows_a_sign_of_life_keeps_the_key(database: Database) -> None:
    answers = FirstAnswers(database, lease_s=0.3)
    first = begun(answers)
    for _ in range(4):
        time.sleep(0.15)
        assert answers.renew(first)
        with pytest.raises(IdempotencyInProgress):
            answers.begin("k", "f")
    time.sleep(0.3)
    begun(answers)
    assert not answers.renew(first)


def test_who_died_while_answering_is_replaced_under_the_same_name(
    database: Database, answers: FirstAnswers
) -> None:
    begun(answers)
    make_older(database, LEASE_S + 1)
    second = begun(answers)
    assert now() - second.created_at > timedelta(seconds=LEASE_S)
    answers.keep(second, ANSWER)
    assert answers.begin("k", "f") == ANSWER


def test_a_key_may_mean_another_request_after_a_day(
    database: Database, answers: FirstAnswers
) -> None:
    answers.keep(begun(answers), ANSWER)
    make_older(database, KEPT_S - 60)
    assert answers.begin("k", "f") == ANSWER
    make_older(database, KEPT_S + 60)
    begun(answers, fingerprint="other")


def test_a_key_that_comes_again_after_a_day_names_other_work(
    database: Database, answers: FirstAnswers
) -> None:
    first = begun(answers)
    answers.keep(first, ANSWER)
    make_older(database, KEPT_S + 60)
    assert begun(answers).item.job_id != first.item.job_id


def test_old_answers_are_deleted(database: Database, answers: FirstAnswers) -> None:
    answers.keep(begun(answers), ANSWER)
    make_older(database, KEPT_S + 60)
    answers.keep(begun(answers, "new"), ANSWER)
    answers.forget()
    with database.begin() as connection:
        assert list(connection.scalars(FIRST_ANSWERS.select().with_only_columns(
            FIRST_ANSWERS.c.key))) == ["new"]  # fmt: skip


def test_of_many_at_once_one_answers(answers: FirstAnswers) -> None:
    def ask(_: int) -> bool:
        try:
            return isinstance(answers.begin("k", "f"), Begun)
        except IdempotencyInProgress:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(16))) == 1
