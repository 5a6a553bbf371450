import copy
import itertools
import json
import math
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosync.labels import (
    SONG_COMPLETED,
    SONG_INNER_EMOTIONS,
    SONG_NEUTRAL,
    SONG_OUTER_EMOTIONS,
)
from process_prediction import (
    amplify_prediction,
    compress_playback_sequence,
    jsonify_playback_sequence,
    map_song_va_to_emotion,
    map_va_to_emotion,
    prep_playback_sequence,
    smoothen_prediction,
)

INTERVAL_S = 0.5
VOCABULARY = {SONG_NEUTRAL, *SONG_INNER_EMOTIONS, *SONG_OUTER_EMOTIONS}
Rows = list[tuple[float, str]]


def curve_of(valence: npt.ArrayLike, arousal: npt.ArrayLike) -> pd.DataFrame:
    """Steps every half second, from 0 s."""
    valence, arousal = np.asarray(valence, float), np.asarray(arousal, float)
    times_s = INTERVAL_S * np.arange(valence.size)
    return pd.DataFrame({"time_s": times_s, "valence_pred": valence, "arousal_pred": arousal})


def emotions_of(*runs: str, start_s: float = 0.0) -> pd.DataFrame:
    """Steps every half second: "Calm 3" is three of them."""
    names = [name for run in runs for name in [run.split()[0]] * int(run.split()[1])]
    times_s = start_s + INTERVAL_S * np.arange(len(names))
    return pd.DataFrame({"time_s": times_s, "emotion": np.array(names, dtype=str)})


