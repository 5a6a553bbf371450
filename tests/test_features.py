import numpy as np
import pytest
from signals import DIFFICULT, clicks, noise, silence, tone

from emosync.features import (
    delta,
    hz_to_mel,
    mel_filterbank,
    mel_spectrogram,
    mel_to_hz,
    mfcc,
    power_spectrogram,
    whisper_input,
    whisper_log_mel,
)
from emosync.framing import SPEECH_SR_HZ, FloatArray

N_FFT, HOP = 400, 160


def test_slaneys_scale_is_linear_to_1_khz_and_a_factor_of_6_4_is_27_mels_above() -> None:
    frequencies_hz = np.array([0.0, 200.0, 1000.0, 6400.0])
    np.testing.assert_allclose(hz_to_mel(frequencies_hz), [0, 3, 15, 42], atol=1e-9)


def test_mels_go_back_to_the_frequencies_they_came_from() -> None:
    frequencies_hz = np.linspace(0, 8000, 257)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(frequencies_hz)), frequencies_hz, atol=1e-8)


def test_filters_of_one_bank_hold_the_same_area() -> None:
    filters = mel_filterbank(sr=SPEECH_SR_HZ, n_fft=8192, n_mels=40)
    area = filters.sum(axis=1) * SPEECH_SR_HZ / 8192
    np.testing.assert_allclose(area, 1, atol=0.01)


def test_filters_stay_within_the_range_asked_for() -> None:
    filters = mel_filterbank(sr=SPEECH_SR_HZ, n_fft=512, n_mels=20, fmin_hz=300, fmax_hz=3400)
    heard_hz = np.flatnonzero(filters.any(axis=0)) * SPEECH_SR_HZ / 512
    assert heard_hz.min() > 300
    assert heard_hz.max() < 3400


def test_filters_are_shared_and_cannot_be_written_to() -> None:
    filters = mel_filterbank(sr=SPEECH_SR_HZ, n_fft=512, n_mels=20)
    assert filters is mel_filterbank(sr=SPEECH_SR_HZ, n_fft=512, n_mels=20)
    with pytest.raises(ValueError):
        filters[0, 0] = 1


@pytest.mark.parametrize("freq_hz", [200, 440, 1000, 3960, 7000])
def test_a_tone_peaks_at_its_own_frequency(freq_hz: float) -> None:
    S = power_spectrogram(tone(freq_hz), n_fft=N_FFT, hop_length=HOP)
    peaks_hz = S[:, 5:-5].argmax(axis=0) * SPEECH_SR_HZ / N_FFT
    np.testing.assert_allclose(peaks_hz, freq_hz, atol=SPEECH_SR_HZ / N_FFT / 2)


def test_a_tone_of_level_a_peaks_at_a_quarter_of_window_length_squared() -> None:
    # A Hann window of N samples sums to N / 2, and half of the amplitude lies at +f.
    S = power_spectrogram(tone(1000, level=0.5), n_fft=N_FFT, hop_length=HOP)
    np.testing.assert_allclose(S[25, 5:-5], (0.5 * N_FFT / 4) ** 2, rtol=1e-4)


def test_a_click_is_white_in_the_frame_at_its_middle() -> None:
    S = power_spectrogram(clicks(0.5, every_s=1.0), n_fft=N_FFT, hop_length=HOP)
    np.testing.assert_allclose(S[:, 0], 1, rtol=1e-5)
    assert not S[:, 2:].any()


