from collections.abc import Iterator

import numpy as np
import pytest
from signals import noise, silence
from test_musicnn import mix

from emosync.errors import ModelUnavailable
from emosync.framing import FloatArray
from emosync.genre_inputs import EARS, GenreInput, filled, genre_ear, in_lengths
from emosync.genre_slices import BLOCK_SLICES, GENRE_SR_HZ, count_slices
from emosync.genre_statistics import recording_statistics

SLICED = ("musicnn_windows", "genre_log_mel")


def sound(duration_s: float, sr: int) -> FloatArray:
    """Make noise that lasts so long at a sampling rate."""
    return np.resize(noise(2.0), round(duration_s * sr))


def heard(feature_type: str, y: FloatArray) -> GenreInput:
    """Join what a model sees of a whole recording."""
    ear = genre_ear(feature_type)
    inputs = list(ear.listen(filled([y], sr=ear.sr_hz), mix))
    return GenreInput(
        np.concatenate([i.start_s for i in inputs]),
        np.concatenate([i.X for i in inputs]),
        np.concatenate([i.level_db for i in inputs]),
    )


@pytest.mark.parametrize("feature_type", SLICED)
@pytest.mark.parametrize("duration_s", [0.3, 1.4, 2.0, 2.2, 14.0, 59.0, 61.5])
def test_every_model_has_the_same_slices(feature_type: str, duration_s: float) -> None:
    seen = heard(feature_type, sound(duration_s, genre_ear(feature_type).sr_hz))
    n_slices = count_slices(duration_s)
    assert seen.start_s == pytest.approx(1.4 * np.arange(n_slices))
    assert len(seen.X) == len(seen.level_db) == n_slices
    assert np.isfinite(seen.X).all()


@pytest.mark.parametrize(("duration_s", "n_parts"), [(0.3, 1), (29.0, 1), (44.0, 1), (46.0, 2)])
def test_statistics_are_those_of_parts_of_30_s(duration_s: float, n_parts: int) -> None:
    y = sound(duration_s, GENRE_SR_HZ)
    seen = heard("genre_statistics", y)
    assert list(seen.start_s) == [30.0 * i for i in range(n_parts)]
    if duration_s > 1.4:
        assert pytest.approx(recording_statistics(y), rel=1e-4) == seen.X


@pytest.mark.parametrize("feature_type", SLICED)
def test_silent_slices_are_told_from_sound(feature_type: str) -> None:
    sr = genre_ear(feature_type).sr_hz
    y = np.concatenate([sound(7.0, sr), np.resize(silence(1.0), 7 * sr), sound(7.0, sr)])
    silent = heard(feature_type, y).is_silent
    assert not silent[[0, -1]].any()
    assert silent[7]


def test_a_short_recording_is_repeated_until_it_fills_a_slice() -> None:
    (y,) = filled([np.arange(5000, dtype=np.float32)], sr=16_000)
    assert len(y) == 22_400
    assert np.array_equal(y[5000:10_000], y[:5000])


def test_a_longer_recording_stays_as_it_is() -> None:
    blocks = [sound(0.5, 16_000)] * 7
    assert np.array_equal(np.concatenate(list(filled(blocks, sr=16_000))), np.concatenate(blocks))


def test_a_recording_is_cut_anew_whatever_its_blocks() -> None:
    def blocks() -> Iterator[FloatArray]:
        for length in (0, 1, 7, 30, 2):
            yield np.full(length, length, np.float32)

    parts = list(in_lengths(blocks(), 12))
    assert [len(part) for part in parts] == [12, 12, 12, 4]
    assert np.array_equal(np.concatenate(parts), np.concatenate(list(blocks())))


def test_a_long_recording_is_seen_a_minute_at_a_time() -> None:
    ear = genre_ear("genre_log_mel")
    parts = [len(i.X) for i in ear.listen([sound(130.0, ear.sr_hz)], mix)]
    assert parts == [BLOCK_SLICES, BLOCK_SLICES, count_slices(130.0) - 2 * BLOCK_SLICES]


def test_unknown_features_are_a_model_of_another_version() -> None:
    with pytest.raises(ModelUnavailable, match="spectral_flatness"):
        genre_ear("spectral_flatness")
    assert set(EARS) == {*SLICED, "genre_statistics"}
