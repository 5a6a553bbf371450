"""What the vocal cords do, frame by frame: pitch, zero crossings and Teager energy."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from emosync.framing import SPEECH_SR_HZ, FloatArray, frame_signal

# Two periods of the lowest voice, 60 Hz, and the threshold that the YIN paper gives.
YIN_FRAME_LENGTH: Final = 1024
YIN_THRESHOLD: Final = 0.1
SILENT: Final = 1e-6


def pitch(
    y: FloatArray, *, fmin_hz: float = 60.0, fmax_hz: float = 500.0, hop_length: int = 320
) -> tuple[FloatArray, FloatArray]:
    """Fundamental frequency and how periodic each frame is, by YIN [1]_.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz; padded to one frame of 64 ms if shorter.
    fmin_hz, fmax_hz : float
        Range searched, in Hz.
    hop_length : int
        In samples.

    Returns
    -------
    f0_hz : ndarray of shape (n_frames,)
        In [fmin_hz, fmax_hz]; means nothing where the frame is not periodic.
    aperiodicity : ndarray of shape (n_frames,)
        The normalised difference at that period; 0 is periodic, about 1 is noise.

    References
    ----------
    .. [1] de Cheveigne and Kawahara (2002), "YIN, a fundamental frequency estimator".
    """
    window = YIN_FRAME_LENGTH // 2
    padded = np.pad(y, (0, max(0, YIN_FRAME_LENGTH - len(y))))
    frames = frame_signal(padded, frame_length=YIN_FRAME_LENGTH, hop_length=hop_length)
    shortest = int(SPEECH_SR_HZ / fmax_hz)
    longest = min(int(np.ceil(SPEECH_SR_HZ / fmin_hz)), window - 1)
    difference = _yin_difference(frames, window, longest + 1)
    lags = np.arange(1, longest + 1)
    cumulative = np.cumsum(difference[:, 1:], axis=1) + 1e-10
    normalised = difference[:, 1:] * lags / cumulative
    # Silence and a constant differ nowhere from themselves: no period, rather than every one.
    normalised[cumulative[:, -1] < SILENT] = 1.0
    searched = normalised[:, shortest - 1 : longest]
    # The first lag under the threshold, not the least of all, which may be a multiple.
    below = searched < YIN_THRESHOLD
    first = np.where(below.any(axis=1), below.argmax(axis=1), searched.argmin(axis=1))
    lag = _descend(searched, first)
    rows = np.arange(len(frames))
    f0_hz = SPEECH_SR_HZ / (lag + shortest)
    return f0_hz.astype(np.float32), searched[rows, lag].astype(np.float32)


def _yin_difference(frames: FloatArray, window: int, n_lags: int) -> FloatArray:
    """Squared difference of each frame with itself, lag by lag, through the FFT."""
    n_fft = scipy.fft.next_fast_len(frames.shape[1] + window, real=True)
    head = scipy.fft.rfft(frames[:, :window], n_fft, axis=1)
    whole = scipy.fft.rfft(frames, n_fft, axis=1)
    correlation = scipy.fft.irfft(whole * head.conj(), n_fft, axis=1)[:, :n_lags]
    energy = np.pad(np.cumsum(frames.astype(np.float64) ** 2, axis=1), ((0, 0), (1, 0)))
    energies = energy[:, window : window + n_lags] - energy[:, :n_lags]
    return np.asarray(np.maximum(energies[:, :1] + energies - 2 * correlation, 0), np.float32)


def _descend(values: FloatArray, start: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """From each row's start, go right as long as the values fall."""
    rising = np.diff(values, axis=1, append=np.inf) >= 0
    rising &= np.arange(values.shape[1]) >= start[:, None]
    return np.asarray(rising.argmax(axis=1), np.intp)


def zero_crossing_rate(y: FloatArray, *, frame_length: int, hop_length: int) -> FloatArray:
    """Share of neighbouring samples with different signs, frame by frame.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform.
    frame_length, hop_length : int
        In samples; frames are not centred.

    Returns
    -------
    ndarray of shape (n_frames,), float32 in [0, 1]
    """
    changes = np.diff(np.signbit(y), prepend=np.signbit(y[:1])).astype(np.float32)
    frames = frame_signal(changes, frame_length=min(frame_length, len(y)), hop_length=hop_length)
    return np.asarray(frames.mean(axis=1))


def teager_energy(y: FloatArray) -> FloatArray:
    """Teager's energy y[n]^2 - y[n-1] y[n+1], which rises with amplitude and frequency [1]_.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples >= 3
        Waveform.

    Returns
    -------
    ndarray of shape (n_samples - 2,), float32

    References
    ----------
    .. [1] Kaiser (1990), "On a simple algorithm to calculate the energy of a signal".
    """
    return np.asarray(y[1:-1] ** 2 - y[:-2] * y[2:])
