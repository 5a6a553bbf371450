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
    [
        (0.0, "0:00"),
        (6.5, "0:07"),
        (8.4, "0:08"),
        (9.5, "0:10"),
        (59.7, "1:00"),
        (3599.0, "59:59"),
        (7200.0, "120:00"),
    ],
)
def test_minutes_go_on_above_an_hour(time_s: float, printed: str) -> None:
    assert clock.minutes(time_s) == printed


@pytest.mark.parametrize(
    ("times_s", "printed"),
    [
        ([], []),
        ([0.0, 8.0, 61.0], ["0:00", "0:08", "1:01"]),
        ([0.0, 6.5, 9.5], ["0:00.0", "0:06.5", "0:09.5"]),
        ([1.4, 59.96, 3661.25], ["0:01.4", "1:00.0", "61:01.3"]),
    ],
)
def test_times_of_one_list_have_tenths_unless_all_are_whole(
    times_s: list[float], printed: list[str]
) -> None:
    assert clock.exact_minutes(times_s) == printed
