"""Our own small network on slices' log-mels, taught by the genre head on musicnn.

It hears labelled tracks of GTZAN, and music without labels through its teacher's answers.
Augmentation changes what copies of a recording differ in: band, filter, noise, room, pitch
and tempo; two tracks laid over each other are half of each genre.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import keras
import numpy as np

from emosync.framing import FloatArray
from emosync.genre_slices import (
    GENRE_N_MELS,
    GENRE_SR_HZ,
    SLICE_FRAMES,
    genre_log_mel,
    slice_input,
)
from emosync.labels import GENRES
from emosync.training.clip_frames import ClipFrames, clip_frames
from emosync.training.cnn import build_cnn
from emosync.training.finetuning import ClipBatches, Schedule, train
from emosync.training.genre_corpora import GenreTrack
from emosync.training.genre_windows import read_start

SCHEDULE: Final = Schedule(
    epochs=30,
    batch_size=128,
    learning_rate=3e-3,
    label_smoothing=0.0,
    mixup_alpha=0.4,
    averaging=0.98,
)
# Slices that an epoch hears of each genre, and of a track without a label; each time at other
# places.
LABELLED_SLICES: Final = 240.0
UNLABELLED_SHARE: Final = 2.0


def genre_log_mels(tracks: Sequence[GenreTrack], *, work: Path) -> ClipFrames:
    """Give the log-mel power of the first 15 s of every track, computed once.

    Parameters
    ----------
    tracks : sequence of GenreTrack
        Of any corpora.
    work : Path
        Folder of the cache.

    Returns
    -------
    ClipFrames
        Per track (n_frames, 64), see `genre_slices.genre_log_mel`.
    """
    paths = [track.path for track in tracks]
    read = partial(read_start, sr=GENRE_SR_HZ)
    return clip_frames(paths, genre_log_mel, name="genre_log_mel", cache=work, read=read)


def build_genre_cnn(*, exportable: bool = False, temperature: float = 1.0) -> keras.Model:
    """Build the network; see `cnn.build_cnn`."""
    return build_cnn(
        len(GENRES), n_mels=GENRE_N_MELS, exportable=exportable, temperature=temperature
    )


def train_genre_cnn(
    log_mels: ClipFrames, targets: FloatArray, shares: FloatArray, *, seed: int = 0
) -> keras.Model:
    """Train the network.

    Parameters
    ----------
    log_mels : ClipFrames
        Of all tracks.
    targets : ndarray of shape (n_tracks, 10)
        Probabilities.
    shares : ndarray of shape (n_tracks,)
        Slices that an epoch hears of each track; 0 for those that must not be heard.
    seed : int
        Of everything random.

    Returns
    -------
    keras.Model
        Gives logits.
    """
    keras.utils.set_random_seed(seed)
    model = build_genre_cnn()
    batches = ClipBatches(log_mels, targets, shares, slice_input, SCHEDULE, n_frames=SLICE_FRAMES)
    train(model, batches, SCHEDULE)
    return model


def slice_logits(model: keras.Model, log_mel: FloatArray) -> FloatArray:
    """Ask the network about a track's slices.

    Parameters
    ----------
    model : keras.Model
        Gives logits.
    log_mel : ndarray of shape (n_frames, 64)
        Of the track.

    Returns
    -------
    ndarray of shape (n_slices, 10), float32
    """
    n_slices = len(log_mel) // SLICE_FRAMES
    slices = log_mel[: n_slices * SLICE_FRAMES].reshape(n_slices, SLICE_FRAMES, GENRE_N_MELS)
    logits = model(slice_input(slices), training=False)
    return np.asarray(keras.ops.convert_to_numpy(logits), np.float32)
