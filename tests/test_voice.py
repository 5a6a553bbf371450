from collections.abc import Callable

import numpy as np
import pytest
from signals import DIFFICULT, clicks, clipped_noise, noise, tone, vowel

from emosync.framing import SPEECH_SR_HZ, FloatArray
from emosync.voice import YIN_FRAME_LENGTH, pitch, teager_energy, zero_crossing_rate

FRAMING = {"frame_length": 400, "hop_length": 160}


@pytest.mark.parametrize("true_hz", [65, 100, 160, 233, 320, 450])
@pytest.mark.parametrize("make", [tone, vowel])
def test_a_steady_voice_is_found_within_half_a_sample_of_its_period(
    true_hz: float, make: Callable[[float], FloatArray]
) -> None:
    f0_hz, aperiodicity = pitch(make(true_hz))
    np.testing.assert_allclose(SPEECH_SR_HZ / f0_hz, SPEECH_SR_HZ / true_hz, atol=0.51)
    assert aperiodicity.max() < 0.1


def test_loudness_does_not_change_the_pitch() -> None:
    np.testing.assert_array_equal(pitch(vowel(150))[0], pitch(0.01 * vowel(150))[0])


def test_clicks_are_heard_at_their_rate() -> None:
    f0_hz, _ = pitch(clicks(every_s=0.01))
    np.testing.assert_allclose(f0_hz, 100)


@pytest.mark.parametrize("y", [noise(), clipped_noise()], ids=["noise", "clipped"])
def test_noise_is_not_periodic(y: FloatArray) -> None:
    _, aperiodicity = pitch(y)
    assert aperiodicity.min() > 0.5


@pytest.mark.parametrize("name", ["silence", "constant"])
def test_what_has_no_sound_is_not_periodic(name: str) -> None:
    _, aperiodicity = pitch(DIFFICULT[name])
    assert aperiodicity.min() > 0.5


def test_frequencies_stay_within_the_range_searched() -> None:
    f0_hz, _ = pitch(noise(), fmin_hz=100, fmax_hz=400)
    assert f0_hz.min() >= 100
    assert f0_hz.max() <= 400


@pytest.mark.parametrize("name", DIFFICULT)
def test_pitch_is_finite_and_the_same_twice(name: str) -> None:
    y = DIFFICULT[name]
    first, again = pitch(y), pitch(y.copy())
    n_frames = 1 + (len(y) - YIN_FRAME_LENGTH) // 320
    for values, repeated in zip(first, again, strict=True):
        assert values.shape == (n_frames,)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, repeated)


def test_what_is_shorter_than_a_frame_is_one_frame() -> None:
    f0_hz, _ = pitch(tone(200, 0.05))
    assert f0_hz.shape == (1,)


@pytest.mark.parametrize("freq_hz", [100, 400, 2000])
def test_a_tone_crosses_zero_twice_a_period(freq_hz: float) -> None:
    # A phase away from zero, where rounding would decide on the sign.
    y = np.sin(2 * np.pi * freq_hz * np.arange(SPEECH_SR_HZ) / SPEECH_SR_HZ + 0.1)
    rate = zero_crossing_rate(y.astype(np.float32), **FRAMING)
    assert rate.dtype == np.float32
    np.testing.assert_allclose(rate.mean(), 2 * freq_hz / SPEECH_SR_HZ, rtol=0.02)


def test_every_sample_may_cross_zero() -> None:
    y = np.tile(np.array([1, -1], np.float32), 500)
    np.testing.assert_allclose(zero_crossing_rate(y, **FRAMING)[1:], 1)


@pytest.mark.parametrize("name", DIFFICULT)
def test_crossings_are_between_0_and_1(name: str) -> None:
    rate = zero_crossing_rate(DIFFICULT[name], **FRAMING)
    assert rate.shape == (1 + (len(DIFFICULT[name]) - 400) // 160,)
    assert ((rate >= 0) & (rate <= 1)).all()


@pytest.mark.parametrize(("freq_hz", "level"), [(100, 0.5), (1000, 0.5), (1000, 0.1)])
def test_teagers_energy_of_a_tone_is_its_level_times_sine_of_its_step_squared(
    freq_hz: float, level: float
) -> None:
    # Kaiser (1990), equation 7: exact for a sampled sine.
    expected = (level * np.sin(2 * np.pi * freq_hz / SPEECH_SR_HZ)) ** 2
    energy = teager_energy(tone(freq_hz, level=level))
    assert energy.shape == (SPEECH_SR_HZ - 2,)
    np.testing.assert_allclose(energy, expected, rtol=1e-3, atol=1e-7)


def test_a_constant_has_no_energy() -> None:
    assert not teager_energy(DIFFICULT["constant"]).any()
