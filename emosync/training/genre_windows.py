"""What musicnn hears of tracks, slice by slice: of each track as it is, and of another copy."""

import zlib
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
from scipy.signal import fftconvolve, firwin2

from emosync.artifacts import Artifact, load_artifact, read_card
from emosync.audio import decode
from emosync.framing import FloatArray
from emosync.genre_slices import GENRE_SLICE_S, GENRE_WINDOW_S
from emosync.musicnn import MUSIC_SR_HZ, music_windows
from emosync.training.clip_frames import ClipFrames, clip_frames
from emosync.training.genre_corpora import HEARD_S, GenreTrack

# Of a filter: 32 ms.
N_TAPS: Final = 511
FILTER_KNOTS: Final = 6
FILTER_SD_DB: Final = 4.0
GAIN_RANGE_DB: Final = (-14.0, 4.0)
LOW_PASS_SHARE, LOW_PASS_RANGE_HZ = 0.6, (3_500.0, 8_000.0)
NOISE_SHARE, NOISE_RANGE_DB = 0.4, (-75.0, -45.0)


def genre_windows(
    tracks: Sequence[GenreTrack], models: Path, *, work: Path, changed: bool = False
) -> ClipFrames:
    """Listen to the first 15 s of tracks with the served backbone.

    Parameters
    ----------
    tracks : sequence of GenreTrack
        Of any corpora.
    models : Path
        The folder `models/`, with `music/musicnn`.
    work : Path
        Folder of the cache.
    changed : bool
        Whether to listen to another copy of each, see `change_copy`.

    Returns
    -------
    ClipFrames
        Per track (n_slices, 1506), the 3 s around the middle of each slice.
    """
    heard_by = read_card(models / "music" / "musicnn")["sha256"]["model.onnx"][:8]
    return clip_frames(
        [track.path for track in tracks],
        partial(_hear, models=models),
        name=f"genre_windows{'_changed' if changed else ''}-{heard_by}",
        cache=work,
        read=read_changed if changed else read_start,
    )


def read_start(path: Path, *, sr: int = MUSIC_SR_HZ) -> FloatArray:
    """Decode the first 15 s of a recording: (n_samples,) at `sr`."""
    return decode(path.read_bytes(), sr=sr).y[: int(HEARD_S * sr)]


def read_changed(path: Path) -> FloatArray:
    """Decode the first 15 s as another copy would have them, the same at every call."""
    return change_copy(read_start(path), np.random.default_rng(zlib.crc32(path.stem.encode())))


def change_copy(y: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Change what copies of a recording differ in: level, filter, bandwidth, noise.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Mono waveform at 16 kHz.
    rng : numpy.random.Generator
        Source of all chance.

    Returns
    -------
    ndarray of shape (n_samples,), float32
    """
    nyquist_hz = MUSIC_SR_HZ / 2
    frequencies_hz = np.linspace(0, nyquist_hz, FILTER_KNOTS)
    curve_db = rng.normal(0, FILTER_SD_DB, FILTER_KNOTS) + rng.uniform(*GAIN_RANGE_DB)
    grid_hz = np.linspace(0, nyquist_hz, 257)
    gains = 10 ** (np.interp(grid_hz, frequencies_hz, curve_db) / 20)
    if rng.random() < LOW_PASS_SHARE:
        gains[grid_hz > rng.uniform(*LOW_PASS_RANGE_HZ)] = 1e-3
    changed = fftconvolve(y, firwin2(N_TAPS, grid_hz / nyquist_hz, gains), mode="same")
    if rng.random() < NOISE_SHARE:
        changed += rng.normal(0, 10 ** (rng.uniform(*NOISE_RANGE_DB) / 20), len(y))
    return np.asarray(np.clip(changed, -1, 1), np.float32)


def _hear(y: FloatArray, *, models: Path) -> FloatArray:
    windows = music_windows(
        [y], _backbone(models).run, step_s=GENRE_SLICE_S, window_s=GENRE_WINDOW_S
    )
    return np.concatenate([steps.pooled for steps in windows])


@cache
def _backbone(models: Path) -> Artifact:
    """Load the backbone once per process."""
    return load_artifact(models / "music" / "musicnn")
