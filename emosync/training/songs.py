"""Song models: valence and arousal over time, judged on artists that were not heard."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from emosync.artifacts import read_card
from emosync.framing import FloatArray
from emosync.musicnn import STEP_S
from emosync.song_inputs import CHANGE_SUFFIX, song_feature_names
from emosync.training.affect_words import AFFECT_AXES
from emosync.training.clip_frames import ClipFrames
from emosync.training.export import export_plain, write_card
from emosync.training.song_clips import SongClip
from emosync.training.song_corpora import SONG_CORPORA, read_songs
from emosync.training.song_evaluation import at_times, label_figures, song_figures, within_songs
from emosync.training.song_regression import (
    SongLessons,
    build_regressor,
    predict_steps,
    train_regressor,
)
from emosync.training.song_steps import song_steps
from emosync.training.song_targets import SongTargets, song_targets
from emosync.training.splits import N_FOLDS, artist_folds

# From valence and arousal to the label of a point; the application's, which knows the circle.
NamePoint = Callable[[FloatArray, FloatArray], Iterable[str]]

# Ratings of a song teach most; words and feelings were placed on the circle by us.
RATING_WEIGHT, QUADRANT_WORDS_WEIGHT, FEELINGS_WEIGHT = 1.0, 0.2, 0.3
# How much a passage's loudness, onsets and brightness, each in deviations within songs, raise
# its arousal against the rest of the song, and by how much at most. Set by hand: the corpora
# at hand say nothing of passages, and each of the three is known to move listeners' ratings.
CHANGE_WEIGHTS: Final = MappingProxyType(
    {"loudness": 0.5, "onset_strength": 0.3, "brightness_khz": 0.3}
)
MAX_CHANGE: Final = 0.12
CHANGE_SHARES: Final = MappingProxyType({"valence": 4.0, "arousal": 10.0})
PROTOCOL: Final = (
    "no artist on both sides, grouped 5-fold; a clip's point is the mean of its curve. The "
    "shipped model then heard all artists."
)
INTENDED_USE: Final = (
    "Lights, pictures and playlists that follow a song; research. It tells what most listeners "
    "would call the music, not what one person feels."
)
LIMITS: Final = (
    "Learnt from excerpts of 20 to 45 s of mostly Western popular and classical music. How a "
    "song moves over time was learnt from its loudness, onsets and brightness alone unless a "
    "corpus with continuous ratings was in the data. The Million Song Dataset, from which the "
    "backbone learnt its tags, may hold some of the same songs."
)


@dataclass(frozen=True)
class SongMaterial:
    """Clips, what is heard of them, and what people said.

    Attributes
    ----------
    clips : sequence of SongClip
        With a recording each.
    steps : ClipFrames
        See `song_steps.song_steps`.
    targets : SongTargets
        See `song_targets.song_targets`.
    names : tuple of str
        Of the features.
    """

    clips: Sequence[SongClip]
    steps: ClipFrames
    targets: SongTargets
    names: tuple[str, ...]


def read_material(root: Path, models: Path, work: Path) -> SongMaterial:
    """Read the corpora below a folder and listen to them.

    Parameters
    ----------
    root : Path
        Holds `4q/`, `emotify/`, `deam/`, `emomusic/`, `pmemo/`, or some of them.
    models : Path
        The folder `models/`, with the backbone.
    work : Path
        For caches.

    Returns
    -------
    SongMaterial
    """
    clips = [clip for clip in read_songs(root).clips if clip.path]
    steps = song_steps([clip.path for clip in clips if clip.path], models, work=work)
    tags = read_card(models / "music" / "tags")["labels"]
    return SongMaterial(clips, steps, song_targets(clips), song_feature_names(tags))


def judge_songs(material: SongMaterial, name_point: NamePoint) -> tuple[dict[str, Any], FloatArray]:
    """Judge the recipe on artists that it did not hear, fold by fold.

    Parameters
    ----------
    material : SongMaterial
        All clips.
    name_point : callable
        From valence and arousal, each of shape (n,), to n labels.

    Returns
    -------
    figures : dict
        For the card.
    gains : ndarray of shape (2,)
        What brings the spread of the answers to that of people's words, per axis.
    """
    fold_of = artist_folds(material.clips)
    curves = [np.zeros((n, 2), np.float32) for n in material.steps.lengths]
    for axis, name in enumerate(AFFECT_AXES):
        lessons = axis_lessons(material, name)
        for fold in range(N_FOLDS):
            model = _train(material, lessons, np.flatnonzero(fold_of != fold), name)
            held_out = np.flatnonzero(fold_of == fold)
            for i in held_out.tolist():
                curves[i][:, axis] = predict_steps(model, material.steps[i])
    gains = np.array([_gain(curves, material.targets, axis) for axis in range(2)])
    curves = [np.tanh(gains * _logits(curve)) for curve in curves]
    return _figures(material, curves, name_point), gains.astype(np.float32)


def ship_songs(root: Path, models: Path, work: Path, name_point: NamePoint) -> tuple[Path, ...]:
    """Judge, train on all artists, and write `song/valence` and `song/arousal`.

    Parameters
    ----------
    root, models, work
        See `read_material`.
    name_point : callable
        See `judge_songs`.

    Returns
    -------
    tuple of Path
        The models' folders.
    """
    material = read_material(root, models, work)
    figures, gains = judge_songs(material, name_point)
    folders = []
    for name, gain in zip(AFFECT_AXES, gains, strict=True):
        lessons = axis_lessons(material, name)
        trained = _train(material, lessons, np.arange(len(material.clips)), name)
        folder = models / "song" / name
        export_plain(_with_gain(trained, material, float(gain)), folder)
        write_card(folder, _card(name, material, figures, float(gain)))
        folders.append(folder)
    return tuple(folders)


def axis_lessons(material: SongMaterial, axis: str) -> SongLessons:
    """Gather what is known of every clip on one axis.

    Parameters
    ----------
    material : SongMaterial
        All clips.
    axis : {"valence", "arousal"}
        Which.

    Returns
    -------
    SongLessons
    """
    number = AFFECT_AXES.index(axis)
    described, is_described = material.targets.of("described")
    rated, is_rated = material.targets.of("rating")
    signs, is_signed = material.targets.of("sign")
    words = np.where(is_signed > 0, QUADRANT_WORDS_WEIGHT, FEELINGS_WEIGHT) * is_described
    points = np.where(is_rated > 0, rated[:, number], _spread(described[:, number], is_signed > 0))
    return SongLessons(
        points=points,
        point_weights=np.where(is_rated > 0, RATING_WEIGHT, words),
        signs=signs[:, number],
        sign_weights=is_signed,
        changes=_changes(material, axis),
    )


def _spread(described: FloatArray, by_words: npt.NDArray[np.bool_]) -> FloatArray:
    """Bring the points made of feelings, which hug the middle, to the spread of the words'."""
    points = described.copy()
    if by_words.any() and not by_words.all():
        others = described[~by_words]
        standardised = (others - others.mean()) / max(float(others.std()), 1e-6)
        points[~by_words] = standardised * described[by_words].std()
    return points


