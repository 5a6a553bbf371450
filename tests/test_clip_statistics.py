import numpy as np
import pytest
from signals import DIFFICULT, noise, recorded, silence, tone, vowel

from emosync.clip_statistics import CLIP_STATISTICS, clip_statistics, mfcc_means
from emosync.features import mfcc
from emosync.framing import FloatArray


def named(y: FloatArray) -> dict[str, float]:
    """Each statistic under its name."""
    return dict(zip(CLIP_STATISTICS, clip_statistics(y).tolist(), strict=True))


def test_names_are_unique() -> None:
    assert len(set(CLIP_STATISTICS)) == len(CLIP_STATISTICS)


@pytest.mark.parametrize("name", DIFFICULT)
def test_there_is_one_finite_number_per_name_and_the_same_twice(name: str) -> None:
    statistics = clip_statistics(DIFFICULT[name])
    assert statistics.shape == (len(CLIP_STATISTICS),)
    assert statistics.dtype == np.float32
    assert np.isfinite(statistics).all()
    np.testing.assert_array_equal(statistics, clip_statistics(DIFFICULT[name].copy()))


def test_an_octave_up_is_one_more() -> None:
    low, high = named(vowel(110)), named(vowel(220))
    assert high["f0_octaves_mean"] - low["f0_octaves_mean"] == pytest.approx(1, abs=0.02)
    assert low["f0_octaves_p50"] == pytest.approx(np.log2(1.1), abs=0.02)


def test_a_steady_tone_does_not_move() -> None:
    statistics = named(tone(200))
    assert statistics["voiced_share"] == 1
    for name in ("f0_octaves_std", "f0_octaves_step", "rms_db_std", "teager_db_step"):
        assert statistics[name] == pytest.approx(0, abs=0.01)


def test_noise_has_no_voice() -> None:
    statistics = named(noise())
    assert statistics["voiced_share"] == 0
    assert statistics["f0_octaves_mean"] == 0
    assert statistics["aperiodicity_mean"] > 0.5


def test_noise_crosses_zero_half_of_the_time() -> None:
    assert named(noise())["zero_crossing_rate_mean"] == pytest.approx(0.5, abs=0.01)


def test_loudness_counts_from_the_clips_own_maximum() -> None:
    y = np.concatenate([tone(200, 0.5, level=0.5), tone(200, 0.5, level=0.05)])
    statistics = named(y)
    assert statistics["rms_db_p95"] == pytest.approx(0, abs=0.1)
    assert statistics["rms_db_p5"] == pytest.approx(-20, abs=0.1)
    assert statistics["teager_db_p5"] == pytest.approx(-20, abs=0.3)


def test_silence_is_at_most_80_db_down() -> None:
    y = np.concatenate([tone(200, 0.5), silence(0.5)])
    assert named(y)["rms_db_p5"] == pytest.approx(-80)


def test_the_distance_to_the_microphone_does_not_matter() -> None:
    y = recorded("voice_3s.wav")
    np.testing.assert_allclose(clip_statistics(0.25 * y), clip_statistics(y), atol=0.05, rtol=0.01)


def test_percentiles_stand_under_the_name_of_their_coefficient() -> None:
    coefficients = mfcc(recorded("voice_3s.wav"), n_mfcc=24)
    statistics = named(recorded("voice_3s.wav"))
    for i in (1, 5, 23):
        assert statistics[f"mfcc_{i}_p5"] == pytest.approx(np.percentile(coefficients[i], 5))
        assert statistics[f"mfcc_{i}_p95"] == pytest.approx(np.percentile(coefficients[i], 95))
        assert statistics[f"mfcc_{i}_std"] == pytest.approx(coefficients[i].std(), rel=1e-5)


@pytest.mark.parametrize("n_mfcc", [13, 40])
def test_means_are_those_of_the_coefficients(n_mfcc: int) -> None:
    y = recorded("voice_3s.wav")
    means = mfcc_means(y, n_mfcc=n_mfcc)
    assert means.shape == (n_mfcc,)
    at_unit_power = y / np.sqrt(np.mean(y * y))
    expected = mfcc(at_unit_power, n_mfcc=n_mfcc).mean(axis=1)
    np.testing.assert_allclose(means, expected, atol=1e-3)
    np.testing.assert_allclose(mfcc_means(0.1 * y, n_mfcc=n_mfcc), means, atol=0.01)
