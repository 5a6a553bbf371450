"""A clip summed up in one vector, each number with its name."""

from typing import Final

import numpy as np

from emosync.features import delta, mfcc
from emosync.framing import FloatArray, frame_rms
from emosync.voice import pitch, teager_energy, zero_crossing_rate

N_MFCC: Final = 24
FRAME_LENGTH: Final = 400
HOP_LENGTH: Final = 160
# Above this YIN calls a frame unvoiced (twice the paper's threshold, since speech is not a tone).
VOICED_BELOW: Final = 0.25
PERCENTILES: Final = (5, 50, 95)
# A voice's pitch is heard in octaves; 100 Hz stands at 0.
REFERENCE_HZ: Final = 100.0

_CONTOURS: Final = ("rms_db", "zero_crossing_rate", "teager_db")


def clip_statistics(y: FloatArray) -> FloatArray:
    """Sum up spectrum, pitch, loudness, zero crossings and Teager energy of a clip.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz, at least 0.1 s.

    Returns
    -------
    ndarray of shape (len(CLIP_STATISTICS),), float32
        In the order of `CLIP_STATISTICS`. Loudness is relative to the clip's own
        maximum, so that the distance to the microphone does not matter.
    """
    coefficients = mfcc(y, n_mfcc=N_MFCC)
    slopes = delta(coefficients)
    parts = [
        coefficients[1:].mean(axis=1),
        coefficients.std(axis=1),
        slopes.std(axis=1),
        delta(slopes).std(axis=1),
        np.percentile(coefficients[1:], PERCENTILES[::2], axis=1).ravel(),
        _pitch_statistics(y),
        *(_contour_statistics(contour) for contour in _contours(y)),
    ]
    return np.concatenate(parts).astype(np.float32)


def mfcc_means(y: FloatArray, *, n_mfcc: int = 40) -> FloatArray:
    """Average the MFCCs over a clip.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz.
    n_mfcc : int
        Number of coefficients.

    Returns
    -------
    ndarray of shape (n_mfcc,), float32
        Of the clip at unit power, so that the distance to the microphone does not matter.
    """
    power = float(np.mean(y * y)) + 1e-10
    return np.asarray(mfcc(y / np.float32(np.sqrt(power)), n_mfcc=n_mfcc).mean(axis=1), np.float32)


def _pitch_statistics(y: FloatArray) -> FloatArray:
    """Of the voiced frames, in octaves over 100 Hz; zeros where nothing is voiced."""
    f0_hz, aperiodicity = pitch(y)
    voiced = aperiodicity < VOICED_BELOW
    octaves = np.log2(f0_hz[voiced] / REFERENCE_HZ) if voiced.any() else np.zeros(1, np.float32)
    steps = np.abs(np.diff(octaves)).mean() if len(octaves) > 1 else 0.0
    low, middle, high = np.percentile(octaves, PERCENTILES)
    return np.array(
        [
            octaves.mean(),
            octaves.std(),
            low,
            middle,
            high,
            steps,
            voiced.mean(),
            aperiodicity.mean(),
        ],
        np.float32,
    )


def _contours(y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Loudness, zero crossings and Teager energy over time, in the order of `_CONTOURS`."""
    rms = frame_rms(y, frame_length=FRAME_LENGTH, hop_length=HOP_LENGTH)
    crossings = zero_crossing_rate(y, frame_length=FRAME_LENGTH, hop_length=HOP_LENGTH)
    teager = np.abs(teager_energy(y))
    energy = frame_rms(np.sqrt(teager), frame_length=FRAME_LENGTH, hop_length=HOP_LENGTH)
    return _relative_db(rms), crossings, _relative_db(energy)


def _relative_db(amplitude: FloatArray) -> FloatArray:
    """Decibels under the maximum, 80 at most."""
    reference = max(float(amplitude.max()), 1e-10)
    return np.asarray(20 * np.log10(np.maximum(amplitude / reference, 1e-4)), np.float32)


def _contour_statistics(contour: FloatArray) -> FloatArray:
    """Mean, deviation, percentiles, and how much it moves from frame to frame."""
    steps = np.abs(np.diff(contour)).mean() if len(contour) > 1 else 0.0
    percentiles = np.percentile(contour, PERCENTILES)
    return np.array([contour.mean(), contour.std(), *percentiles, steps], np.float32)


CLIP_STATISTICS: Final = (
    *(f"mfcc_{i}_mean" for i in range(1, N_MFCC)),
    *(f"mfcc_{i}_std" for i in range(N_MFCC)),
    *(f"mfcc_{i}_delta_std" for i in range(N_MFCC)),
    *(f"mfcc_{i}_delta2_std" for i in range(N_MFCC)),
    *(f"mfcc_{i}_p{p}" for p in PERCENTILES[::2] for i in range(1, N_MFCC)),
    *(f"f0_octaves_{s}" for s in ("mean", "std", "p5", "p50", "p95", "step")),
    "voiced_share",
    "aperiodicity_mean",
    *(f"{c}_{s}" for c in _CONTOURS for s in ("mean", "std", "p5", "p50", "p95", "step")),
)
