import logging

import pytest

from application.jobs.job_endurance import Endurance
from emosync.errors import DatabaseUnavailable


def test_an_outage_is_told_once_until_it_has_passed(caplog: pytest.LogCaptureFixture) -> None:
    endurance = Endurance("the work")

    def fail() -> None:
        with endurance.outlived():
            raise DatabaseUnavailable("It is away.")

    for _ in range(3):
        fail()
        assert endurance.has_failed
    with endurance.outlived():
        pass
    assert not endurance.has_failed
    fail()
    assert [record.message for record in caplog.records] == ["the work waits: It is away."] * 2


def test_a_defect_is_logged_each_time_and_outlived(caplog: pytest.LogCaptureFixture) -> None:
    endurance = Endurance("the work")
    for _ in range(2):
        with endurance.outlived():
            raise KeyError("defect")
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert endurance.has_failed
