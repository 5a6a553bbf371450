"""Statistics that sum up half a minute of music, as the Kaggle table of GTZAN has them.

The table came from librosa's functions at 22.05 kHz with their defaults; here they are NumPy
and SciPy on one spectrogram, and tests hold them to librosa and to the table. The model sees
fewer, and of variances the logarithm, see `SERVED_STATISTICS`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.chroma import chroma
from emosync.features import cepstrum, mel_filterbank, power_db, power_spectrogram
from emosync.framing import FloatArray, frame_rms
from emosync.genre_slices import GENRE_SR_HZ
from emosync.harmony import split_harmonic_percussive
from emosync.tempo import estimate_tempo, onset_strength
from emosync.voice import zero_crossing_rate

N_FFT: Final = 2048
HOP_LENGTH: Final = 512
N_MELS: Final = 128
N_MFCC: Final = 20
ROLLOFF_SHARE: Final = 0.85
PART_S: Final = 30.0
MIN_LAST_PART_S: Final = 15.0

_CONTOURS: Final = (
    "chroma_stft",
    "rms",
    "spectral_centroid",
    "spectral_bandwidth",
    "rolloff",
    "zero_crossing_rate",
)
_WAVEFORMS: Final = ("harmony", "perceptr")
_COEFFICIENTS: Final = tuple(f"mfcc{i}" for i in range(1, N_MFCC + 1))

Floats = npt.NDArray[np.float64]


def _mean_and_var(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}_{statistic}" for name in names for statistic in ("mean", "var"))


# The table's columns, in its order and by its names; `perceptr` is the percussive part.
GENRE_STATISTICS: Final = (
    "length",
    *_mean_and_var(_CONTOURS),
    *_mean_and_var(_WAVEFORMS),
    "tempo",
    *_mean_and_var(_COEFFICIENTS),
)
# What the model sees. `length` is no feature of sound. The means of harmony and perceptr are
# the offset of a copy's zero, which tells the compact disc and is lost in any other codec. Their
# variances and the tempo gave nothing in cross-validation (74.5 % with, 74.6 % without), and
# cost three times as long as all the rest.
SERVED_STATISTICS: Final = (*_mean_and_var(_CONTOURS), *_mean_and_var(_COEFFICIENTS))
_SERVED: Final = np.array([GENRE_STATISTICS.index(name) for name in SERVED_STATISTICS])
# They spread over powers of ten; as logarithms they are near to normal.
_IS_LOG: Final = np.array([n.endswith("_var") or n == "rms_mean" for n in SERVED_STATISTICS])
_LOG_FLOOR: Final = 1e-12


def genre_statistics(y: FloatArray) -> FloatArray:
    """Compute every column of the table.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 22.05 kHz, of any length; the table's last 30 s.

    Returns
    -------
    ndarray of shape (58,), float32
        In the order of `GENRE_STATISTICS`; variances are of the population.
    """
    S = power_spectrogram(y, n_fft=N_FFT, hop_length=HOP_LENGTH)
    S_db = _mel_db(S)
    contours = _contours(y, S)
    waveforms = split_harmonic_percussive(y, n_fft=N_FFT, hop_length=HOP_LENGTH)
    onsets = onset_strength(S_db, n_fft=N_FFT, hop_length=HOP_LENGTH)
    tempo = estimate_tempo(onsets, sr=GENRE_SR_HZ, hop_length=HOP_LENGTH)
    rows = cepstrum(S_db, n_mfcc=N_MFCC)
    return np.array(
        [len(y), *_summary(contours), *_summary(waveforms), tempo, *_summary(rows)], np.float32
    )


def model_input(statistics: npt.NDArray[np.floating]) -> FloatArray:
    """Pick what the model sees of the table's columns.

    Parameters
    ----------
    statistics : ndarray of shape (..., 58)
        In the order of `GENRE_STATISTICS`.

    Returns
    -------
    ndarray of shape (..., 52), float32
        In the order of `SERVED_STATISTICS`; variances and the level as natural logarithms.
    """
    return _logarithms(statistics[..., _SERVED])


def served_statistics(y: FloatArray) -> FloatArray:
    """Compute what the model sees of one part, and nothing else.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 22.05 kHz.

    Returns
    -------
    ndarray of shape (52,), float32
        The `model_input` of `genre_statistics`.
    """
    S = power_spectrogram(y, n_fft=N_FFT, hop_length=HOP_LENGTH)
    rows = cepstrum(_mel_db(S), n_mfcc=N_MFCC)
    return _logarithms(np.array([*_summary(_contours(y, S)), *_summary(rows)]))


def recording_statistics(y: FloatArray) -> FloatArray:
    """Compute what the model sees of a recording.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform at 22.05 kHz.

    Returns
    -------
    ndarray of shape (n_parts, 52), float32
        A row per part of `recording_parts`.
    """
    return np.stack([served_statistics(y[part]) for part in recording_parts(len(y))])


def recording_parts(n_samples: int) -> list[slice]:
    """Cut a recording into parts of 30 s, the length that the table knows.

    Parameters
    ----------
    n_samples : int > 0
        Of the recording, at 22.05 kHz.

    Returns
    -------
    list of slice
        In order; a last one under 15 s is left out, unless it is the only one.
    """
    length, shortest = int(PART_S * GENRE_SR_HZ), int(MIN_LAST_PART_S * GENRE_SR_HZ)
    n_parts = max(1, (n_samples + length - shortest) // length)
    return [slice(i * length, min((i + 1) * length, n_samples)) for i in range(n_parts)]


def _logarithms(served: npt.NDArray[np.floating]) -> FloatArray:
    return np.where(_IS_LOG, np.log(np.maximum(served, _LOG_FLOOR)), served).astype(np.float32)


def _contours(y: FloatArray, S: FloatArray) -> list[FloatArray]:
    """Give what runs along the frames, in the order of `_CONTOURS`."""
    magnitude = np.sqrt(S)
    centroid, bandwidth = _spread(magnitude)
    framing = {"frame_length": N_FFT, "hop_length": HOP_LENGTH}
    return [
        chroma(S, sr=GENRE_SR_HZ),
        frame_rms(np.pad(y, N_FFT // 2), **framing),
        centroid,
        bandwidth,
        _rolloff(magnitude),
        zero_crossing_rate(np.pad(y, N_FFT // 2, mode="edge"), **framing),
    ]


def _mel_db(S: FloatArray) -> FloatArray:
    return power_db(mel_filterbank(sr=GENRE_SR_HZ, n_fft=N_FFT, n_mels=N_MELS) @ S)


def _bins_hz() -> Floats:
    return np.linspace(0, GENRE_SR_HZ / 2, 1 + N_FFT // 2)


def _spread(magnitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation in Hz of each frame's spectrum; zeros in silence."""
    bins_hz = _bins_hz()
    # By moments, in double precision: their difference loses half of the digits.
    powers = np.stack([np.ones_like(bins_hz), bins_hz, bins_hz**2])
    total, first, second = powers @ magnitude
    total = np.where(total < np.finfo(np.float32).tiny, 1, total)
    centroid = first / total
    bandwidth = np.sqrt(np.maximum(second / total - centroid**2, 0))
    return centroid.astype(np.float32), bandwidth.astype(np.float32)


def _rolloff(magnitude: FloatArray) -> FloatArray:
    """Frequency in Hz below which 85 % of each frame's magnitude lies."""
    running = np.cumsum(magnitude, axis=0)
    reached = (running >= ROLLOFF_SHARE * running[-1]).argmax(axis=0)
    return np.asarray(_bins_hz()[reached], np.float32)


def _summary(rows: FloatArray | list[FloatArray] | tuple[FloatArray, ...]) -> list[float]:
    """Mean and variance of each row, one after the other."""
    return [
        float(statistic)
        for row in rows
        for statistic in (row.mean(dtype=np.float64), row.var(dtype=np.float64))
    ]
