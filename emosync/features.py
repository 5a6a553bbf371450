"""Waveform to what the models see; the one place, for training and serving alike.

NumPy and SciPy only: librosa is the reference that the tests hold these functions to, but
importing it costs a server 240 MB and seconds of compilation. Names and defaults are
librosa's. Spectrograms have shape (n_bands, n_frames) as librosa's do; what goes into a
network has time first, (n_frames, n_bands).
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from emosync.framing import SPEECH_SR_HZ, FloatArray, frame_signal

# Whisper's front end: 25 ms windows, 10 ms hops, 80 bands (Radford et al. 2022, section 2.2).
WHISPER_N_FFT: Final = 400
WHISPER_HOP: Final = 160
WHISPER_N_MELS: Final = 80
# Its dynamic range, in units of log10: what lies 80 dB below the maximum is cut off.
WHISPER_RANGE: Final = 8.0


def hz_to_mel(frequency_hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Map frequencies to Slaney's mel scale: linear under 1 kHz, logarithmic above.

    Parameters
    ----------
    frequency_hz : ndarray of float >= 0
        Frequencies in Hz.

    Returns
    -------
    ndarray
        Mels; 1 kHz is 15.

    References
    ----------
    .. [1] Slaney (1998), "Auditory Toolbox", Interval Research, report 1998-010.
    """
    linear = frequency_hz * 3 / 200
    log = 15 + 27 * np.log(np.maximum(frequency_hz, 1e-9) / 1000) / np.log(6.4)
    return np.where(frequency_hz < 1000, linear, log)


