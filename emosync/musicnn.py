"""Music through musicnn: log-mels in blocks, and what the network says pooled every 0.5 s.

A recording passes once, block by block, so that an hour costs little memory; whatever is
asked of it later (curve, tags, genre, mood) is made from the steps that come out here.

References
----------
.. [1] Pons and Serra (2019), "musicnn: Pre-trained convolutional neural networks for music
   audio tagging".
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.features import hz_to_mel, mel_spectrogram, mel_to_hz
from emosync.framing import FloatArray

MUSIC_SR_HZ: Final = 16_000
N_FFT: Final = 512
HOP: Final = 256
N_MELS: Final = 96
LOG_SCALE: Final = 10_000
# Per frame: 561 of the front end and three times 64 of the middle.
N_FRAME_FEATURES: Final = 753
N_ACTIVATIONS: Final = 200
STEP_S: Final = 0.5
# Steps that a window of 3 s spans, the length that the network was trained on.
WINDOW_STEPS: Final = 6
# 12 s, a whole number of steps. Shorter ones have more context, longer ones leave the
# processor's cache and more memory with the worker.
BLOCK_FRAMES: Final = 750
# The network's convolutions look 73 frames to each side; even, since it may skip every other.
CONTEXT_FRAMES: Final = 74
# Parseval: the power spectrum's sum over that of the samples, Hann's energy being 3/8.
FULL_SCALE_DB: Final = float(10 * np.log10(N_FFT * 0.375 * N_FFT / 2))
DESCRIPTORS: Final = ("level_db", "loudness", "onset_strength", "brightness_khz")

# From log-mels (1, n_frames, 96) to features (1, n_frames, 753).
FrameRunner = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class MusicSteps:
    """Part of a recording in steps of 0.5 s, each as the window of 3 s around it.

    Attributes
    ----------
    time_s : ndarray of shape (n_steps,)
        Middle of each window; the recording's first is 0.
    pooled : ndarray of shape (n_steps, 1506), float32
        Maximum and mean over the window of each of the network's features, in turn, as its
        last layers expect them.
    descriptors : ndarray of shape (n_steps, 4), float32
        See `DESCRIPTORS`.
    """

    time_s: npt.NDArray[np.float64]
    pooled: FloatArray
    descriptors: FloatArray


def music_log_mel(y: FloatArray) -> FloatArray:
    """Log-mels as musicnn was trained on: log10(1 + 10000 S).

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz.

    Returns
    -------
    ndarray of shape (1 + n_samples // 256, 96), float32
    """
    return np.concatenate(list(log_mel_blocks([y])))


def log_mel_blocks(blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
    """Turn a waveform that comes in blocks into log-mels in blocks of `BLOCK_FRAMES`.

    Parameters
    ----------
    blocks : iterable of ndarray
        Consecutive parts of a mono waveform at 16 kHz, of any lengths.

    Yields
    ------
    ndarray of shape (BLOCK_FRAMES, 96), float32
        The last may be shorter. Together they are the frames of the whole waveform.
    """
    edge = np.zeros(N_FFT // 2, np.float32)
    # Frames are centred, as librosa's are: half a window of silence stands on both sides.
    held = edge
    needed = (BLOCK_FRAMES - 1) * HOP + N_FFT
    for block in chain(blocks, [edge]):
        held = np.concatenate([held, block])
        while len(held) >= needed:
            yield _log_mel(held[:needed])
            held = held[BLOCK_FRAMES * HOP :]
    if len(held) >= N_FFT:
        yield _log_mel(held)


def _log_mel(padded: FloatArray) -> FloatArray:
    S = mel_spectrogram(
        padded, sr=MUSIC_SR_HZ, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS, pad_mode=None
    )
    return np.ascontiguousarray(np.log10(1 + LOG_SCALE * S).T)


def music_steps(blocks: Iterable[FloatArray], run: FrameRunner) -> Iterator[MusicSteps]:
    """Send a recording through the network and pool what it says around every step.

    Parameters
    ----------
    blocks : iterable of ndarray
        Consecutive parts of a mono waveform at 16 kHz.
    run : callable
        The network: log-mels (1, n_frames, 96) to features (1, n_frames, 753).

    Yields
    ------
    MusicSteps
        Consecutive parts of the recording, a block's steps or so each: an hour at once is 90 MB.
    """
    highest, sums = _nothing(0)
    n_before = 0
    for more_highest, more_sums in _segments(blocks, run):
        highest = np.concatenate([highest, more_highest])
        sums = np.concatenate([sums, more_sums])
        n_steps = len(sums) - WINDOW_STEPS + 1
        if n_steps > 0:
            yield _pooled(highest, sums, n_before)
            highest, sums, n_before = highest[n_steps:], sums[n_steps:], n_before + n_steps


def music_windows(
    blocks: Iterable[FloatArray], run: FrameRunner, *, step_s: float, window_s: float
) -> Iterator[MusicSteps]:
    """Send a recording through the network and pool what it says around slices of any length.

    Parameters
    ----------
    blocks : iterable of ndarray
        Consecutive parts of a mono waveform at 16 kHz.
    run : callable
        The network: log-mels (1, n_frames, 96) to features (1, n_frames, 753).
    step_s : float > 0
        Length of a slice in seconds; slices follow each other.
    window_s : float > 0
        Length of the window around the middle of each slice, cut at the recording's ends.

    Yields
    ------
    MusicSteps
        Consecutive windows, a block's or so at a time. A last slice whose middle lies beyond
        the recording's end is left out, unless it is the only one.
    """
    features, described = _no_frames()
    n_gone = n_windows = 0
    for more, more_described in chain(_network_blocks(log_mel_blocks(blocks), run), [_no_frames()]):
        features = np.concatenate([features, more])
        described = np.concatenate([described, more_described])
        n_frames, first = n_gone + len(features), n_windows
        pooled: list[tuple[FloatArray, FloatArray]] = []
        window, middle = _window(n_windows, step_s, window_s)
        while window.stop <= n_frames or (not len(more) and (middle < n_frames or not n_windows)):
            own = slice(window.start - n_gone, window.stop - n_gone)
            pooled.append((_pool_frames(features[own]), described[own].mean(axis=0)))
            n_windows += 1
            window, middle = _window(n_windows, step_s, window_s)
        if pooled:
            vectors, means = map(np.stack, zip(*pooled, strict=True))
            middles_s = step_s * (np.arange(first, n_windows, dtype=np.float64) + 0.5)
            yield MusicSteps(middles_s, vectors, _in_units(means))
        # What no later window looks at.
        n_past = min(window.start - n_gone, len(features))
        features, described, n_gone = features[n_past:], described[n_past:], n_gone + n_past


def _window(number: int, step_s: float, window_s: float) -> tuple[slice, float]:
    """Give the frames around the middle of a slice, and its middle, in frames."""
    frames_per_s = MUSIC_SR_HZ / HOP
    middle, half = (number + 0.5) * step_s * frames_per_s, window_s * frames_per_s / 2
    return slice(max(0, round(middle - half)), round(middle + half)), middle


def _pool_frames(features: FloatArray) -> FloatArray:
    """Maximum and mean of each feature, in turn."""
    return np.stack([features.max(axis=0), features.mean(axis=0)], axis=1).reshape(-1)


def _no_frames() -> tuple[FloatArray, FloatArray]:
    return (
        np.zeros((0, N_FRAME_FEATURES), np.float32),
        np.zeros((0, len(DESCRIPTORS)), np.float32),
    )


def _segments(
    blocks: Iterable[FloatArray], run: FrameRunner
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield maxima and sums (the number of frames last) of 0.5 s each; nothing stands around."""
    half = WINDOW_STEPS // 2
    yield _nothing(half)
    for features, described in _network_blocks(log_mel_blocks(blocks), run):
        counted = np.hstack([features, described, np.ones((len(features), 1), np.float32)])
        # A segment at a time: `reduceat` goes column by column, and takes four times as long.
        slices = _segment_slices(len(features))
        highest = np.stack([features[segment].max(axis=0) for segment in slices])
        yield highest, np.stack([counted[segment].sum(axis=0) for segment in slices])
    yield _nothing(half - 1)


def _nothing(n: int) -> tuple[FloatArray, FloatArray]:
    """Make segments that change no maximum and no sum."""
    highest = np.full((n, N_FRAME_FEATURES), -np.inf, np.float32)
    return highest, np.zeros((n, N_FRAME_FEATURES + len(DESCRIPTORS) + 1), np.float32)


def _pooled(highest: FloatArray, sums: FloatArray, n_before: int) -> MusicSteps:
    """Pool each window that lies within the segments, after so many steps before."""
    maxima, totals = _over_windows(highest, np.maximum), _over_windows(sums, np.add)
    means = totals[:, :-1] / totals[:, -1:]
    pooled = np.stack([maxima, means[:, :N_FRAME_FEATURES]], axis=2)
    return MusicSteps(
        time_s=STEP_S * np.arange(n_before, n_before + len(means), dtype=np.float64),
        pooled=pooled.reshape(len(means), -1),
        descriptors=_in_units(means[:, N_FRAME_FEATURES:]),
    )


def _network_blocks(
    log_mels: Iterable[FloatArray], run: FrameRunner
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield features and descriptors of each block, which the network saw in its context."""
    before = np.zeros((0, N_MELS), np.float32)
    for block, following in _with_following(log_mels):
        seen = np.concatenate([before, block, following[:CONTEXT_FRAMES]])
        own = slice(len(before), len(before) + len(block))
        yield run(seen[np.newaxis])[0, own], _describe(seen)[own]
        before = seen[own][-CONTEXT_FRAMES:]


def _with_following(blocks: Iterable[FloatArray]) -> Iterator[tuple[FloatArray, FloatArray]]:
    ahead = chain(blocks, [np.zeros((0, N_MELS), np.float32)])
    return pairwise(ahead)


def _segment_slices(n_frames: int) -> list[slice]:
    """Cut a block where each 0.5 s begins; blocks begin where a segment does."""
    segments = np.arange(n_frames) * HOP // int(STEP_S * MUSIC_SR_HZ)
    starts = np.flatnonzero(np.diff(segments, prepend=-1)).tolist()
    return [slice(*ends) for ends in pairwise([*starts, n_frames])]


def _over_windows(segments: FloatArray, join: np.ufunc) -> FloatArray:
    """Join every six segments that follow each other."""
    n_steps = len(segments) - WINDOW_STEPS + 1
    joined = segments[:n_steps].copy()
    for shift in range(1, WINDOW_STEPS):
        join(joined, segments[shift : shift + n_steps], out=joined)
    return joined


def _describe(log_mel: FloatArray) -> FloatArray:
    """Power, loudness, onset strength and power times frequency of each frame."""
    power = (10**log_mel - 1) / LOG_SCALE
    rises = np.maximum(np.diff(log_mel, axis=0, prepend=log_mel[:1]), 0)
    # Bands have filters of equal area, so that power per Hz is what they hold.
    width_hz = np.gradient(_band_centres_hz())
    columns = [
        power @ width_hz,
        log_mel.mean(axis=1),
        rises.mean(axis=1),
        power @ (width_hz * _band_centres_hz()),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _in_units(described: FloatArray) -> FloatArray:
    """Bring the means of `_describe` to what `DESCRIPTORS` names."""
    power, loudness, onsets, moment_hz = described.T
    level_db = 10 * np.log10(np.maximum(power, 1e-10)) - FULL_SCALE_DB
    brightness_khz = moment_hz / np.maximum(power, 1e-10) / 1000
    return np.stack([level_db, loudness, onsets, brightness_khz], axis=1).astype(np.float32)


@cache
def _band_centres_hz() -> npt.NDArray[np.float64]:
    top = hz_to_mel(np.array([MUSIC_SR_HZ / 2]))[0]
    return mel_to_hz(np.linspace(0, top, N_MELS + 2))[1:-1]