def _changes(material: SongMaterial, axis: str) -> list[FloatArray]:
    """Say how each step differs from its clip: as rated, else as it sounds."""
    columns = [material.names.index(name + CHANGE_SUFFIX) for name in CHANGE_WEIGHTS]
    deviations = np.asarray(material.steps.frames[:, columns], np.float32).std(axis=0)
    weights = np.array(list(CHANGE_WEIGHTS.values())) / np.maximum(deviations, 1e-6)
    changes = []
    for i, clip in enumerate(material.clips):
        heard = material.steps[i]
        if clip.curve is not None:
            time_s = np.arange(len(heard)) * STEP_S
            rated = np.interp(time_s, clip.curve.time_s, getattr(clip.curve, axis))
            changes.append((rated - rated.mean()).astype(np.float32))
        elif axis == "arousal":
            changes.append(MAX_CHANGE * np.tanh(heard[:, columns] @ weights).astype(np.float32))
        else:
            changes.append(np.zeros(len(heard), np.float32))
    return changes


def _train(
    material: SongMaterial, lessons: SongLessons, train: npt.NDArray[np.int64], axis: str
) -> keras.Model:
    return train_regressor(material.steps, lessons, train, change_share=CHANGE_SHARES[axis])


def _with_gain(trained: keras.Model, material: SongMaterial, gain: float) -> keras.Model:
    """Build the model that is served: steps one by one, with the right spread."""
    heard = np.asarray(material.steps.frames, np.float32)
    served = build_regressor(heard.mean(axis=0), heard.std(axis=0), gain=gain, served=True)
    served.set_weights(trained.get_weights())
    return served


def _gain(curves: Sequence[FloatArray], targets: SongTargets, axis: int) -> float:
    """Find the factor before tanh that gives clips the spread that people's words have."""
    described, _ = targets.of("described")
    rated, is_rated = targets.of("rating")
    known = rated[is_rated > 0] if is_rated.any() else described[targets.of("sign")[1] > 0]
    if not len(known):
        return 1.0
    logits = _logits(np.array([curve[:, axis].mean() for curve in curves]))
    wanted = float(known[:, axis].std())
    return float(brentq(lambda gain: np.tanh(gain * logits).std() - wanted, 0.01, 100.0))


def _logits(values: FloatArray) -> FloatArray:
    """Undo tanh; what single precision took for 1 stays finite."""
    return np.asarray(np.arctanh(np.clip(values, -0.99999, 0.99999)), np.float32)


def _figures(
    material: SongMaterial, curves: Sequence[FloatArray], name_point: NamePoint
) -> dict[str, Any]:
    figures: dict[str, Any] = {"protocol": PROTOCOL}
    figures |= song_figures(material.clips, np.array([curve.mean(axis=0) for curve in curves]))
    rated = [(i, clip.curve) for i, clip in enumerate(material.clips) if clip.curve is not None]
    if rated:
        predicted = [
            at_times(np.arange(len(curves[i])) * STEP_S, curves[i], curve.time_s)
            for i, curve in rated
        ]
        figures["within_songs"] = within_songs(
            predicted, [np.stack([c.valence, c.arousal], axis=1) for _, c in rated]
        )
    points = np.concatenate(curves)
    figures["labels"] = label_figures(name_point(points[:, 0], points[:, 1]))
    return figures


def _card(
    axis: str, material: SongMaterial, figures: dict[str, Any], gain: float
) -> dict[str, Any]:
    corpora = dict.fromkeys(clip.corpus for clip in material.clips)
    return {
        "task": "song",
        "method": axis,
        "model_type": "linear on standardised features, tanh",
        "labels": [axis],
        "feature_type": "song_features",
        "feature_settings": {},
        "n_features": len(material.names),
        "features": list(material.names),
        "scaler": "StandardScaler over steps, clipped at 4 deviations",
        "gain": round(gain, 4),
        "trained_on": [
            {
                "name": SONG_CORPORA[corpus].title,
                "licence": SONG_CORPORA[corpus].licence,
                "citation": SONG_CORPORA[corpus].citation,
                "clips": sum(clip.corpus == corpus for clip in material.clips),
            }
            for corpus in corpora
        ],
        "protocol": PROTOCOL,
        "figures": figures,
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "licence": "research; the corpora's licences forbid commercial use",
    }