def sequence_of(*rows: tuple[float, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["start_time", "emotion"])


def rows_of(sequence: pd.DataFrame) -> Rows:
    assert list(sequence.columns) == ["start_time", "emotion"]
    assert list(sequence.index) == list(range(len(sequence)))
    return list(zip(sequence["start_time"], sequence["emotion"], strict=True))


def prepared(emotions: pd.DataFrame, minimum_s: float = 3.0) -> Rows:
    return rows_of(prep_playback_sequence(emotions, minimum_s))


def point(angle_deg: float, radius: float) -> tuple[float, float]:
    angle = math.radians(angle_deg)
    return radius * math.cos(angle), radius * math.sin(angle)


class TestMapVaToEmotion:
    @pytest.mark.parametrize(
        ("valence", "arousal", "emotion"),
        [
            # The axes and diagonals of the inner ring are borders: each begins a sector.
            (0.4, 0.0, "Cheerful"),
            (0.4, 0.4, "Joyous"),
            (0.0, 0.4, "Impatient"),
            (-0.4, 0.4, "Stressed"),
            (-0.4, 0.0, "Gloomy"),
            (-0.4, -0.4, "Fatigued"),
            (0.0, -0.4, "Calm"),
            (0.4, -0.4, "Hopeful"),
            # So are the axes of the outer ring; its diagonals are the middles of sectors.
            (0.8, 0.0, "Happy"),
            (0.7, 0.7, "Delighted"),
            (0.0, 0.8, "Tense"),
            (-0.7, 0.7, "Angry"),
            (-0.8, 0.0, "Depressed"),
            (-0.7, -0.7, "Bored"),
            (0.0, -0.8, "Peaceful"),
            (0.7, -0.7, "Relaxed"),
            (0.4, 0.8, "Excited"),
            (-0.8, 0.1, "Frustrated"),
            (-0.1, -0.8, "Tired"),
            (0.8, -0.1, "Content"),
            # The rings: under is strict.
            (0.0, 0.0, "Neutral"),
            (0.1999, 0.0, "Neutral"),
            (0.2, 0.0, "Cheerful"),
            (-0.16, 0.12, "Stressed"),
            (0.5999, 0.0, "Cheerful"),
            (0.6, 0.0, "Happy"),
            (0.0, -0.6, "Peaceful"),
            (1.0, 1.0, "Delighted"),
            (-3.0, -3.0, "Bored"),
        ],
    )
    def test_a_place_has_its_name(self, valence: float, arousal: float, emotion: str) -> None:
        assert map_va_to_emotion(valence, arousal) == emotion

    @pytest.mark.parametrize(
        ("names", "radius"), [(SONG_INNER_EMOTIONS, 0.4), (SONG_OUTER_EMOTIONS, 0.8)]
    )
    def test_a_border_ends_one_sector_and_begins_the_next(
        self, names: tuple[str, ...], radius: float
    ) -> None:
        width_deg = 360 / len(names)
        for i, name in enumerate(names):
            begin_deg = i * width_deg
            assert map_va_to_emotion(*point(begin_deg + 1e-9, radius)) == name
            assert map_va_to_emotion(*point(begin_deg + width_deg / 2, radius)) == name
            assert map_va_to_emotion(*point(begin_deg + width_deg - 1e-9, radius)) == name

    @pytest.mark.parametrize("arousal", [-1e-3, -1e-12, -1e-18, -5e-324])
    def test_a_tiny_negative_angle_is_in_the_last_sector(self, arousal: float) -> None:
        assert map_va_to_emotion(0.4, arousal) == "Hopeful"
        assert map_va_to_emotion(0.8, arousal) == "Content"
        assert list(map_va_to_emotion([0.4, 0.8], [arousal, arousal])) == ["Hopeful", "Content"]

    def test_a_negative_zero_is_a_zero(self) -> None:
        assert map_va_to_emotion(0.8, -0.0) == "Happy"
        assert map_va_to_emotion(-0.8, -0.0) == "Depressed"
        assert map_va_to_emotion(-0.0, -0.0) == "Neutral"

    def test_the_levels_can_be_moved(self) -> None:
        assert map_va_to_emotion(0.25, 0.0, 0.3) == "Neutral"
        assert map_va_to_emotion(0.25, 0.0, level1=0.1, level2=0.2) == "Happy"
        assert map_va_to_emotion(0.0, 0.0, level1=0.0, level2=0.0) == "Happy"

    def test_scalars_give_a_name_and_arrays_give_as_many(self) -> None:
        assert type(map_va_to_emotion(0.4, 0.1)) is str
        assert type(map_va_to_emotion(np.float32(0.4), 0)) is str
        for pair in (([0.4, 0.8], [0.1, 0.1]), (pd.Series([0.4, 0.8]), np.array([0.1, 0.1]))):
            emotions = map_va_to_emotion(*pair)
            assert emotions.dtype.kind == "U"
            assert emotions.tolist() == ["Cheerful", "Happy"]
        assert map_va_to_emotion(np.empty(0), np.empty(0)).shape == (0,)

    @pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
    def test_a_coordinate_that_is_no_number_is_named(self, wrong: float) -> None:
        with pytest.raises(ValueError, match=rf"^valence is {wrong}$"):
            map_va_to_emotion(wrong, 0.0)
        with pytest.raises(ValueError, match=rf"^arousal\[1\] is {wrong}$"):
            map_va_to_emotion([0.0, 0.0], [0.0, wrong])

    @given(st.floats(-2, 2), st.floats(-2, 2))
    def test_every_place_has_a_name_which_an_array_gives_too(
        self, valence: float, arousal: float
    ) -> None:
        emotion = map_va_to_emotion(valence, arousal)
        assert emotion in VOCABULARY
        assert map_va_to_emotion([valence], [arousal]).tolist() == [emotion]

    @given(st.floats(0.21, 0.59), st.integers(0, 7), st.floats(0.01, 44.99))
    def test_the_inner_sector_follows_from_the_angle(
        self, radius: float, sector: int, within_deg: float
    ) -> None:
        place = point(45 * sector + within_deg, radius)
        assert map_va_to_emotion(*place) == SONG_INNER_EMOTIONS[sector]

    @given(st.floats(0.61, 1.4), st.integers(0, 11), st.floats(0.01, 29.99))
    def test_the_outer_sector_follows_from_the_angle(
        self, radius: float, sector: int, within_deg: float
    ) -> None:
        place = point(30 * sector + within_deg, radius)
        assert map_va_to_emotion(*place) == SONG_OUTER_EMOTIONS[sector]


class TestSmoothenPrediction:
    def test_the_window_is_centred_and_shorter_at_the_edges(self) -> None:
        smooth = smoothen_prediction(curve_of([0, 0, 3, 0, 6], [6, 0, 0, 0, 0]), 3)
        assert smooth["valence_pred"].tolist() == pytest.approx([0, 1, 1, 3, 3])
        assert smooth["arousal_pred"].tolist() == pytest.approx([3, 2, 0, 0, 0])

    def test_the_usual_window_is_five_steps(self) -> None:
        impulse = curve_of([0, 0, 0, 0, 5, 0, 0, 0, 0], np.zeros(9))
        smooth = smoothen_prediction(impulse)["valence_pred"].tolist()
        assert smooth == pytest.approx([0, 0, 1, 1, 1, 1, 1, 0, 0])

    def test_an_even_window_reaches_one_step_further_back(self) -> None:
        impulse = curve_of([0, 0, 0, 4, 0, 0, 0, 0], np.zeros(8))
        smooth = smoothen_prediction(impulse, 4)["valence_pred"].tolist()
        assert smooth == pytest.approx([0, 0, 1, 1, 1, 1, 0, 0])
        smooth = smoothen_prediction(impulse, 2)["valence_pred"].tolist()
        assert smooth == pytest.approx([0, 0, 0, 2, 2, 0, 0, 0])

    def test_a_window_of_one_changes_nothing_and_a_huge_one_gives_the_mean(self) -> None:
        curve = curve_of([0.1, 0.7, -0.4], [0.3, 0.2, 0.1])
        pd.testing.assert_frame_equal(smoothen_prediction(curve, 1), curve)
        assert smoothen_prediction(curve, 100)["arousal_pred"].tolist() == pytest.approx([0.2] * 3)

    def test_rows_out_of_order_are_sorted_and_other_columns_stay(self) -> None:
        curve = curve_of([1, 2, 3, 4], [0, 0, 0, 0]).assign(bar=["a", "b", "c", "d"])
        mixed = curve.iloc[[2, 0, 3, 1]]
        pd.testing.assert_frame_equal(smoothen_prediction(mixed, 3), smoothen_prediction(curve, 3))
        smooth = smoothen_prediction(mixed)
        assert list(smooth.columns) == ["time_s", "valence_pred", "arousal_pred", "bar"]
        assert smooth["bar"].tolist() == ["a", "b", "c", "d"]

    @given(st.floats(-1, 1), st.integers(1, 30), st.integers(1, 9))
    @settings(deadline=None)
    def test_a_constant_stays_as_it_is_to_the_last_bit(
        self, value: float, n_steps: int, window: int
    ) -> None:
        curve = curve_of([value] * n_steps, [-value] * n_steps)
        pd.testing.assert_frame_equal(smoothen_prediction(curve, window), curve, check_exact=True)

    @given(st.lists(st.floats(-1, 1), min_size=1, max_size=40), st.integers(1, 12))
    @settings(deadline=None)
    def test_it_is_the_mean_of_the_neighbours(self, values: list[float], window: int) -> None:
        expected = [
            np.mean(values[max(0, i - window // 2) : i + (window - 1) // 2 + 1])
            for i in range(len(values))
        ]
        smooth = smoothen_prediction(curve_of(values, values), window)
        assert smooth["valence_pred"].tolist() == pytest.approx(expected, abs=1e-12)
        assert smooth["arousal_pred"].tolist() == smooth["valence_pred"].tolist()

    @pytest.mark.parametrize("window", [0, -1])
    def test_a_window_without_steps_is_refused(self, window: int) -> None:
        with pytest.raises(ValueError, match=f"smoothFactor={window}"):
            smoothen_prediction(curve_of([0.0], [0.0]), window)

    @pytest.mark.parametrize("column", ["time_s", "valence_pred", "arousal_pred"])
    def test_a_missing_value_is_named_not_averaged_away(self, column: str) -> None:
        curve = curve_of([0, 0, 0], [0, 0, 0])
        curve.loc[1, column] = math.nan
        with pytest.raises(ValueError, match=rf"{column}\[1\] is nan"):
            smoothen_prediction(curve)


class TestAmplifyPrediction:
    def test_both_axes_are_scaled_and_the_rest_stays(self) -> None:
        curve = curve_of([0.5, -1], [0.25, 0]).assign(bar=[1, 2])
        expected = curve_of([1, -2], [0.5, 0]).assign(bar=[1, 2])
        pd.testing.assert_frame_equal(amplify_prediction(curve, 2), expected)
        pd.testing.assert_frame_equal(amplify_prediction(curve), curve)

    def test_a_missing_value_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"arousal_pred\[0\] is nan"):
            amplify_prediction(curve_of([0], [math.nan]), 2)


def test_each_step_of_a_song_gets_its_label() -> None:
    curve = curve_of([0.0, 0.8, -0.3], [0.1, 0.1, -0.1]).set_index(pd.Index([7, 8, 9]))
    emotions = map_song_va_to_emotion(curve)
    assert list(emotions.columns) == ["time_s", "emotion"]
    assert emotions["time_s"].tolist() == [0.0, 0.5, 1.0]
    assert emotions["emotion"].tolist() == ["Neutral", "Happy", "Gloomy"]


class TestPrepPlaybackSequence:
    @pytest.mark.parametrize(
        ("runs", "rows"),
        [
            # One step: a run of 0 s, and the song ends where it begins.
            (["Calm 1"], [(0, "Calm")]),
            # 7 steps last 3 s, the least that stands alone; 6 last 2.5 s.
            (["Calm 7", "Tense 7"], [(0, "Calm"), (3.5, "Tense")]),
            (["Calm 6", "Tense 7"], [(0, "Tense")]),
            # 2.5 s and 0.5 s make 3 s; the label is the longer one's, the start the first one's.
            (["Calm 6", "Tense 2", "Bored 7"], [(0, "Calm"), (4, "Bored")]),
            (["Tense 2", "Calm 6", "Bored 7"], [(0, "Calm"), (4, "Bored")]),
            # Equal sums: the first met.
            (["Calm 4", "Tense 4", "Bored 9"], [(0, "Calm"), (4, "Bored")]),
            # Tense has 1 + 1 s in two runs, more than the 1.5 s of Calm.
            (["Tense 3", "Calm 4", "Tense 3", "Bored 7"], [(0, "Tense"), (5, "Bored")]),
            # Single steps add nothing, however many: the long run behind them wins.
            (["Calm 1", "Tense 1", "Calm 1", "Bored 7"], [(0, "Bored")]),
            # Only a run that is short looks ahead; a short one never joins what came before.
            (["Calm 9", "Tense 1", "Bored 9"], [(0, "Calm"), (4.5, "Bored")]),
            # The song ends before a stretch is long enough: it stands as it is.
            (["Calm 9", "Tense 2"], [(0, "Calm"), (4.5, "Tense")]),
            (["Calm 9", "Tense 2", "Bored 3"], [(0, "Calm"), (4.5, "Bored")]),
            (["Calm 9", "Tense 1", "Bored 1"], [(0, "Calm"), (4.5, "Tense")]),
            # Merging may leave equal neighbours; to compress them is the next step's work.
            (["Calm 7", "Tense 1", "Calm 7"], [(0, "Calm"), (3.5, "Calm")]),
        ],
    )
    def test_cases_worked_by_hand(self, runs: list[str], rows: Rows) -> None:
        emotions = emotions_of(*runs)
        end_s = emotions["time_s"].iloc[-1]
        assert prepared(emotions) == [*rows, (end_s, SONG_COMPLETED)]

    def test_times_need_not_begin_at_zero_nor_be_even(self) -> None:
        emotions = pd.DataFrame(
            {"time_s": [15.0, 15.5, 20.0, 21.0, 30.0], "emotion": ["Calm"] * 3 + ["Bored"] * 2}
        )
        assert prepared(emotions) == [(15.0, "Calm"), (21.0, "Bored"), (30.0, SONG_COMPLETED)]

    def test_the_gap_between_two_runs_counts_for_neither(self) -> None:
        emotions = pd.DataFrame({"time_s": [0.0, 2.0, 9.0, 9.5], "emotion": list("aabb")})
        assert prepared(emotions) == [(0.0, "a"), (9.5, SONG_COMPLETED)]

    def test_the_minimum_can_be_moved(self) -> None:
        emotions = emotions_of("Calm 3", "Tense 2", "Bored 1")
        assert prepared(emotions, 0) == [
            (0, "Calm"), (1.5, "Tense"), (2.5, "Bored"), (2.5, SONG_COMPLETED),
        ]  # fmt: skip
        assert prepared(emotions, 1.5) == [(0, "Calm"), (2.5, "Bored"), (2.5, SONG_COMPLETED)]
        assert prepared(emotions, 1e9) == [(0, "Calm"), (2.5, SONG_COMPLETED)]

    @pytest.mark.parametrize("minimum_s", [-1.0, math.nan])
    def test_a_minimum_that_is_no_duration_is_refused(self, minimum_s: float) -> None:
        with pytest.raises(ValueError, match="minDuration"):
            prep_playback_sequence(emotions_of("Calm 1"), minimum_s)

    def test_rows_out_of_order_are_sorted(self) -> None:
        emotions = emotions_of("Calm 7", "Tense 7")
        mixed = emotions.sample(frac=1.0, random_state=1)
        assert prepared(mixed) == prepared(emotions)


class TestCompressPlaybackSequence:
    def test_a_row_like_the_one_before_goes(self) -> None:
        sequence = sequence_of((0, "a"), (1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "a"))
        assert rows_of(compress_playback_sequence(sequence)) == [(0, "a"), (2, "b"), (3, "a")]


class TestJsonifyPlaybackSequence:
    def test_it_holds_plain_values_in_the_order_of_the_answer(self) -> None:
        sequence = prep_playback_sequence(emotions_of("Calm 7", start_s=15.0))
        answer = jsonify_playback_sequence(sequence, "song-1")
        assert json.dumps(answer) == (
            '{"song_id": "song-1", "sequence": [{"start_time": 15.0, "emotion": "Calm"}, '
            '{"start_time": 18.0, "emotion": "Completed"}]}'
        )
        assert {type(value) for row in answer["sequence"] for value in row.values()} == {float, str}

    def test_without_a_song_id_there_is_no_such_member(self) -> None:
        assert jsonify_playback_sequence(sequence_of((0, "a"))) == {
            "sequence": [{"start_time": 0.0, "emotion": "a"}]
        }


def playback(curve: pd.DataFrame, minimum_s: float = 3.0) -> pd.DataFrame:
    """The whole chain up to the table."""
    emotions = map_song_va_to_emotion(amplify_prediction(smoothen_prediction(curve), 1.5))
    return compress_playback_sequence(prep_playback_sequence(emotions, minimum_s))


@pytest.mark.parametrize(
    "empty",
    [
        curve_of([], []),
        pd.DataFrame(columns=["time_s", "valence_pred", "arousal_pred"]),
    ],
    ids=["numbers", "objects"],
)
def test_without_steps_there_are_no_rows_at_any_stage(empty: pd.DataFrame) -> None:
    assert rows_of(playback(empty)) == []
    assert list(map_song_va_to_emotion(empty).columns) == ["time_s", "emotion"]
    assert jsonify_playback_sequence(playback(empty)) == {"sequence": []}


def test_no_table_that_comes_in_is_changed() -> None:
    curve = curve_of([0.9, 0.1, 0.5], [0.1, 0.2, 0.3]).iloc[[2, 0, 1]]
    before = copy.deepcopy(curve)
    emotions = map_song_va_to_emotion(amplify_prediction(curve, 2.0))
    labelled = copy.deepcopy(emotions)
    playback(curve)
    compress_playback_sequence(prep_playback_sequence(emotions))
    pd.testing.assert_frame_equal(curve, before)
    pd.testing.assert_frame_equal(emotions, labelled)


def test_two_hours_take_less_than_20_ms_however_restless(rng: np.random.Generator) -> None:
    # Unsmoothed noise: nearly every step is a run of its own, and each is short.
    noise = curve_of(*rng.uniform(-1, 1, (2, 14_400)))
    walk = curve_of(*np.sin(np.cumsum(rng.normal(0, 0.02, (2, 14_400)), axis=1)))
    for song, window, minimum_s in (
        (noise, 1, 3.0),
        (noise, 1, 0.0),
        (noise, 5, 3.0),
        (walk, 5, 3),
    ):
        times_s = [seconds_of_chain(song, window, minimum_s) for _ in range(20)]
        assert min(times_s) < 0.020


def seconds_of_chain(curve: pd.DataFrame, window: int, minimum_s: float) -> float:
    start = time.perf_counter()
    emotions = map_song_va_to_emotion(amplify_prediction(smoothen_prediction(curve, window), 1.2))
    sequence = compress_playback_sequence(prep_playback_sequence(emotions, minimum_s))
    jsonify_playback_sequence(sequence, "song")
    return time.perf_counter() - start


@st.composite
def labelled_songs(draw: st.DrawFn) -> pd.DataFrame:
    """Runs of few emotions, mostly short, at even or uneven times."""
    runs = draw(
        st.lists(
            st.tuples(st.sampled_from(["Calm", "Tense", "Bored"]), st.integers(1, 9)),
            min_size=1,
            max_size=25,
        )
    )
    names = [name for name, n_steps in runs for _ in range(n_steps)]
    start_s = draw(st.sampled_from([0.0, 15.0]))
    if draw(st.booleans()):
        times_s = start_s + INTERVAL_S * np.arange(len(names))
    else:
        # Eighths of a second: their sums are exact in whatever order they are made.
        eighth_s = st.integers(0, 32).map(lambda n: n / 8)
        gaps_s = draw(st.lists(eighth_s, min_size=len(names), max_size=len(names)))
        times_s = start_s + np.cumsum(gaps_s)
    return pd.DataFrame({"time_s": times_s, "emotion": names})


MINIMA_S = st.sampled_from([0.0, 0.5, 1.0, 3.0, 7.25, 1e6])


def plain_sequence(emotions: pd.DataFrame, minimum_s: float) -> Iterator[tuple[float, str]]:
    """The same rules told step by step."""
    steps = list(zip(emotions["time_s"], emotions["emotion"], strict=True))
    runs: list[list[tuple[float, str]]] = []
    for step in steps:
        if runs and runs[-1][-1][1] == step[1]:
            runs[-1].append(step)
        else:
            runs.append([step])
    while runs:
        chunk = [runs.pop(0)]
        while sum(run[-1][0] - run[0][0] for run in chunk) < minimum_s and runs:
            chunk.append(runs.pop(0))
        best, best_s = "", -1.0
        for emotion in [run[0][1] for run in chunk]:
            total_s = sum(run[-1][0] - run[0][0] for run in chunk if run[0][1] == emotion)
            if total_s > best_s:
                best, best_s = emotion, total_s
        yield chunk[0][0][0], best
    if steps:
        yield steps[-1][0], SONG_COMPLETED


@given(labelled_songs(), MINIMA_S)
@settings(deadline=None)
def test_the_sequence_is_what_the_rules_give_step_by_step(
    emotions: pd.DataFrame, minimum_s: float
) -> None:
    assert prepared(emotions, minimum_s) == list(plain_sequence(emotions, minimum_s))


@given(labelled_songs(), MINIMA_S)
@settings(deadline=None)
def test_compressing_keeps_every_change_and_nothing_else(
    emotions: pd.DataFrame, minimum_s: float
) -> None:
    sequence = prep_playback_sequence(emotions, minimum_s)
    once = compress_playback_sequence(sequence)
    pd.testing.assert_frame_equal(compress_playback_sequence(once), once)
    rows = rows_of(sequence)
    changes = [row for i, row in enumerate(rows) if i == 0 or row[1] != rows[i - 1][1]]
    assert rows_of(once) == changes


COORDINATES = st.floats(-1, 1)


@given(
    st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
    MINIMA_S,
)
@settings(deadline=None)
def test_any_curve_becomes_a_sequence_that_can_be_played(
    places: list[tuple[float, float]], random: object, minimum_s: float
) -> None:
    curve = curve_of(*zip(*places, strict=True))
    order = list(range(len(curve)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis keeps its class private
    rows = rows_of(playback(curve.iloc[order], minimum_s))
    starts_s, emotions = [row[0] for row in rows], [row[1] for row in rows]
    assert starts_s == sorted(starts_s)
    assert (starts_s[0], starts_s[-1]) == (0.0, curve["time_s"].iloc[-1])
    assert emotions[-1] == SONG_COMPLETED
    assert set(emotions[:-1]) <= VOCABULARY
    assert all(before != after for before, after in itertools.pairwise(emotions))
