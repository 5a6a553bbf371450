import csv
import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emosync.errors import InvalidFeatures
from emosync.song_features import MAX_STEPS, SongFeatures, read_csv, write_csv

NAMES = ("level_db", "tag_slow,_sad", "tag_60s")
HEAD = 'frameTime,level_db,"tag_slow,_sad",tag_60s\n'


def features(n_steps: int = 4, *, names: tuple[str, ...] = NAMES, seed: int = 7) -> SongFeatures:
    values = np.random.default_rng(seed).normal(size=(n_steps, len(names)))
    time_s = np.arange(n_steps, dtype=np.float64) / 2
    return SongFeatures(time_s, values.astype(np.float32), names)


def read(text: str) -> SongFeatures:
    return read_csv(text.encode(), NAMES)


def test_features_survive_the_file() -> None:
    written = features(1_000)
    found = read_csv(write_csv(written), NAMES)
    assert found.names == NAMES
    np.testing.assert_array_equal(found.time_s, written.time_s)
    np.testing.assert_allclose(found.values, written.values, rtol=5e-5)
    assert found.time_s.dtype == np.dtype(np.float64)
    assert found.values.dtype == np.dtype(np.float32)


@given(
    arrays.arrays(
        np.float32, (3, 3), elements=st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False)
    )
)
def test_any_finite_value_survives_with_five_digits(values: np.ndarray) -> None:
    written = SongFeatures(np.arange(3.0), values, NAMES)
    np.testing.assert_allclose(read_csv(write_csv(written), NAMES).values, values, rtol=5e-5)


def test_the_time_comes_first_and_keeps_its_milliseconds() -> None:
    late = SongFeatures(np.array([7_199.123]), np.zeros((1, 3), np.float32), NAMES)
    head, row = csv.reader(io.StringIO(write_csv(late).decode()))
    assert head == ["frameTime", *NAMES]
    assert row == ["7199.123", "0", "0", "0"]


def test_columns_are_found_by_name() -> None:
    found = read('tag_60s,frameTime,"tag_slow,_sad",level_db\n3,0.5,2,1\n')
    assert found.time_s.tolist() == [0.5]
    assert found.values.tolist() == [[1, 2, 3]]


def test_rows_are_brought_into_the_order_of_time() -> None:
    found = read(HEAD + "1,10,11,12\n0,0,1,2\n0.5,5,6,7\n")
    assert found.time_s.tolist() == [0, 0.5, 1]
    assert found.values[:, 0].tolist() == [0, 5, 10]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\n\n") + "\n \n",
        lambda text: text.replace("1.5", '"1.5"'),
        lambda text: text.replace("1.5", " 1.5 "),
        lambda text: text.replace("1.5", "+1.5E+0"),
        lambda text: text.replace("level_db", " level_db "),
    ],
)
def test_harmless_habits_of_other_writers_are_fine(change: Callable[[str], str]) -> None:
    text = HEAD + "0,1.5,2,3\n0.5,4,5,6\n"
    found = read(change(text))
    assert found.values.tolist() == [[1.5, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (HEAD, "no rows"),
        (HEAD + "\n \n", "no rows"),
        ("level_db,tag_60s\n1,2\n", "'frameTime', 'tag_slow,_sad'"),
        ("frameTime,level_db,tag_60s\n0,1,2\n", "lack the column 'tag_slow,_sad'"),
        ("time,loudness\n1,2\n", "and 1 more"),
        (HEAD.replace("\n", ",tempo\n") + "0,1,2,3,4\n", "'tempo', which the models do not know"),
        ("," + HEAD + "0,0,1,2,3\n", "column '', which"),
        (HEAD.replace("\n", ",level_db\n") + "0,1,2,3,4\n", "'level_db' more than once"),
        (HEAD.replace(",", ";") + "0;1;2;3\n", "lack the columns"),
        (HEAD + "0,1,2,3\n0.5,1,nan,3\n", "Row 2 .* NaN in the column 'tag_slow,_sad'"),
        (HEAD + "0,1,2,inf\n", "Row 1 .* no finite number in the column 'tag_60s'"),
        (HEAD + "0,1,2,1e39\n", "Row 1 .* no finite number in the column 'tag_60s'"),
        (HEAD + "nan,1,2,3\n", "Row 1 .* NaN in the column 'frameTime'"),
        (HEAD + "0,1,2,3\n0.5,loud,2,3\n", "Row 2 .* no number in the column 'level_db'"),
        (HEAD + "0,1,2,3\n0.5,,2,3\n", "Row 2 .* no number in the column 'level_db'"),
        (HEAD + "0,1_0,2,3\n", "Row 1 .* no number in the column 'level_db'"),
        (HEAD + "0,\u0661,2,3\n", "Row 1 .* no number in the column 'level_db'"),
        (HEAD + "0,1,2,3\n0.5,1,2\n", "Row 2 .* 3 cells where the header has 4"),
        (HEAD + "0,1,2,3,4\n", "Row 1 .* 5 cells"),
        (HEAD + "0,1,2,3\n1,1,2,3\n0,4,5,6\n", "Rows 1 and 3 .* same frameTime, 0 s"),
        (HEAD + '0,"1,2,3\n', "no valid CSV"),
        (HEAD + "0,1,2," + '"' + "3" * 200_000 + '"\n', "no valid CSV"),
        (HEAD + "0,1,2," + "3" * 200_000 + "\n", "."),
        ("x" * 300_000 + "\n0\n", "."),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidFeatures, match=message) as caught:
        read(text)
    assert caught.value.status == 422
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("data", [b"\xff\xfe0\x00", b"PK\x03\x04\x80\x81", bytes(100)])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidFeatures):
        read_csv(data, NAMES)


def test_more_rows_than_any_song_has_are_refused() -> None:
    rows = "".join(f"{i},1,2,3\n" for i in range(MAX_STEPS + 1))
    with pytest.raises(InvalidFeatures, match="more than 50000 rows"):
        read(HEAD + rows)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidFeatures):
        read_csv(data, NAMES)


@given(st.text(alphabet='0123456789.,-+einfatx" \n', max_size=80))
def test_any_body_is_read_or_refused(body: str) -> None:
    try:
        found = read(HEAD + body)
    except InvalidFeatures:
        return
    assert np.isfinite(found.values).all()
    assert (np.diff(found.time_s) > 0).all()


def test_four_minutes_of_260_features_are_read_within_a_blink() -> None:
    names = tuple(f"feature_{i}" for i in range(260))
    data = write_csv(features(480, names=names))
    durations_s = []
    for _ in range(5):
        started_s = time.perf_counter()
        read_csv(data, names)
        durations_s.append(time.perf_counter() - started_s)
    # About 10 ms; the margin is for a busy machine.
    assert min(durations_s) < 0.1
