"""What of a recording sounds on, and what strikes: harmonic and percussive parts."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import median_filter

from emosync.features import hann
from emosync.framing import FloatArray, frame_signal

KERNEL_SIZE: Final = 31

Complex = npt.NDArray[np.complex64]


def split_harmonic_percussive(
    y: FloatArray, *, n_fft: int = 2048, hop_length: int = 512
) -> tuple[FloatArray, FloatArray]:
    """Split a waveform in two that add up to it, as `librosa.effects.hpss` does.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform.
    n_fft, hop_length : int
        In samples.

    Returns
    -------
    harmonic, percussive : ndarray of shape (n_samples,), float32
        Tones lie still in a spectrogram, strokes stand upright: each bin is shared by its
        medians over 31 frames and over 31 bins.

    References
    ----------
    .. [1] Fitzgerald (2010), "Harmonic/percussive separation using median filtering".
    """
    frames = frame_signal(np.pad(y, n_fft // 2), frame_length=n_fft, hop_length=hop_length)
    spectrum = scipy.fft.rfft(frames * hann(n_fft), axis=1)
    S = np.abs(spectrum)
    sustained = _median_of_rows(np.ascontiguousarray(S.T)).T
    share = _soft_mask(sustained, _median_of_rows(S))
    parts = (spectrum * share, spectrum * (1 - share))
    harmonic, percussive = (_overlap_add(part, n_fft, hop_length, len(y)) for part in parts)
    return harmonic, percussive


def _median_of_rows(S: FloatArray) -> FloatArray:
    """Give the running median within each row, mirrored at the ends.

    SciPy's filter of one dimension is ten times as fast as its filter of two, so that the
    rows are laid end to end.
    """
    half = KERNEL_SIZE // 2
    padded = np.pad(S, ((0, 0), (half, half)), mode="symmetric")
    medians = median_filter(padded.ravel(), size=KERNEL_SIZE).reshape(padded.shape)
    return np.asarray(medians[:, half:-half], np.float32)


def _soft_mask(wanted: FloatArray, other: FloatArray) -> FloatArray:
    """Share of the wanted in the power of both; half where there is neither."""
    larger = np.maximum(wanted, other)
    silent = larger < np.finfo(np.float32).tiny
    larger[silent] = 1
    power, rest = np.square(wanted / larger), np.square(other / larger)
    power[silent], rest[silent] = 0.5, 0.5
    return np.asarray(power / (power + rest), np.float32)


def _overlap_add(spectrum: Complex, n_fft: int, hop_length: int, n_samples: int) -> FloatArray:
    """Turn a spectrogram back into a waveform by least squares."""
    frames = scipy.fft.irfft(spectrum, n=n_fft, axis=1) * hann(n_fft)
    length = n_fft + hop_length * (len(frames) - 1)
    y, weight = np.zeros(length, np.float32), np.zeros(length, np.float32)
    for i, frame in enumerate(frames):
        y[i * hop_length : i * hop_length + n_fft] += frame
        weight[i * hop_length : i * hop_length + n_fft] += hann(n_fft) ** 2
    start = n_fft // 2
    inside = slice(start, start + n_samples)
    whole = np.zeros(n_samples, np.float32)
    tiny = np.finfo(np.float32).tiny
    whole[: length - start] = y[inside] / np.where(weight[inside] > tiny, weight[inside], 1)
    return whole
