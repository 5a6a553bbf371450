import numpy as np
import pytest

from emosync import overview

SR_HZ = 16_000


def tone(freq_hz, duration_s, amplitude=0.5):
    times_s = np.arange(round(duration_s * SR_HZ)) / SR_HZ
    return (amplitude * np.sin(2 * np.pi * freq_hz * times_s)).astype(np.float32)


def test_the_envelope_of_a_tone_is_flat():
    shape = overview.envelope(tone(200, 2.0), n_columns=50)
    assert shape.low == pytest.approx(-0.5, abs=1e-3)
    assert shape.high == pytest.approx(0.5, abs=1e-3)
    assert shape.rms == pytest.approx(0.5 / np.sqrt(2), abs=1e-3)


def test_the_envelope_keeps_a_single_click():
    y = np.zeros(600 * SR_HZ, dtype=np.float32)
    y[y.size // 2] = -0.9
    shape = overview.envelope(y, n_columns=900)
    assert shape.low.size == 900
    assert np.flatnonzero(shape.low == np.float32(-0.9)).tolist() == [450]
    assert shape.high.max() == 0.0


def test_the_envelope_of_a_few_samples_is_the_samples():
    y = np.array([0.1, -0.2, 0.3], dtype=np.float32)
    shape = overview.envelope(y, n_columns=900)
    assert shape.low == pytest.approx(y)
    assert shape.high == pytest.approx(y)


@pytest.mark.parametrize("duration_s", [0.3, 3.0, 90.0])
def test_the_spectrogram_peaks_at_the_tone_whatever_the_length(duration_s):
    power_db = overview.spectrogram_db(tone(1000, duration_s), sr=SR_HZ, n_columns=120)
    freqs_hz = np.linspace(0, SR_HZ / 2, power_db.shape[0])
    assert power_db.shape[1] == 120
    # The outermost columns hold half a window of nothing.
    inner = power_db[:, 10:-10]
    assert freqs_hz[inner.argmax(axis=0)] == pytest.approx(1000, abs=8)
    assert inner.max(axis=0) == pytest.approx(0.0, abs=0.1)


def test_the_spectrogram_shows_when_a_tone_starts():
    y = np.concatenate([np.zeros(SR_HZ, dtype=np.float32), tone(1000, 1.0)])
    loudest_db = overview.spectrogram_db(y, sr=SR_HZ, n_columns=200).max(axis=0)
    assert loudest_db[:95].max() < -80
    assert loudest_db[105:-5].min() > -1


def test_the_spectrogram_of_silence_is_low_not_loud():
    silence = np.zeros(SR_HZ, dtype=np.float32)
    assert overview.spectrogram_db(silence, sr=SR_HZ, n_columns=50).max() == pytest.approx(-90)


@pytest.mark.parametrize("n_samples", [1, 2, 100, 511])
def test_fewer_samples_than_a_window_are_padded(n_samples):
    y = np.full(n_samples, 0.1, dtype=np.float32)
    power_db = overview.spectrogram_db(y, sr=SR_HZ, n_columns=30)
    assert power_db.shape == (513, 30)
    assert np.isfinite(power_db).all()
