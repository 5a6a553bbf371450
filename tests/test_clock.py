import pytest

from emosync import clock


@pytest.mark.parametrize(
    ("time_s", "printed"),
    [
        (0.0, "0.0 s"),
        (0.3, "0.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00 min"),
        (61.0, "1:01 min"),
        (600.0, "10:00 min"),
    ],
)
def test_times_carry_their_unit(time_s: float, printed: str) -> None:
    assert clock.duration(time_s) == printed


@pytest.mark.parametrize(
    ("time_s", "printed"),
    [(0.0, "0:00"), (8.4, "0:08"), (59.7, "1:00"), (3599.0, "59:59"), (7200.0, "120:00")],
)
def test_minutes_go_on_above_an_hour(time_s: float, printed: str) -> None:
    assert clock.minutes(time_s) == printed
