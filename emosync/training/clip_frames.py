"""Features of many clips, computed once and kept in memory-mapped arrays."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import numpy.typing as npt

from emosync.audio import decode
from emosync.errors import EmoSyncError
from emosync.framing import FloatArray, cut_voice

# Raised when what is computed changes, so that an old cache is not taken for a new one.
CACHE_VERSION: Final = 2
CHUNK_SIZE: Final = 32

# Half precision for frames, single for one vector of statistics.
Part = npt.NDArray[np.float16] | FloatArray
Extract = Callable[[FloatArray], FloatArray]


class ClipUnreadable(RuntimeError):
    """A recording of a corpus cannot be learnt from."""


@dataclass(frozen=True)
class ClipFrames:
    """Clips of different lengths, end to end in one array.

    Attributes
    ----------
    frames : ndarray of shape (n_frames, n_bands), float16
        All clips' frames; half precision holds log-mels to 0.004.
    offsets : ndarray of shape (n_clips + 1,)
        Where each clip begins.
    """

    frames: npt.NDArray[np.float16]
    offsets: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Frames per clip."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> FloatArray:
        """Give one clip, shape (n_frames, n_bands), float32."""
        return np.asarray(self.frames[self.offsets[i] : self.offsets[i + 1]], np.float32)


def clip_frames(
    paths: Sequence[Path],
    extract: Extract,
    *,
    name: str,
    cache: Path,
    read: Callable[[Path], FloatArray] | None = None,
) -> ClipFrames:
    """Compute the frames of every clip, or take them from the cache.

    Parameters
    ----------
    paths : sequence of Path
        Recordings.
    extract : callable
        From a waveform to frames (n_frames, n_bands), or to one vector (n_features,).
        It is sent to other processes, so it must be a module's function or a partial of one.
    name : str
        Of the features, with their settings: another name is another cache.
    cache : Path
        Folder for the arrays.
    read : callable, optional
        From a path to a waveform, sent along like `extract`; by default `read_voice`.

    Returns
    -------
    ClipFrames
        In the order of `paths`; a vector counts as one frame.

    Raises
    ------
    ClipUnreadable
        If a recording is damaged, silent or too short; says which.
    """
    listed = [CACHE_VERSION, name, *(f"{p}:{p.stat().st_size}" for p in paths)]
    stem = f"{name}-{digest(listed)}"
    frames_path, offsets_path = cache / f"{stem}.frames.npy", cache / f"{stem}.offsets.npy"
    if not offsets_path.exists():
        parts = _compute(paths, partial(_clip, extract=extract, read=read or read_voice), name)
        save_array(frames_path, np.concatenate(parts))
        # Written last: its presence says that the frames are whole.
        save_array(offsets_path, np.cumsum([0, *map(len, parts)]))
    return ClipFrames(np.load(frames_path, mmap_mode="r"), np.load(offsets_path))


def digest(what: Any) -> str:
    """Give 16 digits that tell one thing to compute from another, for the names of caches.

    Parameters
    ----------
    what : anything that JSON can hold
        All that the result depends on.

    Returns
    -------
    str
    """
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def save_array(path: Path, values: npt.NDArray[Any]) -> None:
    """Write a .npy file that is there whole or not at all, even if two processes write it.

    Parameters
    ----------
    path : Path
        Its folder is made.
    values : ndarray
        What it shall hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{os.getpid()}.part.npy")
    np.save(part, values)
    part.replace(path)


def _compute(paths: Sequence[Path], compute: Callable[[Path], Part], name: str) -> list[Part]:
    with (
        ProcessPoolExecutor(os.cpu_count()) as pool,
        click.progressbar(length=len(paths), label=name) as bar,
    ):
        parts = []
        for part in pool.map(compute, paths, chunksize=CHUNK_SIZE):
            parts.append(part)
            bar.update(1)
    return parts


def read_voice(path: Path) -> FloatArray:
    """Decode a recording and cut off its quiet ends, as in serving: (n_samples,) at 16 kHz."""
    return cut_voice(read_recording(path))[0]


def read_recording(path: Path) -> FloatArray:
    """Decode a whole recording: (n_samples,) at 16 kHz."""
    return decode(path.read_bytes()).y


def _clip(path: Path, *, extract: Extract, read: Callable[[Path], FloatArray]) -> Part:
    try:
        features = extract(read(path))
    except EmoSyncError as exc:
        raise ClipUnreadable(f"{path}: {exc} Take it out of the corpus, or mend it.") from exc
    # Half precision would overflow on statistics such as counts; log-mels are small.
    return features[np.newaxis] if features.ndim == 1 else features.astype(np.float16)
