"""What recordings differ in and emotions do not, applied to log-mel power.

A filter adds a curve over the bands, noise adds power, a room lets power decay, another
vocal tract stretches the band axis: all of it is cheap on precomputed log-mels.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.signal import lfilter

from emosync.framing import FloatArray

FRAME_S: Final = 0.01
TEMPO_SPAN: Final = 0.1
VOCAL_TRACT_SPAN: Final = 0.07
CHANNEL_KNOTS: Final = 6


def augment(clips: Sequence[FloatArray], n_frames: int, rng: np.random.Generator) -> FloatArray:
    """Bring clips of like length to one length, each changed at random.

    Parameters
    ----------
    clips : sequence of ndarray, each of shape (frames, n_bands)
        log10 of mel power.
    n_frames : int
        Length of the result; a longer clip is cut at random, a shorter one is stretched.
    rng : numpy.random.Generator
        Source of all chance.

    Returns
    -------
    ndarray of shape (n_clips, n_frames, n_bands), float32
    """
    X = np.stack([_stretch_bands(_fit_length(c, n_frames, rng), rng) for c in clips])
    for change in (_add_room, _change_channel, _limit_bandwidth, _add_noise):
        change(X, rng)
    X += rng.normal(0, 0.15, (len(X), 1, 1))
    _mask(X, rng)
    return X.astype(np.float32)


def mix_up(
    X: FloatArray, Y: FloatArray, rng: np.random.Generator, *, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Lay each clip over another of its batch, as if two people spoke [1]_.

    Parameters
    ----------
    X : ndarray of shape (n, n_frames, n_bands)
        log10 of mel power.
    Y : ndarray of shape (n, n_labels)
        Targets.
    rng : numpy.random.Generator
        Source of all chance.
    alpha : float > 0
        Of the beta distribution of the louder share.

    Returns
    -------
    X, Y : ndarray
        Mixed by power and by probability.

    References
    ----------
    .. [1] Zhang et al. (2018), "mixup: Beyond Empirical Risk Minimization".
    """
    share = rng.beta(alpha, alpha)
    share = max(share, 1 - share)
    other = rng.permutation(len(X))
    mixed = np.log10(share * 10**X + (1 - share) * 10 ** X[other])
    return mixed.astype(np.float32), (share * Y + (1 - share) * Y[other]).astype(np.float32)


def _fit_length(clip: FloatArray, n_frames: int, rng: np.random.Generator) -> FloatArray:
    """Cut to within the span of tempo, then stretch to the length."""
    longest = int(n_frames * rng.uniform(1 - TEMPO_SPAN, 1 + TEMPO_SPAN))
    kept = min(len(clip), max(longest, int(n_frames * (1 - TEMPO_SPAN))))
    start = rng.integers(0, len(clip) - kept + 1)
    times = np.linspace(start, start + kept - 1, n_frames)
    before = np.minimum(times.astype(int), max(len(clip) - 2, 0))
    weight = (times - before)[:, None].astype(np.float32)
    after = np.minimum(before + 1, len(clip) - 1)
    return np.asarray(clip[before] * (1 - weight) + clip[after] * weight)


def _stretch_bands(S: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Vocal tract length perturbation (Jaitly and Hinton 2013), on the mel axis."""
    if rng.random() > 0.7:
        return S
    n_bands = S.shape[1]
    factor = rng.uniform(1 - VOCAL_TRACT_SPAN, 1 + VOCAL_TRACT_SPAN)
    position = np.clip(np.arange(n_bands) * factor, 0, n_bands - 1.001)
    below = position.astype(int)
    weight = (position - below).astype(np.float32)
    return np.asarray(S[:, below] * (1 - weight) + S[:, below + 1] * weight)


def _chosen(X: FloatArray, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.flatnonzero(rng.random(len(X)) < share)


def _add_room(X: FloatArray, rng: np.random.Generator) -> None:
    """Let power decay by 60 dB in 0.1 to 0.6 s."""
    for b in _chosen(X, 0.25, rng):
        decay = 10 ** (-6 * FRAME_S / rng.uniform(0.1, 0.6))
        power = 10 ** X[b]
        tail = lfilter([rng.uniform(0.05, 0.4) * decay], [1, -decay], power, axis=0)
        X[b, 1:] = np.log10(power[1:] + tail[:-1])


def _change_channel(X: FloatArray, rng: np.random.Generator) -> None:
    """Add a smooth curve over the bands: another microphone."""
    knots = rng.normal(0, 0.25, (len(X), CHANNEL_KNOTS)) * (rng.random((len(X), 1)) < 0.6)
    position = np.linspace(0, CHANNEL_KNOTS - 1.001, X.shape[2])
    left = position.astype(int)
    weight = position - left
    X += (knots[:, left] * (1 - weight) + knots[:, left + 1] * weight)[:, None, :]


def _limit_bandwidth(X: FloatArray, rng: np.random.Generator) -> None:
    """Weaken the lowest and highest bands: a telephone, a low bit rate."""
    n_bands = X.shape[2]
    for b in _chosen(X, 0.12, rng):
        low, high = rng.integers(3, 9), rng.integers(int(0.72 * n_bands), int(0.88 * n_bands))
        X[b, :, :low] -= rng.uniform(1, 3)
        X[b, :, high:] -= rng.uniform(2, 5)


def _add_noise(X: FloatArray, rng: np.random.Generator) -> None:
    """Add noise 18 to 50 dB below the loudest band, tilted and slowly moving."""
    noisy = _chosen(X, 0.4, rng)
    if not len(noisy):
        return
    _, n_frames, n_bands = X.shape
    peak = X[noisy].max(axis=(1, 2), keepdims=True)
    level = peak - 1.0 - rng.uniform(0.8, 4.0, peak.shape)
    tilt = np.linspace(0, 1, n_bands) * rng.uniform(-2, 1, peak.shape)
    slow = rng.normal(0, 0.2, (len(noisy), n_frames // 10 + 1, 1)).repeat(10, axis=1)[:, :n_frames]
    noise = level + tilt + slow + rng.normal(0, 0.18, (len(noisy), n_frames, n_bands))
    X[noisy] = np.log10(10 ** X[noisy] + 10**noise)


def _mask(X: FloatArray, rng: np.random.Generator) -> None:
    """SpecAugment (Park et al. 2019): up to two stretches of time and two of bands."""
    n_frames, n_bands = X.shape[1:]
    for clip, mean in zip(X, X.mean(axis=(1, 2)), strict=True):
        for _ in range(2):
            if rng.random() < 0.6:
                width = rng.integers(0, max(2, min(40, n_frames // 6)))
                start = rng.integers(0, n_frames - width)
                clip[start : start + width] = mean
            if rng.random() < 0.6:
                width = rng.integers(0, n_bands // 6 + 1)
                start = rng.integers(0, n_bands - width)
                clip[:, start : start + width] = mean
