"""What the genre models see of a recording, part by part, each at its own sampling rate."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.errors import ModelUnavailable
from emosync.framing import FloatArray
from emosync.genre_slices import (
    BLOCK_SLICES,
    GENRE_SLICE_S,
    GENRE_SR_HZ,
    GENRE_WINDOW_S,
    SILENT_DB,
    SLICE_SAMPLES,
    cut_slices,
    slice_levels_db,
    slice_log_mels,
)
from emosync.genre_statistics import PART_S, recording_parts, served_statistics
from emosync.musicnn import MUSIC_SR_HZ, FrameRunner, music_windows


@dataclass(frozen=True)
class GenreInput:
    """Some slices of a recording, in order.

    Attributes
    ----------
    start_s : ndarray of shape (n_slices,)
        Where each begins.
    X : ndarray of shape (n_slices, ...)
        What the model sees of them.
    level_db : ndarray of shape (n_slices,)
        Root mean square; full scale is 0.
    """

    start_s: npt.NDArray[np.float64]
    X: FloatArray
    level_db: FloatArray

    @property
    def is_silent(self) -> npt.NDArray[np.bool_]:
        """Which slices hold nothing to hear, shape (n_slices,)."""
        return np.asarray(self.level_db < SILENT_DB)


@dataclass(frozen=True)
class GenreEar:
    """How a model listens.

    Attributes
    ----------
    sr_hz : int
        Sampling rate of the waveform that it takes.
    part_s : float
        How long the slices are.
    listen : callable
        From the blocks of a waveform, and the music backbone, to inputs.
    """

    sr_hz: int
    part_s: float
    listen: Callable[[Iterable[FloatArray], FrameRunner], Iterator[GenreInput]]


def genre_ear(feature_type: str) -> GenreEar:
    """Find how a model listens, by its card.

    Parameters
    ----------
    feature_type : str
        A key of `EARS`.

    Returns
    -------
    GenreEar

    Raises
    ------
    ModelUnavailable
        If this version does not know the features.
    """
    if feature_type not in EARS:
        raise ModelUnavailable(f"This version does not know the features '{feature_type}'.")
    return EARS[feature_type]


def filled(blocks: Iterable[FloatArray], *, sr: int) -> Iterator[FloatArray]:
    """Repeat a recording that is shorter than one slice until it fills one.

    Parameters
    ----------
    blocks : iterable of ndarray
        Consecutive parts of a waveform.
    sr : int
        Sampling rate in Hz.

    Yields
    ------
    ndarray of shape (n_samples,)
        The parts, with the beginning of a short recording at least one slice long.
    """
    length = round(GENRE_SLICE_S * sr)
    held: list[FloatArray] = []
    ahead = iter(blocks)
    for block in ahead:
        held.append(block)
        if sum(map(len, held)) >= length:
            break
    start = np.concatenate(held) if held else np.zeros(0, np.float32)
    yield np.resize(start, length) if 0 < len(start) < length else start
    yield from ahead


def in_lengths(blocks: Iterable[FloatArray], length: int) -> Iterator[FloatArray]:
    """Cut a waveform anew.

    Parameters
    ----------
    blocks : iterable of ndarray
        Consecutive parts of it, of any lengths.
    length : int > 0
        Samples of each part but the last.

    Yields
    ------
    ndarray of shape (length,)
        The last may be shorter, but is never empty.
    """
    held: list[FloatArray] = []
    n_held = 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        if n_held >= length:
            whole = np.concatenate(held)
            n_whole = n_held // length * length
            yield from whole[:n_whole].reshape(-1, length)
            held, n_held = [whole[n_whole:]], n_held - n_whole
    if n_held:
        yield np.concatenate(held)


def _windows(blocks: Iterable[FloatArray], run: FrameRunner) -> Iterator[GenreInput]:
    """Give musicnn's features of the 3 s around the middle of each slice."""
    for steps in music_windows(blocks, run, step_s=GENRE_SLICE_S, window_s=GENRE_WINDOW_S):
        start_s = steps.time_s - GENRE_SLICE_S / 2
        yield GenreInput(start_s, steps.pooled, steps.descriptors[:, 0])


def _log_mels(blocks: Iterable[FloatArray], run: FrameRunner) -> Iterator[GenreInput]:
    """Give the log-mel spectrogram of each slice."""
    del run  # a network of its own
    for number, block in enumerate(in_lengths(blocks, BLOCK_SLICES * SLICE_SAMPLES)):
        if number and len(block) < SLICE_SAMPLES / 2:
            return
        X = slice_log_mels(block)
        numbers = number * BLOCK_SLICES + np.arange(len(X), dtype=np.float64)
        yield GenreInput(GENRE_SLICE_S * numbers, X, slice_levels_db(cut_slices(block)))


def _statistics(blocks: Iterable[FloatArray], run: FrameRunner) -> Iterator[GenreInput]:
    """Give the statistics of each part of 30 s."""
    del run  # no network at all
    length = int(PART_S * GENRE_SR_HZ)
    for number, part in enumerate(in_lengths(blocks, length)):
        if number == len(recording_parts(number * length + len(part))):
            return
        X = served_statistics(part)[np.newaxis]
        yield GenreInput(np.array([number * PART_S]), X, slice_levels_db(part[np.newaxis]))


EARS: Final = MappingProxyType(
    {
        "musicnn_windows": GenreEar(MUSIC_SR_HZ, GENRE_SLICE_S, _windows),
        "genre_log_mel": GenreEar(GENRE_SR_HZ, GENRE_SLICE_S, _log_mels),
        "genre_statistics": GenreEar(GENRE_SR_HZ, PART_S, _statistics),
    }
)
