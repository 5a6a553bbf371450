import pytest

from emosync.video_child import LENGTH_UNKNOWN, LIVE, TOO_LONG, refusal_of


@pytest.mark.parametrize(
    ("info", "refusal"),
    [
        ({"duration": 600}, None),
        ({"duration": 0.5, "is_live": False, "live_status": "not_live"}, None),
        ({"duration": 60, "live_status": "was_live"}, None),
        ({"duration": 600.5}, TOO_LONG),
        ({"duration": float("inf")}, TOO_LONG),
        ({}, LENGTH_UNKNOWN),
        ({"duration": None}, LENGTH_UNKNOWN),
        ({"duration": 0}, LENGTH_UNKNOWN),
        ({"duration": -1}, LENGTH_UNKNOWN),
        ({"duration": float("nan")}, LENGTH_UNKNOWN),
        ({"duration": "60"}, LENGTH_UNKNOWN),
        ({"duration": 60, "is_live": True}, LIVE),
        ({"is_live": True}, LIVE),
        ({"duration": 60, "live_status": "is_live"}, LIVE),
        ({"duration": 60, "live_status": "is_upcoming"}, LIVE),
        ({"duration": 60, "live_status": "post_live"}, LIVE),
    ],
)
def test_a_video_is_judged_by_its_description(info: dict[str, object], refusal: str | None) -> None:
    assert refusal_of(info, 600.0) == refusal
