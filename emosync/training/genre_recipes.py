"""How a genre method learns: tracks and who may be heard in, logits of every slice out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import keras
import numpy as np

from emosync.framing import FloatArray
from emosync.labels import GENRES
from emosync.training.clip_frames import ClipFrames
from emosync.training.export import export_network, export_plain
from emosync.training.genre_cnn import (
    LABELLED_SLICES,
    UNLABELLED_SHARE,
    build_genre_cnn,
    genre_log_mels,
    slice_logits,
    train_genre_cnn,
)
from emosync.training.genre_corpora import GenreTrack, genre_numbers
from emosync.training.genre_evaluation import track_probabilities
from emosync.training.genre_head import GenreHead, HeadLessons, build_head, fit_head
from emosync.training.genre_windows import genre_windows
from emosync.training.splits import Indices

# How much of the cnn's target is its teacher's answer, softened by the temperature.
TEACHER_SHARE, TEACHER_TEMPERATURE = 0.5, 4.0


@dataclass(frozen=True)
class GenreMaterial:
    """Tracks, and what is heard of them.

    Attributes
    ----------
    tracks : sequence of GenreTrack
        GTZAN's first.
    windows, changed : ClipFrames
        See `genre_windows`; `changed` holds GTZAN's tracks only.
    work : Path
        Folder for caches and weights.
    """

    tracks: Sequence[GenreTrack]
    windows: ClipFrames
    changed: ClipFrames
    work: Path

    @cached_property
    def numbers(self) -> Indices:
        """Place of every track's genre in `labels.GENRES`, -1 where it has none."""
        return genre_numbers(self.tracks)

    @cached_property
    def means(self) -> FloatArray:
        """Mean over each track's windows, (n_tracks, 1506)."""
        return np.stack([self.windows[i].mean(axis=0) for i in range(len(self.tracks))])

    @cached_property
    def changes(self) -> FloatArray:
        """What another copy of each of GTZAN's tracks adds to its mean."""
        copies = [self.changed[i].mean(axis=0) for i in range(len(self.changed))]
        return np.stack(copies) - self.means[: len(self.changed)]

    def of(self, corpus: str) -> Indices:
        """Give the places of a corpus' tracks."""
        return np.flatnonzero([track.corpus == corpus for track in self.tracks])


@dataclass(frozen=True)
class LearntGenres:
    """A trained model.

    Attributes
    ----------
    logits : sequence of ndarray, each of shape (n_slices, 10)
        For every track of the material.
    export : callable
        Writes the served files into a folder, logits divided by a temperature.
    """

    logits: Sequence[FloatArray]
    export: Callable[[Path, float], None]


def read_genre_material(tracks: Sequence[GenreTrack], models: Path, work: Path) -> GenreMaterial:
    """Listen to tracks with the served backbone.

    Parameters
    ----------
    tracks : sequence of GenreTrack
        GTZAN's first.
    models : Path
        The folder `models/`, with `music/musicnn`.
    work : Path
        For caches and weights.

    Returns
    -------
    GenreMaterial
    """
    taught = [track for track in tracks if track.corpus == "gtzan"]
    return GenreMaterial(
        tracks,
        genre_windows(tracks, models, work=work),
        genre_windows(taught, models, work=work, changed=True),
        work,
    )


def learn_genres(method: str, material: GenreMaterial, train: Indices, name: str) -> LearntGenres:
    """Train one method.

    Parameters
    ----------
    method : {"musicnn", "cnn"}
        Which.
    material : GenreMaterial
        All tracks.
    train : ndarray
        Places of the tracks whose genres may be learnt; 4Q's are heard without labels.
    name : str
        Of the split, for files: "all", "fold0".

    Returns
    -------
    LearntGenres
    """
    return GENRE_RECIPES[method](material, train, name)


def head_of(material: GenreMaterial, train: Indices) -> GenreHead:
    """Fit the linear head on tracks, in the midst of 4Q's music."""
    heard = np.concatenate([train, material.of("4q")])
    lessons = HeadLessons(
        music=np.concatenate([material.windows[i] for i in heard]),
        X=material.means[train],
        numbers=material.numbers[train],
        changes=material.changes[train],
    )
    return fit_head(lessons)


def _learn_musicnn(material: GenreMaterial, train: Indices, name: str) -> LearntGenres:
    del name
    head = head_of(material, train)
    logits = [head.logits(material.windows[i]) for i in range(len(material.tracks))]

    def export(folder: Path, temperature: float) -> None:
        export_plain(build_head(head, temperature=temperature), folder)

    return LearntGenres(logits, export)


def _learn_cnn(material: GenreMaterial, train: Indices, name: str) -> LearntGenres:
    log_mels = genre_log_mels(material.tracks, work=material.work)
    weights = material.work / "cnn" / f"{name}.weights.h5"
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    if weights.exists():
        model = build_genre_cnn()
        model.load_weights(weights)
    else:
        targets, shares = _cnn_lessons(material, train)
        model = train_genre_cnn(log_mels, targets, shares)
        weights.parent.mkdir(parents=True, exist_ok=True)
        model.save_weights(weights)
    logits = [slice_logits(model, log_mels[i]) for i in range(len(material.tracks))]

    def export(folder: Path, temperature: float) -> None:
        keras.mixed_precision.set_global_policy("float32")
        exportable = build_genre_cnn(exportable=True, temperature=temperature)
        exportable.set_weights(model.get_weights())
        export_network(exportable, folder)

    return LearntGenres(logits, export)


def _cnn_lessons(material: GenreMaterial, train: Indices) -> tuple[FloatArray, FloatArray]:
    """Give the target of every track, and how many of its slices an epoch hears."""
    head = head_of(material, train)
    answers = [head.logits(material.windows[i]) for i in range(len(material.tracks))]
    targets = track_probabilities(answers, TEACHER_TEMPERATURE)
    numbers = material.numbers[train]
    truth = np.eye(len(GENRES), dtype=np.float32)[numbers]
    targets[train] = (1 - TEACHER_SHARE) * truth + TEACHER_SHARE * targets[train]
    shares = np.zeros(len(material.tracks), np.float32)
    shares[material.of("4q")] = UNLABELLED_SHARE
    shares[train] = LABELLED_SLICES / np.bincount(numbers, minlength=len(GENRES))[numbers]
    return targets, shares


GENRE_RECIPES: Final[Mapping[str, Callable[[GenreMaterial, Indices, str], LearntGenres]]] = (
    MappingProxyType({"musicnn": _learn_musicnn, "cnn": _learn_cnn})
)
