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
import scipy.signal

FloatArray = npt.NDArray[np.float32]

SPEECH_SR_HZ: Final = 16_000

# Ends quieter than this below the loudest frame hold room, not voice.
TRIM_TOP_DB: Final = 35.0
TRIM_MARGIN_S: Final = 0.06
TRIM_MIN_S: Final = 0.4

# Whisper's front end: 25 ms windows, 10 ms hops, 80 bands (Radford et al. 2022, section 2.2).
WHISPER_N_FFT: Final = 400
WHISPER_HOP: Final = 160
WHISPER_N_MELS: Final = 80
# Its dynamic range, in units of log10: what lies 80 dB below the maximum is cut off.
WHISPER_RANGE: Final = 8.0

# 80 dB, in units of log10, as for Whisper.
LOG_MEL_RANGE: Final = 8.0

# Two periods of the lowest voice, 60 Hz, and the threshold that the YIN paper gives.
YIN_FRAME_LENGTH: Final = 1024
YIN_THRESHOLD: Final = 0.1


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
def _hann(n_fft: int) -> FloatArray:
    """Periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def frame_signal(y: FloatArray, *, frame_length: int, hop_length: int) -> FloatArray:
    """View a waveform as overlapping frames.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples >= frame_length
        Waveform.
    frame_length, hop_length : int
        In samples.

    Returns
    -------
    ndarray of shape (n_frames, frame_length)
        A read-only view.
    """
    return np.lib.stride_tricks.sliding_window_view(y, frame_length)[::hop_length]


def power_spectrogram(
    y: FloatArray, *, n_fft: int, hop_length: int, pad_mode: str = "constant"
) -> FloatArray:
    """Squared magnitude of the short-time Fourier transform, frames centred.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform.
    n_fft, hop_length : int
        In samples.
    pad_mode : {"constant", "reflect"}
        What stands before and after the waveform; librosa pads with zeros, Whisper reflects.

    Returns
    -------
    ndarray of shape (1 + n_fft // 2, 1 + n_samples // hop_length), float32
    """
    if pad_mode == "reflect" and len(y) <= n_fft // 2:
        pad_mode = "constant"
    padded = np.pad(y, n_fft // 2, mode=pad_mode)  # type: ignore[call-overload]
    frames = frame_signal(padded, frame_length=n_fft, hop_length=hop_length) * _hann(n_fft)
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
    pad_mode: str = "constant",
) -> FloatArray:
    """Power per mel band, as `librosa.feature.melspectrogram` gives it.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform at `sr`.
    sr, n_fft, hop_length, n_mels, fmin_hz, fmax_hz
        See `mel_filterbank`; lengths in samples.
    pad_mode : {"constant", "reflect"}
        See `power_spectrogram`.

    Returns
    -------
    ndarray of shape (n_mels, n_frames), float32
    """
    filters = mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin_hz=fmin_hz, fmax_hz=fmax_hz)
    S = power_spectrogram(y, n_fft=n_fft, hop_length=hop_length, pad_mode=pad_mode)
    return filters @ S


def frame_rms(y: FloatArray, *, frame_length: int, hop_length: int) -> FloatArray:
    """Root mean square of frames that are not centred and not padded.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform; shorter than a frame counts as one frame.
    frame_length, hop_length : int
        In samples.

    Returns
    -------
    ndarray of shape (n_frames,), float32
    """
    frames = frame_signal(y, frame_length=min(frame_length, len(y)), hop_length=hop_length)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", frames, frames) / frames.shape[1]))


def trim_ends(y: FloatArray, *, sr: int = SPEECH_SR_HZ) -> FloatArray:
    """Cut what is 35 dB below the loudest frame from both ends, less a margin.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Waveform.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    ndarray of shape (n_kept,)
        A view, at least 0.4 s long where the recording is.
    """
    frame_length, hop_length = sr // 40, sr // 100
    rms = frame_rms(y, frame_length=frame_length, hop_length=hop_length)
    loud = np.flatnonzero(rms >= rms.max() * 10 ** (-TRIM_TOP_DB / 20))
    margin = int(TRIM_MARGIN_S * sr)
    start = max(0, int(loud[0]) * hop_length - margin)
    end = min(len(y), int(loud[-1]) * hop_length + frame_length + margin)
    lacking = int(TRIM_MIN_S * sr) - (end - start)
    if lacking > 0:
        start = max(0, start - lacking // 2)
        end = min(len(y), end + lacking)
    return y[start:end]


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


def log_mel(
    y: FloatArray, *, n_fft: int = 512, hop_length: int = 320, n_mels: int = 64
) -> FloatArray:
    """Log-mel power relative to the clip's maximum, time first.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz.
    n_fft, hop_length, n_mels : int
        See `mel_filterbank`; by default 50 frames a second.

    Returns
    -------
    ndarray of shape (n_frames, n_mels), float32
        log10 of power, 0 at the maximum and -8 at the least, scaled to [-1, 1].
    """
    S = mel_spectrogram(y, sr=SPEECH_SR_HZ, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels)
    log_power = np.log10(np.maximum(S, 1e-10))
    relative = np.maximum(log_power - log_power.max(), -LOG_MEL_RANGE)
    return np.ascontiguousarray((relative * (2 / LOG_MEL_RANGE) + 1).T)


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
    S_db = 10 * np.log10(np.maximum(S, 1e-10))
    S_db = np.maximum(S_db, S_db.max() - 80.0)
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
    slopes = scipy.signal.savgol_filter(S, width, polyorder=1, deriv=1, axis=1, mode="interp")
    return np.asarray(slopes, np.float32)


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
