import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosync.genre_slices import (
    FMAX_HZ,
    GENRE_N_MELS,
    GENRE_SLICE_S,
    GENRE_SR_HZ,
    SILENT_DB,
    SLICE_FRAMES,
    SLICE_SAMPLES,
    count_slices,
    cut_slices,
    genre_log_mel,
    slice_input,
    slice_levels_db,
    slice_log_mels,
)


def tone(duration_s: float, freq_hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    t = np.arange(round(duration_s * GENRE_SR_HZ)) / GENRE_SR_HZ
    return (level * np.sin(2 * np.pi * freq_hz * t)).astype(np.float32)


@pytest.mark.parametrize(
    ("duration_s", "n_slices"),
    [(0.3, 1), (1.4, 1), (2.0, 1), (2.2, 2), (2.8, 2), (14.0, 10), (15.0, 11), (600.0, 429)],
)
def test_a_last_slice_needs_half_its_length(duration_s: float, n_slices: int) -> None:
    assert count_slices(duration_s) == n_slices


def test_a_slice_is_a_whole_number_of_frames() -> None:
    assert SLICE_SAMPLES == SLICE_FRAMES * 490 == pytest.approx(GENRE_SLICE_S * GENRE_SR_HZ)


def test_slices_follow_each_other() -> None:
    y = np.arange(2 * SLICE_SAMPLES, dtype=np.float32)
    np.testing.assert_array_equal(cut_slices(y), y.reshape(2, -1))


def test_a_short_recording_is_repeated_until_it_fills_a_slice() -> None:
    y = np.array([1, 2, 3], np.float32)
    (whole,) = cut_slices(y)
    np.testing.assert_array_equal(whole, np.resize(y, SLICE_SAMPLES))


@given(n_samples=st.integers(1, 4 * SLICE_SAMPLES))
def test_any_length_gives_whole_slices(n_samples: int) -> None:
    slices = cut_slices(np.ones(n_samples, np.float32))
    assert slices.shape == (count_slices(n_samples / GENRE_SR_HZ), SLICE_SAMPLES)
    assert (slices == 1).all()


def test_levels_are_those_of_full_scale() -> None:
    loud, quiet = tone(GENRE_SLICE_S, level=1.0), tone(GENRE_SLICE_S, level=5e-4)
    levels_db = slice_levels_db(np.stack([loud, quiet, np.zeros_like(loud)]))
    assert levels_db[0] == pytest.approx(-3.01, abs=0.01)
    assert (levels_db[1:] < SILENT_DB).all()


def test_the_network_sees_every_slice(rng: np.random.Generator) -> None:
    y = rng.normal(0, 0.1, 5 * SLICE_SAMPLES).astype(np.float32)
    X = slice_log_mels(y)
    assert X.shape == (5, SLICE_FRAMES, GENRE_N_MELS)
    assert X.dtype == np.float32
    assert X.max(axis=(1, 2)) == pytest.approx(1.0)
    assert X.min() >= -1


def test_a_slice_does_not_know_its_level(rng: np.random.Generator) -> None:
    y = rng.normal(0, 0.1, 2 * SLICE_SAMPLES).astype(np.float32)
    np.testing.assert_allclose(slice_log_mels(0.1 * y), slice_log_mels(y), atol=1e-4)


def test_what_lies_above_seven_kilohertz_is_not_seen() -> None:
    heard, unheard = genre_log_mel(tone(2, 3_000)), genre_log_mel(tone(2, FMAX_HZ + 1_500))
    assert unheard[10:-10].max() < heard[10:-10].max() - 6


def test_a_tone_stands_at_one_place_all_the_time() -> None:
    bands = genre_log_mel(tone(3, 1_000)).argmax(axis=1)
    assert len(set(bands.tolist())) == 1


def test_blocks_of_slices_are_the_slices_of_the_whole(rng: np.random.Generator) -> None:
    y = rng.normal(0, 0.1, 46 * SLICE_SAMPLES).astype(np.float32)
    np.testing.assert_allclose(
        slice_log_mels(y)[50 - 7 : 45], slice_log_mels(y[43 * SLICE_SAMPLES :])[:2], atol=1e-5
    )


def test_silence_is_finite() -> None:
    assert np.isfinite(slice_input(genre_log_mel(np.zeros(SLICE_SAMPLES, np.float32)))).all()
