"""A recording summed up in as many columns as a picture can show, whatever its length.

Ten minutes hold 9.6 million samples; a picture holds under a thousand columns. Frames are
taken block by block and averaged into their column, so a long recording costs little memory.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
import soxr

from emosync.features import mfcc
from emosync.framing import SPEECH_SR_HZ

Samples = npt.NDArray[np.float32]

WINDOW_S: Final = 0.032
# Frames farther apart than half a window would pass over part of the sound.
MAX_HOP_S: Final = 0.016
COLUMNS_PER_BLOCK: Final = 64
N_MFCC: Final = 20
MFCC_HOP: Final = 160
FRAMES_PER_BLOCK: Final = 2000
# Below -90 dB of full scale nothing was recorded; silence shall look like silence, and not
# like sound because there is nothing louder beside it.
QUIETEST_MAXIMUM: Final = 1e-9
POWER_FLOOR: Final = 1e-18


@dataclass(frozen=True)
class Envelope:
    """The waveform in columns.

    Attributes
    ----------
    low, high : ndarray of shape (n_columns,)
        Smallest and largest sample; full scale is 1.
    rms : ndarray of shape (n_columns,)
        Root mean square.
    """

    low: Samples
    high: Samples
    rms: Samples


def envelope(y: Samples, *, n_columns: int) -> Envelope:
    """Sum up the waveform, column by column.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform.
    n_columns : int > 0
        Upper limit; a recording with fewer samples has one column per sample.

    Returns
    -------
    Envelope
    """
    starts = _column_starts(y.size, n_columns)
    lengths = np.diff(starts, append=y.size)
    power = np.add.reduceat(np.square(y), starts) / lengths
    return Envelope(
        low=np.minimum.reduceat(y, starts),
        high=np.maximum.reduceat(y, starts),
        rms=np.sqrt(power).astype(np.float32),
    )


def spectrogram_db(y: Samples, *, sr: int, n_columns: int) -> Samples:
    """Power per frequency and column, in decibels relative to the strongest point.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform.
    sr : int
        Sampling rate in Hz.
    n_columns : int > 0
        Columns of the result.

    Returns
    -------
    ndarray of shape (n_freqs, n_columns)
        At most 0 dB; silence is -90 dB everywhere. Rows run evenly from 0 Hz to `sr` / 2,
        columns from the first sample to the last.
    """
    n_window = round(WINDOW_S * sr)
    frames_per_column = int(np.ceil(y.size / (MAX_HOP_S * sr * n_columns)))
    n_frames = n_columns * frames_per_column
    starts = ((np.arange(n_frames) + 0.5) * (y.size / n_frames)).astype(np.intp)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(y, n_window // 2), n_window)
    blocks = np.split(
        starts.reshape(n_columns, -1), range(COLUMNS_PER_BLOCK, n_columns, COLUMNS_PER_BLOCK)
    )
    power = np.concatenate([_mean_power(frames[block]) for block in blocks]).T
    power_db = 10.0 * np.log10(np.maximum(power, POWER_FLOOR))
    reference_db = 10.0 * np.log10(max(QUIETEST_MAXIMUM, float(power.max())))
    return np.asarray(power_db - reference_db, dtype=np.float32)


def mfcc_columns(y: Samples, *, sr: int, n_columns: int) -> Samples:
    """Mel-frequency cepstral coefficients, averaged per column.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), n_samples > 0
        Mono waveform.
    sr : int
        Sampling rate in Hz.
    n_columns : int > 0
        Upper limit; a recording with fewer frames has one column per frame.

    Returns
    -------
    ndarray of shape (20, <= n_columns)
        Coefficient 0, which follows the loudness, first.
    """
    if sr != SPEECH_SR_HZ:
        y = soxr.resample(y, sr, SPEECH_SR_HZ)
    n_block = FRAMES_PER_BLOCK * MFCC_HOP
    blocks = [y[start : start + n_block] for start in range(0, y.size, n_block)]
    # A block's last frame is centred on the next block's first sample: it comes again there.
    frames = [
        mfcc(block, n_mfcc=N_MFCC, hop_length=MFCC_HOP)[:, :FRAMES_PER_BLOCK] for block in blocks
    ]
    coefficients = np.concatenate(frames, axis=1)
    starts = _column_starts(coefficients.shape[1], n_columns)
    lengths = np.diff(starts, append=coefficients.shape[1])
    return np.asarray(np.add.reduceat(coefficients, starts, axis=1) / lengths, dtype=np.float32)


def standardised(rows: Samples) -> Samples:
    """Express every value in deviations from the mean of its row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Such as cepstral coefficients, whose ranges differ by orders of magnitude.

    Returns
    -------
    ndarray of the same shape
        Mean 0 and deviation 1 along each row; a constant row is 0.
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(rows.std(axis=1, keepdims=True), 1e-3))


def _mean_power(frames: Samples) -> Samples:
    """Average the power spectra of frames, (n_columns, n_frames, n_window), over axis 1."""
    n_window = frames.shape[-1]
    # Periodic, as spectra want it: one more point than needed, and the last dropped.
    window = np.hanning(n_window + 1)[:-1].astype(np.float32)
    # Twice the window's length: rows fine enough that no step shows.
    spectra = scipy.fft.rfft(frames * (window / window.sum()), n=2 * n_window)
    power: Samples = np.mean(spectra.real**2 + spectra.imag**2, axis=1)
    return power


def _column_starts(n_items: int, n_columns: int) -> npt.NDArray[np.intp]:
    """Give the first item of every column, items shared out evenly."""
    n_columns = min(n_items, n_columns)
    return np.arange(n_columns) * n_items // n_columns
