"""Beats per minute of a recording, as `librosa.beat.beat_track` estimates them."""

from typing import Final

import numpy as np
import scipy.fft

from emosync.framing import FloatArray, frame_signal

# What is repeated within 8 s; tempi are expected around 120 with a deviation of an octave
# (Ellis 2007, "Beat tracking by dynamic programming").
AUTOCORRELATION_S: Final = 8.0
START_BPM, DEVIATION_OCTAVES = 120.0, 1.0
MAX_BPM: Final = 320.0


def onset_strength(S_db: FloatArray, *, n_fft: int, hop_length: int) -> FloatArray:
    """Tell how much louder each frame is than the one before, over most of the bands.

    Parameters
    ----------
    S_db : ndarray of shape (n_mels, n_frames)
        Power in dB.
    n_fft, hop_length : int
        In samples; onsets are set back by half a frame.

    Returns
    -------
    ndarray of shape (n_frames,), float32 >= 0
        Median over the bands of the rise in dB.
    """
    rises = np.median(np.maximum(np.diff(S_db, axis=1), 0), axis=0)
    lag = 1 + n_fft // (2 * hop_length)
    return np.asarray(np.pad(rises, (lag, 0))[: S_db.shape[1]], np.float32)


def estimate_tempo(onsets: FloatArray, *, sr: int, hop_length: int) -> float:
    """Find the tempo at which onsets repeat.

    Parameters
    ----------
    onsets : ndarray of shape (n_frames,)
        From `onset_strength`.
    sr : int
        Sampling rate in Hz.
    hop_length : int
        Samples from frame to frame.

    Returns
    -------
    float > 0
        Beats per minute; 0 where there is no onset.
    """
    if not onsets.any():
        return 0.0
    n_lags = int(AUTOCORRELATION_S * sr) // hop_length
    strength = _repetition(onsets, n_lags)
    bpm = 60 * sr / (hop_length * np.arange(1, n_lags))
    prior = -0.5 * (np.log2(bpm / START_BPM) / DEVIATION_OCTAVES) ** 2
    prior[bpm >= MAX_BPM] = -np.inf
    return float(bpm[np.argmax(np.log1p(1e6 * strength[1:]) + prior)])


def _repetition(onsets: FloatArray, n_lags: int) -> FloatArray:
    """Mean over time of the autocorrelation around each frame, (n_lags,), 1 at most."""
    padded = np.pad(onsets, n_lags // 2, mode="linear_ramp", end_values=0)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_lags) / n_lags)
    windows = frame_signal(padded, frame_length=n_lags, hop_length=1)[: len(onsets)]
    n_fft = scipy.fft.next_fast_len(2 * n_lags - 1, real=True)
    spectrum = scipy.fft.rfft(windows * hann.astype(np.float32), n=n_fft, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    correlation = scipy.fft.irfft(power, n=n_fft, axis=1)[:, :n_lags]
    largest = np.abs(correlation).max(axis=1, keepdims=True)
    largest[largest < np.finfo(np.float32).tiny] = 1
    return np.asarray((correlation / largest).mean(axis=0), np.float32)