@pytest.mark.parametrize("n_samples", [160, 4800, 4801, 16_000])
def test_there_is_a_frame_per_hop_and_one_more(n_samples: int) -> None:
    S = power_spectrogram(noise()[:n_samples], n_fft=N_FFT, hop_length=HOP)
    assert S.shape == (1 + N_FFT // 2, 1 + n_samples // HOP)
    assert S.dtype == np.float32


def test_what_is_too_short_to_be_reflected_is_padded_with_zeros() -> None:
    y = noise()[:200]
    reflected = power_spectrogram(y, n_fft=N_FFT, hop_length=HOP, pad_mode="reflect")
    np.testing.assert_array_equal(reflected, power_spectrogram(y, n_fft=N_FFT, hop_length=HOP))


def test_a_tone_lights_the_band_whose_middle_is_nearest() -> None:
    S = mel_spectrogram(tone(1000), sr=SPEECH_SR_HZ, n_fft=2048, hop_length=HOP, n_mels=41)
    edges_hz = mel_to_hz(np.linspace(0, hz_to_mel(np.array([8000.0]))[0], 43))
    assert (S[:, 10:-10].argmax(axis=0) == np.abs(edges_hz[1:-1] - 1000).argmin()).all()


@pytest.mark.parametrize("name", DIFFICULT)
def test_log_mels_are_even_in_number_and_within_whispers_range(name: str) -> None:
    y = DIFFICULT[name]
    log_mel = whisper_log_mel(y)
    assert log_mel.shape == (len(y) // HOP // 2 * 2, 80)
    assert log_mel.dtype == np.float32
    seen = whisper_input(log_mel)
    assert seen.dtype == np.float32
    assert np.isfinite(seen).all()
    # 80 dB are 8 units of log10, scaled by 4.
    assert np.ptp(seen) <= 2 + 1e-6


def test_log_mels_do_not_depend_on_level_or_offset() -> None:
    y = noise()
    np.testing.assert_allclose(whisper_log_mel(0.2 * y + 0.1), whisper_log_mel(y), atol=1e-3)


def test_the_inputs_of_a_batch_are_each_cut_below_their_own_maximum() -> None:
    loud, quiet = whisper_log_mel(noise()), whisper_log_mel(tone(300)) - 5
    together = whisper_input(np.stack([loud, quiet]))
    np.testing.assert_array_equal(together, [whisper_input(loud), whisper_input(quiet)])


def test_the_input_is_scaled_as_whisper_does_it() -> None:
    log_mel = np.array([[0.0, 4.0, -9.0]], np.float32)
    np.testing.assert_allclose(whisper_input(log_mel), [[1, 2, 0]])


@pytest.mark.parametrize("name", DIFFICULT)
def test_coefficients_are_finite_and_the_same_twice(name: str) -> None:
    y = DIFFICULT[name]
    coefficients = mfcc(y, n_mfcc=20)
    assert coefficients.shape == (20, 1 + len(y) // HOP)
    assert coefficients.dtype == np.float32
    assert np.isfinite(coefficients).all()
    np.testing.assert_array_equal(coefficients, mfcc(y.copy(), n_mfcc=20))


def test_silence_has_a_level_and_no_shape() -> None:
    coefficients = mfcc(silence(), n_mfcc=20, n_mels=64)
    # -100 dB in each band; an orthonormal DCT carries it to sqrt(64) times that.
    np.testing.assert_allclose(coefficients[0], -800, rtol=1e-5)
    np.testing.assert_allclose(coefficients[1:], 0, atol=1e-3)


def test_twice_the_amplitude_moves_only_the_0th_coefficient() -> None:
    difference = mfcc(2 * noise(), n_mels=64) - mfcc(noise(), n_mels=64)
    np.testing.assert_allclose(difference[0], 8 * 20 * np.log10(2), rtol=1e-3)
    np.testing.assert_allclose(difference[1:], 0, atol=1e-3)


def ramps(n_frames: int) -> FloatArray:
    """Rows that rise by 0.5 and fall by 2 each frame."""
    return np.outer([0.5, -2], np.arange(n_frames)).astype(np.float32)


@pytest.mark.parametrize("n_frames", [3, 4, 8, 9, 10, 50])
def test_the_slope_of_a_line_is_found_up_to_the_edges(n_frames: int) -> None:
    slopes = delta(ramps(n_frames))
    assert slopes.dtype == np.float32
    np.testing.assert_allclose(slopes, np.outer([0.5, -2], np.ones(n_frames)), rtol=1e-5)


@pytest.mark.parametrize("n_frames", [1, 2])
def test_too_few_frames_have_no_slope(n_frames: int) -> None:
    np.testing.assert_array_equal(delta(ramps(n_frames)), np.zeros((2, n_frames)))


def test_a_step_is_spread_over_the_width() -> None:
    step = np.repeat(np.array([[0.0, 1.0]], np.float32), 20, axis=1)
    moved = np.flatnonzero(delta(step, width=9)[0] > 1e-6)
    assert (moved.min(), moved.max()) == (16, 23)
