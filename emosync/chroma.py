"""Pitch classes of a spectrogram, as `librosa.feature.chroma_stft` gives them."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.framing import FloatArray

N_CHROMA: Final = 12
A4_HZ: Final = 440.0
# Weights fall off around A4's octave number 5 with a deviation of 2 octaves (Ellis 2007).
CENTRE_OCTAVE, OCTAVE_WIDTH = 5.0, 2.0
# Where peaks are looked for, how far below the frame's maximum, and how finely tuning is told.
PEAK_RANGE_HZ: Final = (150.0, 4000.0)
PEAK_THRESHOLD: Final = 0.1
N_TUNINGS: Final = 100

Floats = npt.NDArray[np.float64]


def chroma(S: FloatArray, *, sr: int) -> FloatArray:
    """Sum up power by pitch class, each frame's strongest class at 1.

    Parameters
    ----------
    S : ndarray of shape (n_bins, n_frames)
        Power, from `features.power_spectrogram`.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    ndarray of shape (12, n_frames), float32 in [0, 1]
        C first; zeros where a frame is silent.
    """
    classes = chroma_filters(sr, 2 * (S.shape[0] - 1), estimate_tuning(S, sr=sr)) @ S
    strongest = classes.max(axis=0)
    strongest[strongest < np.finfo(np.float32).tiny] = 1
    return np.asarray(classes / strongest, np.float32)


def estimate_tuning(S: FloatArray, *, sr: int) -> float:
    """Tell how far a recording is tuned from A4 = 440 Hz.

    Parameters
    ----------
    S : ndarray of shape (n_bins, n_frames)
        Power.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    float in [-0.5, 0.5)
        In semitones, in steps of 0.01: the commonest distance of the stronger half of all
        spectral peaks from their semitone; 0 where there are no peaks.
    """
    pitches_hz, heights = _peaks(S, sr)
    if not len(pitches_hz):
        return 0.0
    strong = pitches_hz[heights >= np.median(heights)]
    residual = np.mod(N_CHROMA * np.log2(strong / (A4_HZ / 16)), 1.0)
    residual[residual >= 0.5] -= 1
    counts, edges = np.histogram(residual, np.linspace(-0.5, 0.5, N_TUNINGS + 1))
    return float(edges[counts.argmax()])


def _peaks(S: FloatArray, sr: int) -> tuple[Floats, Floats]:
    """Frequency in Hz and height of each local maximum, by a parabola through three bins."""
    n_fft = 2 * (S.shape[0] - 1)
    first, last = (int(np.ceil(hz * n_fft / sr)) for hz in PEAK_RANGE_HZ)
    # What lies below the threshold counts as nothing, also as a neighbour.
    threshold = PEAK_THRESHOLD * S.max(axis=0)
    left, here, right = (S[first + d : last + d] for d in (-1, 0, 1))
    is_peak = (here > threshold) & (here > np.where(left > threshold, left, 0))
    is_peak &= here >= np.where(right > threshold, right, 0)
    bins = np.nonzero(is_peak)[0] + first
    left, here, right = (part[is_peak].astype(np.float64) for part in (left, here, right))
    slope, bend = (right - left) / 2, right + left - 2 * here
    # A parabola so flat that its top lies outside of the three bins says nothing.
    bent = np.abs(slope) < np.abs(bend)
    shift = np.where(bent, -slope / np.where(bent, bend, 1), 0)
    return (bins + shift) * sr / n_fft, here + 0.5 * slope * shift


@cache
def chroma_filters(sr: int, n_fft: int, tuning: float) -> FloatArray:
    """Weight frequencies by pitch class, as `librosa.filters.chroma` does.

    Parameters
    ----------
    sr : int
        Sampling rate in Hz.
    n_fft : int
        Length of the Fourier transform in samples.
    tuning : float
        In semitones from A4 = 440 Hz; the hundred that `estimate_tuning` knows fill 5 MB.

    Returns
    -------
    ndarray of shape (12, 1 + n_fft // 2), float32
        Read-only, since every caller shares them.
    """
    bins_hz = np.linspace(0, sr, n_fft, endpoint=False)[1:]
    a0_hz = A4_HZ * 2 ** (tuning / N_CHROMA) / 16
    semitones = N_CHROMA * np.log2(bins_hz / a0_hz)
    # The bin of 0 Hz gets a place 1.5 octaves below the first.
    semitones = np.concatenate([[semitones[0] - 1.5 * N_CHROMA], semitones])
    widths = np.append(np.maximum(np.diff(semitones), 1.0), 1.0)
    distance = semitones - np.arange(N_CHROMA)[:, None]
    half = N_CHROMA // 2
    distance = np.remainder(distance + half + 10 * N_CHROMA, N_CHROMA) - half
    weights = np.exp(-0.5 * (2 * distance / widths) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=0))
    octaves = semitones / N_CHROMA
    weights *= np.exp(-0.5 * ((octaves - CENTRE_OCTAVE) / OCTAVE_WIDTH) ** 2)
    # Counted from A so far; C is three semitones up.
    filters = np.asarray(np.roll(weights, -3, axis=0)[:, : 1 + n_fft // 2], np.float32)
    filters.flags.writeable = False
    return filters
