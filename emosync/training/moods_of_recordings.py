"""The mood of a recording, from what the songs' backbone hears, learnt from 4Q's quadrants."""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from emosync.framing import FloatArray
from emosync.labels import MOODS
from emosync.training.evaluation import calibration_error, share, softmax
from emosync.training.export import export_classical, write_card
from emosync.training.song_clips import SongClip
from emosync.training.song_corpora import SONG_CORPORA
from emosync.training.songs import SongMaterial
from emosync.training.splits import N_FOLDS, artist_folds

CORPUS: Final = "4q"
# Arousing and pleasant music may be called either: it is taught as Energetic where its words
# are more arousing than pleasant, and as Happy elsewhere.
MOOD_OF_QUADRANT: Final = MappingProxyType(
    {"Q1": "Happy", "Q2": "Energetic", "Q3": "Sad", "Q4": "Calm"}
)
BETWEEN: Final = "Q1"
BETWEEN_MOOD: Final = "Energetic"
# 258 features of 700 clips: strongly regularised.
C: Final = 0.01
PROTOCOL: Final = (
    "No artist on both sides, grouped 5-fold. `accuracy` takes Energetic as right for "
    "quadrant 1 as well. The shipped model then heard all artists."
)
LIMITS: Final = (
    "Learnt from excerpts of 20 s of mostly Western popular music, whose quadrants were made "
    "of AllMusic's mood words. Sad and Calm are told apart least well."
)


def judge_recordings(material: SongMaterial) -> dict[str, Any]:
    """Judge the model on artists that it did not hear.

    Parameters
    ----------
    material : SongMaterial
        See `songs.read_material`; clips without a quadrant are left out.

    Returns
    -------
    dict
        Shares in [0, 1]: `accuracy` (the mood fits the quadrant), `as_taught` (it is the one
        that was taught), `by_quadrant` (as `accuracy`), `calibration_error` (of the one that
        was taught).
    """
    clips, X, labels = _lessons(material)
    fold_of = artist_folds(clips)
    probabilities = np.zeros((len(clips), len(MOODS)), np.float32)
    for fold in range(N_FOLDS):
        train = fold_of != fold
        probabilities[~train] = _fitted(X[train], labels[train]).predict_proba(X[~train])
    told = probabilities.argmax(axis=1)
    quadrants = np.array([clip.quadrant for clip in clips])
    own = np.array([MOODS.index(MOOD_OF_QUADRANT[str(quadrant)]) for quadrant in quadrants])
    right = (told == own) | ((quadrants == BETWEEN) & (told == MOODS.index(BETWEEN_MOOD)))
    return {
        "clips": len(clips),
        "accuracy": share(right.mean()),
        "as_taught": share((told == labels).mean()),
        "by_quadrant": {q: share(right[quadrants == q].mean()) for q in MOOD_OF_QUADRANT},
        "calibration_error": share(
            calibration_error(softmax(np.log(np.maximum(probabilities, 1e-7))), labels)
        ),
    }


def ship_recordings(material: SongMaterial, models: Path) -> Path:
    """Judge, train on all artists, and write `mood/audio`.

    Parameters
    ----------
    material : SongMaterial
        See `songs.read_material`.
    models : Path
        The folder `models/`.

    Returns
    -------
    Path
        The model's folder.
    """
    clips, X, labels = _lessons(material)
    folder = models / "mood" / "audio"
    export_classical(_fitted(X, labels), X, folder)
    write_card(folder, _card(material.names, clips, judge_recordings(material)))
    return folder


def _lessons(
    material: SongMaterial,
) -> tuple[list[SongClip], FloatArray, npt.NDArray[np.int64]]:
    """Take 4Q's clips: mean features (n_clips, n_features) and moods."""
    clips = material.clips
    chosen = [i for i, clip in enumerate(clips) if clip.corpus == CORPUS and clip.quadrant]
    clips = [clips[i] for i in chosen]
    X = np.stack([material.steps[i].mean(axis=0) for i in chosen])
    words = material.targets.of("described")[0][chosen]
    moods = [
        BETWEEN_MOOD
        if clip.quadrant == BETWEEN and arousal > valence
        else MOOD_OF_QUADRANT[str(clip.quadrant)]
        for clip, (valence, arousal) in zip(clips, words, strict=True)
    ]
    return clips, X, np.array([MOODS.index(mood) for mood in moods])


def _fitted(X: FloatArray, labels: npt.NDArray[np.int64]) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000)).fit(X, labels)


def _card(names: tuple[str, ...], clips: list[SongClip], figures: dict[str, Any]) -> dict[str, Any]:
    corpus = SONG_CORPORA[CORPUS]
    return {
        "task": "mood",
        "method": "audio",
        "model_type": "logistic regression",
        "labels": list(MOODS),
        "feature_type": "song_feature_means",
        "feature_settings": {},
        "n_features": len(names),
        "feature_names": list(names),
        "scaler": "StandardScaler",
        "trained_on": [
            {
                "name": corpus.title,
                "licence": corpus.licence,
                "citation": corpus.citation,
                "clips": len(clips),
            }
        ],
        "protocol": PROTOCOL,
        "figures": figures,
        "intended_use": "Sorting recordings by mood; research.",
        "limits": LIMITS,
        "licence": "research; the corpora's licences forbid commercial use",
    }
