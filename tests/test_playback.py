import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosync.errors import ParameterError, StoredPlaybackInvalid
from emosync.playback import (
    PlaybackSettings,
    curve_members,
    emotion_shares,
    playback_settings,
    stored_curve,
    stored_sequence,
)

CALM = {"start_time": 0.0, "emotion": "Calm"}
END = {"start_time": 214.5, "emotion": "Completed"}
CURVE = {"time_s": [0, 0.5], "valence": [0.1, -1], "arousal": [0, 1]}


def test_settings_that_are_absent_or_empty_are_left_alone() -> None:
    assert playback_settings({}) == PlaybackSettings()
    assert playback_settings({"smooth": "", "amplify": None, "song_id": "x"}).given == ()


def test_settings_are_read_from_text_and_from_numbers() -> None:
    found = playback_settings({"smooth": "7", "amplify": " 1.5 ", "min_duration": "+2e1"})
    assert found == PlaybackSettings(7, 1.5, 20.0)
    assert isinstance(found.smooth, int)
    assert found.given == ("smooth", "amplify", "min_duration")
    assert playback_settings({"smooth": 7, "amplify": 0.5}) == PlaybackSettings(7, 0.5)


@pytest.mark.parametrize(
    ("name", "highest", "more"),
    [("smooth", "1000", "1001"), ("amplify", "10", "10.001"), ("min_duration", "600", "600.5")],
)
def test_the_highest_value_is_taken_and_no_more(name: str, highest: str, more: str) -> None:
    assert playback_settings({name: highest}).given == (name,)
    with pytest.raises(ParameterError, match=name):
        playback_settings({name: more})


@pytest.mark.parametrize(
    "value",
    [
        *("0", "-1", "0.0", "-0", "nan", "NaN", "inf", "-inf", "1e999", "1e-999", "9" * 5_000),
        *("five", "1_0", "\u0661", "0x10", "1,5", "--1", "1 2", "1;2", "\x00", "1e", ".", "[1]"),
        *(True, [5], {"a": 1}, float("nan"), float("inf"), -3),
    ],
)
@pytest.mark.parametrize("name", ["smooth", "amplify", "min_duration"])
def test_what_is_no_number_above_0_is_refused_and_the_range_told(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=rf"'{name}' must be .*(1000|10|600)\.$"):
        playback_settings({name: value})


@pytest.mark.parametrize("value", ["1.5", "1e2", "5.0"])
def test_a_window_has_a_whole_number_of_steps(value: str) -> None:
    with pytest.raises(ParameterError, match="whole number"):
        playback_settings({"smooth": value})


def test_a_stored_sequence_keeps_its_two_members() -> None:
    data = json.dumps({"song_id": "x", "made": "long ago", "sequence": [{**CALM, "x": 1}, END]})
    assert stored_sequence(data.encode()) == [CALM, END]


def test_a_stored_sequence_may_be_empty_and_may_have_a_byte_order_mark() -> None:
    assert stored_sequence(b'{"sequence": []}') == []
    assert stored_sequence(b'\xef\xbb\xbf{"sequence": []}') == []


def test_two_rows_may_begin_at_the_same_time() -> None:
    assert len(stored_sequence(json.dumps({"sequence": [CALM, CALM]}).encode())) == 2


@pytest.mark.parametrize(
    "sequence",
    [
        None,
        {},
        "Calm",
        [None],
        ["Calm"],
        [[0.0, "Calm"]],
        [{}],
        [{"emotion": "Calm"}],
        [{"start_time": 0}],
        [{**CALM, "start_time": "0"}],
        [{**CALM, "start_time": True}],
        [{**CALM, "start_time": None}],
        [{**CALM, "start_time": -0.5}],
        [{**CALM, "start_time": float("nan")}],
        [{**CALM, "start_time": float("inf")}],
        [{**CALM, "start_time": 10**400}],
        [{**CALM, "emotion": ""}],
        [{**CALM, "emotion": "  "}],
        [{**CALM, "emotion": 5}],
        [END, CALM],
    ],
)
def test_a_sequence_that_no_player_could_follow_is_refused(sequence: Any) -> None:
    with pytest.raises(StoredPlaybackInvalid):
        stored_sequence(json.dumps({"sequence": sequence}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"sequence": [{"start_time": 1e999, "emotion": "Calm"}]}',
        b'{"sequence": [{"start_time": 0, "emotion": "\xe9"}]}',
        b"<html>not found</html>",
    ],
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    for read in (stored_sequence, stored_curve):
        with pytest.raises(StoredPlaybackInvalid) as caught:
            read(data)
        assert caught.value.status == 502


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (stored_sequence, stored_curve):
        with pytest.raises(StoredPlaybackInvalid):
            read(data)


def test_a_curve_survives_the_library() -> None:
    written = curve_members([0, 0.5, 1.0000001], [0.123456, 1, -1], [0, 0, 0])
    assert written["time_s"] == [0, 0.5, 1]
    assert written["valence"] == [0.1235, 1, -1]
    assert written["interval_s"] == 0.5
    read = stored_curve(json.dumps(written).encode())
    assert curve_members(**read) == written


@pytest.mark.parametrize(
    "change",
    [
        {"time_s": None},
        {"time_s": []},
        {"time_s": [0]},
        {"time_s": [0.5, 0]},
        {"time_s": [0, 0]},
        {"time_s": [0, "0.5"]},
        {"valence": [0.1, 1.5]},
        {"valence": [0.1, float("nan")]},
        {"arousal": [0, True]},
        {"arousal": "00"},
        {"time_s": [], "valence": [], "arousal": []},
    ],
)
def test_a_curve_that_is_none_is_refused(change: dict[str, Any]) -> None:
    stored_curve(json.dumps(CURVE).encode())
    with pytest.raises(StoredPlaybackInvalid):
        stored_curve(json.dumps(CURVE | change).encode())


def test_shares_add_up_the_time_of_each_emotion() -> None:
    rows = [(0.0, "Calm"), (15.0, "Happy"), (20.0, "Calm"), (25.0, "Tense"), (30.0, "Completed")]
    shares = emotion_shares(rows)
    assert list(shares) == ["Calm", "Happy", "Tense"]
    assert shares["Calm"] == pytest.approx(2 / 3, abs=1e-5)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)


@given(
    st.lists(
        st.tuples(st.floats(0.5, 500), st.sampled_from(["Calm", "Happy", "Tense"])), min_size=1
    )
)
def test_shares_sum_to_1_and_fall(runs: list[tuple[float, str]]) -> None:
    rows, time_s = [], 0.0
    for duration_s, emotion in runs:
        rows.append((time_s, emotion))
        time_s += duration_s
    shares = list(emotion_shares([*rows, (time_s, "Completed")]).values())
    assert sum(shares) == pytest.approx(1, abs=1e-9)
    assert shares == sorted(shares, reverse=True)