def mel_to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Map Slaney mels back to frequencies in Hz; the inverse of `hz_to_mel`."""
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))


@cache
def mel_filterbank(
    *, sr: int, n_fft: int, n_mels: int, fmin_hz: float = 0.0, fmax_hz: float | None = None
) -> FloatArray:
    """Triangular mel filters of equal area, as `librosa.filters.mel` makes them.

    Parameters
    ----------
    sr : int
        Sampling rate in Hz.
    n_fft : int
        Length of the Fourier transform in samples.
    n_mels : int
        Number of bands.
    fmin_hz, fmax_hz : float
        Lowest and highest frequency in Hz; by default 0 and half the rate.

    Returns
    -------
    ndarray of shape (n_mels, 1 + n_fft // 2), float32
        Weights per Hz, read-only since every caller shares them.
    """
    bins_hz = np.linspace(0, sr / 2, 1 + n_fft // 2)
    ends = hz_to_mel(np.array([fmin_hz, fmax_hz or sr / 2]))
    edges_hz = mel_to_hz(np.linspace(ends[0], ends[1], n_mels + 2))
    widths_hz = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None, :]
    rising = -ramps[:-2] / widths_hz[:-1, None]
    falling = ramps[2:] / widths_hz[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters = (triangles * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)
    filters.flags.writeable = False
    return filters


@cache
def hann(n_fft: int) -> FloatArray:
    """Give the periodic Hann window, (n_fft,), read-only."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    window.flags.writeable = False
    return window


def power_spectrogram(
    y: FloatArray, *, n_fft: int, hop_length: int, pad_mode: str | None = "constant"
) -> FloatArray:
    """Squared magnitude of the short-time Fourier transform.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform.
    n_fft, hop_length : int
        In samples.
    pad_mode : {"constant", "reflect"} or None
        What stands before and after the waveform, so that frames are centred; librosa pads
        with zeros, Whisper reflects. None: nothing, as in the middle of a recording.

    Returns
    -------
    ndarray of shape (1 + n_fft // 2, n_frames), float32
        Centred, 1 + n_samples // hop_length frames.
    """
    if pad_mode == "reflect" and len(y) <= n_fft // 2:
        pad_mode = "constant"
    padded = y if pad_mode is None else np.pad(y, n_fft // 2, mode=pad_mode)  # type: ignore[call-overload]
    frames = frame_signal(padded, frame_length=n_fft, hop_length=hop_length) * hann(n_fft)
    spectrum = scipy.fft.rfft(frames, axis=1)
    return np.ascontiguousarray((spectrum.real**2 + spectrum.imag**2).T)


def mel_spectrogram(
    y: FloatArray,
    *,
    sr: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    fmin_hz: float = 0.0,
    fmax_hz: float | None = None,
    pad_mode: str | None = "constant",
) -> FloatArray:
    """Power per mel band, as `librosa.feature.melspectrogram` gives it.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform at `sr`.
    sr, n_fft, hop_length, n_mels, fmin_hz, fmax_hz
        See `mel_filterbank`; lengths in samples.
    pad_mode : {"constant", "reflect"} or None
        See `power_spectrogram`.

    Returns
    -------
    ndarray of shape (n_mels, n_frames), float32
    """
    filters = mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin_hz=fmin_hz, fmax_hz=fmax_hz)
    S = power_spectrogram(y, n_fft=n_fft, hop_length=hop_length, pad_mode=pad_mode)
    return filters @ S


def whisper_log_mel(y: FloatArray) -> FloatArray:
    """Log-mel power of a clip brought to zero mean and unit variance.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz.

    Returns
    -------
    ndarray of shape (n_frames, 80), float32
        log10 of power, 100 frames a second, an even number of them; `whisper_input`
        makes of it what the encoder sees.
    """
    scaled = (y - y.mean()) / np.sqrt(y.var() + 1e-7)
    S = mel_spectrogram(
        scaled.astype(np.float32),
        sr=SPEECH_SR_HZ,
        n_fft=WHISPER_N_FFT,
        hop_length=WHISPER_HOP,
        n_mels=WHISPER_N_MELS,
        pad_mode="reflect",
    )
    n_frames = max(2, len(y) // WHISPER_HOP // 2 * 2)
    return np.log10(np.maximum(S[:, :n_frames], 1e-10)).T


def whisper_input(log_mel: FloatArray) -> FloatArray:
    """Cut the dynamic range to 80 dB and scale, as Whisper's encoder expects.

    Parameters
    ----------
    log_mel : ndarray of shape (..., n_frames, 80)
        From `whisper_log_mel`; each clip is cut below its own maximum.

    Returns
    -------
    ndarray of the same shape, float32
        About -1 to 2.
    """
    loudest = log_mel.max(axis=(-2, -1), keepdims=True)
    clipped = np.maximum(log_mel, loudest - WHISPER_RANGE)
    return np.asarray((clipped + 4) / 4, np.float32)


def mfcc(
    y: FloatArray, *, n_mfcc: int = 40, n_fft: int = 512, hop_length: int = 160, n_mels: int = 64
) -> FloatArray:
    """Mel-frequency cepstral coefficients, as `librosa.feature.mfcc` gives them.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz.
    n_mfcc : int <= n_mels
        Number of coefficients, the 0th included.
    n_fft, hop_length, n_mels : int
        See `mel_filterbank`.

    Returns
    -------
    ndarray of shape (n_mfcc, n_frames), float32
        Orthonormal DCT-II of the log-mel power in dB, cut 80 dB below the maximum.
    """
    S = mel_spectrogram(y, sr=SPEECH_SR_HZ, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels)
    return cepstrum(power_db(S), n_mfcc=n_mfcc)


def power_db(S: FloatArray) -> FloatArray:
    """Give power in dB, cut 80 dB below the maximum, as `librosa.power_to_db` does."""
    S_db = 10 * np.log10(np.maximum(S, 1e-10))
    return np.asarray(np.maximum(S_db, S_db.max() - 80.0), np.float32)


def cepstrum(S_db: FloatArray, *, n_mfcc: int) -> FloatArray:
    """Give the first coefficients (n_mfcc, n_frames) of each frame's orthonormal DCT-II."""
    coefficients = scipy.fft.dct(S_db, axis=0, type=2, norm="ortho")[:n_mfcc]
    return np.asarray(coefficients, np.float32)


def delta(S: FloatArray, *, width: int = 9) -> FloatArray:
    """Slope over time of each row, as `librosa.feature.delta` gives it.

    Parameters
    ----------
    S : ndarray of shape (n_rows, n_frames)
        Features over time.
    width : int, odd, >= 3
        Frames that the line is fitted to; fewer where the clip is shorter.

    Returns
    -------
    ndarray of shape (n_rows, n_frames), float32
        Change per frame; zero for a single frame.
    """
    width = min(width, S.shape[1] - 1 + S.shape[1] % 2)
    if width < 3:
        return np.zeros_like(S)
    # The line's slope is a weighted sum; at the edges the outermost full window's holds.
    offsets = np.arange(width, dtype=np.float32) - width // 2
    windows = np.lib.stride_tricks.sliding_window_view(S, width, axis=1)
    slopes = windows @ (offsets / (offsets**2).sum())
    return np.pad(slopes, ((0, 0), (width // 2, width // 2)), mode="edge")
