"""Slices of a recording, which genres are told from, and what the cnn sees of them.

Copies of recordings differ in level, in bandwidth and in length; genres do not depend on
them. So a slice knows nothing of the recording's length, its level is taken out, and what
lies above `FMAX_HZ` is not looked at.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.features import mel_spectrogram
from emosync.framing import FloatArray

GENRE_SLICE_S: Final = 1.4
# What musicnn hears around the middle of a slice, the length that it was trained on: on
# tracks that were not learnt from, the slice alone finds 3 to 5 points less.
GENRE_WINDOW_S: Final = 3.0
SILENT_DB: Final = -60.0
GENRE_SR_HZ: Final = 22_050
GENRE_N_FFT: Final = 2048
# 22 ms; a slice has 63 of them, no sample more.
GENRE_HOP: Final = 490
GENRE_N_MELS: Final = 64
FMIN_HZ: Final = 30.0
# The narrowest of GTZAN's copies end near 7.5 kHz.
FMAX_HZ: Final = 7_000.0
SLICE_SAMPLES: Final = round(GENRE_SLICE_S * GENRE_SR_HZ)
SLICE_FRAMES: Final = SLICE_SAMPLES // GENRE_HOP
# What lies 80 dB below a slice's maximum is cut off, in units of log10.
DYNAMIC_RANGE: Final = 8.0
# Slices whose spectra are made at once, a minute's; the spectra of an hour would need 700 MB.
BLOCK_SLICES: Final = 43


def count_slices(duration_s: float) -> int:
    """Count the slices of a recording.

    Parameters
    ----------
    duration_s : float > 0
        Its length.

    Returns
    -------
    int >= 1
        A last one shorter than half a slice is left out, unless it is the only one.
    """
    return max(1, int(duration_s / GENRE_SLICE_S + 0.5))


def cut_slices(y: FloatArray, *, sr: int = GENRE_SR_HZ) -> FloatArray:
    """Cut a recording into slices.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    ndarray of shape (n_slices, slice_samples)
        See `count_slices`. What a last slice lacks is filled up from the recording's start.
    """
    length = round(GENRE_SLICE_S * sr)
    n_slices = count_slices(len(y) / sr)
    lacking = max(0, n_slices * length - len(y))
    whole = np.pad(y, (0, lacking), mode="wrap") if lacking else y
    return whole[: n_slices * length].reshape(n_slices, length)


def slice_levels_db(slices: FloatArray) -> FloatArray:
    """Measure the level of slices.

    Parameters
    ----------
    slices : ndarray of shape (n_slices, slice_samples)
        See `cut_slices`.

    Returns
    -------
    ndarray of shape (n_slices,), float32
        Root mean square in dB; full scale is 0. Below `SILENT_DB` a slice is silent.
    """
    power = np.einsum("ij,ij->i", slices, slices) / slices.shape[1]
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float32)


def slice_log_mels(y: FloatArray) -> FloatArray:
    """Give what the cnn sees of a recording.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform at 22.05 kHz.

    Returns
    -------
    ndarray of shape (n_slices, 63, 64), float32
        See `cut_slices` and `slice_input`; silent slices are among them.
    """
    slices = cut_slices(y)
    blocks = [slices[i : i + BLOCK_SLICES] for i in range(0, len(slices), BLOCK_SLICES)]
    powers = np.concatenate([genre_log_mel(block.reshape(-1)) for block in blocks])
    return slice_input(powers.reshape(len(slices), SLICE_FRAMES, GENRE_N_MELS))


def genre_log_mel(y: FloatArray) -> FloatArray:
    """Log-mel power between 30 Hz and 7 kHz.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples >= 490
        Mono waveform at 22.05 kHz.

    Returns
    -------
    ndarray of shape (n_samples // 490, 64), float32
        log10 of power; a frame's middle lies in the middle of its 490 samples.
    """
    n_frames = len(y) // GENRE_HOP
    around = (GENRE_N_FFT - GENRE_HOP) // 2
    S = mel_spectrogram(
        np.pad(y[: n_frames * GENRE_HOP], around),
        sr=GENRE_SR_HZ,
        n_fft=GENRE_N_FFT,
        hop_length=GENRE_HOP,
        n_mels=GENRE_N_MELS,
        fmin_hz=FMIN_HZ,
        fmax_hz=FMAX_HZ,
        pad_mode=None,
    )
    return np.ascontiguousarray(np.log10(np.maximum(S, 1e-10)).T)


def slice_input(log_mel: npt.NDArray[np.floating]) -> FloatArray:
    """Take a slice's level out, and cut its dynamic range to 80 dB.

    Parameters
    ----------
    log_mel : ndarray of shape (..., n_frames, n_bands)
        log10 of mel power; each slice is scaled by its own maximum.

    Returns
    -------
    ndarray of the same shape, float32
        In [-1, 1]; 1 at the maximum.
    """
    loudest = log_mel.max(axis=(-2, -1), keepdims=True)
    return np.asarray(
        np.maximum(log_mel - loudest, -DYNAMIC_RANGE) / (DYNAMIC_RANGE / 2) + 1, np.float32
    )
