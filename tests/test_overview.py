from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from emosync import overview

SR_HZ = 16_000
VOICE = Path(__file__).parent / "audio" / "voice_3s.wav"
Samples = npt.NDArray[np.float32]


def tone(freq_hz: float, duration_s: float, amplitude: float = 0.5) -> Samples:
    times_s = np.arange(round(duration_s * SR_HZ)) / SR_HZ
    return (amplitude * np.sin(2 * np.pi * freq_hz * times_s)).astype(np.float32)


def test_the_envelope_of_a_tone_is_flat() -> None:
    shape = overview.envelope(tone(200, 2.0), n_columns=50)
    assert shape.low == pytest.approx(-0.5, abs=1e-3)
    assert shape.high == pytest.approx(0.5, abs=1e-3)
    assert shape.rms == pytest.approx(0.5 / np.sqrt(2), abs=1e-3)


def test_the_envelope_keeps_a_single_click() -> None:
    y = np.zeros(600 * SR_HZ, dtype=np.float32)
    y[y.size // 2] = -0.9
    shape = overview.envelope(y, n_columns=900)
    assert shape.low.size == 900
    assert np.flatnonzero(shape.low == np.float32(-0.9)).tolist() == [450]
    assert shape.high.max() == 0.0


def test_the_envelope_of_a_few_samples_is_the_samples() -> None:
    y = np.array([0.1, -0.2, 0.3], dtype=np.float32)
    shape = overview.envelope(y, n_columns=900)
    assert shape.low == pytest.approx(y)
    assert shape.high == pytest.approx(y)


@pytest.mark.parametrize("duration_s", [0.3, 3.0, 90.0])
def test_the_spectrogram_peaks_at_the_tone_whatever_the_length(duration_s: float) -> None:
    power_db = overview.spectrogram_db(tone(1000, duration_s), sr=SR_HZ, n_columns=120)
    freqs_hz = np.linspace(0, SR_HZ / 2, power_db.shape[0])
    assert power_db.shape[1] == 120
    # The outermost columns hold half a window of nothing.
    inner = power_db[:, 10:-10]
    assert freqs_hz[inner.argmax(axis=0)] == pytest.approx(1000, abs=8)
    assert inner.max(axis=0) == pytest.approx(0.0, abs=0.1)


def test_the_spectrogram_shows_when_a_tone_starts() -> None:
    y = np.concatenate([np.zeros(SR_HZ, dtype=np.float32), tone(1000, 1.0)])
    loudest_db = overview.spectrogram_db(y, sr=SR_HZ, n_columns=200).max(axis=0)
    assert loudest_db[:95].max() < -80
    assert loudest_db[105:-5].min() > -1


def test_the_spectrogram_of_silence_is_low_not_loud() -> None:
    silence = np.zeros(SR_HZ, dtype=np.float32)
    assert overview.spectrogram_db(silence, sr=SR_HZ, n_columns=50).max() == pytest.approx(-90)


@pytest.mark.parametrize("n_samples", [1, 2, 100, 511])
def test_fewer_samples_than_a_window_are_padded(n_samples: int) -> None:
    y = np.full(n_samples, 0.1, dtype=np.float32)
    power_db = overview.spectrogram_db(y, sr=SR_HZ, n_columns=30)
    assert power_db.shape == (513, 30)
    assert np.isfinite(power_db).all()


def test_louder_voices_differ_in_the_first_coefficient_only(rng: np.random.Generator) -> None:
    y = (0.05 * rng.standard_normal(2 * SR_HZ)).astype(np.float32)
    quiet, loud = (overview.mfcc_columns(gain * y, sr=SR_HZ, n_columns=100) for gain in (1, 4))
    assert quiet.shape == (20, 100)
    assert (loud - quiet)[0] == pytest.approx(10 * np.log10(16) * np.sqrt(64), rel=1e-3)
    assert (loud - quiet)[1:] == pytest.approx(0, abs=1e-2)


def test_other_rates_give_the_coefficients_of_the_same_voice() -> None:
    y, sr = soundfile.read(VOICE, dtype="float32")
    usual = overview.mfcc_columns(y, sr=sr, n_columns=100)
    doubled = overview.mfcc_columns(soxr.resample(y, sr, 2 * sr), sr=2 * sr, n_columns=100)
    assert np.corrcoef(usual.ravel(), doubled.ravel())[0, 1] > 0.99


def test_blocks_leave_no_seams(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    y = (0.1 * rng.standard_normal(3 * SR_HZ)).astype(np.float32)
    whole = overview.mfcc_columns(y, sr=SR_HZ, n_columns=900)
    monkeypatch.setattr(overview, "FRAMES_PER_BLOCK", 50)
    monkeypatch.setattr(overview, "COLUMNS_PER_BLOCK", 7)
    in_blocks = overview.mfcc_columns(y, sr=SR_HZ, n_columns=900)
    # Frames that reach over a seam see zeros beyond it: six or seven of every fifty.
    assert np.mean(np.isclose(in_blocks, whole[:, :300], atol=1e-3)) > 0.85


def test_standardised_rows_have_mean_0_and_deviation_1() -> None:
    rows = np.array([[1.0, 2.0, 3.0, 6.0], [5.0, 5.0, 5.0, 5.0]], dtype=np.float32)
    even = overview.standardised(rows)
    assert even.mean(axis=1) == pytest.approx([0, 0], abs=1e-6)
    assert even.std(axis=1) == pytest.approx([1, 0], abs=1e-6)
