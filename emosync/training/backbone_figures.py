"""What the music backbone is good for: linear heads on it, judged on unheard artists and tracks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emosync.framing import FloatArray
from emosync.training.evaluation import share
from emosync.training.song_corpora import read_songs
from emosync.training.song_steps import song_steps
from emosync.training.splits import N_FOLDS, artist_folds

HEAD_C: Final = 0.01
# GTZAN's copies differ in length by genre; a head must not learn it.
GTZAN_STEPS: Final = 30
N_HEARD: Final = 250

Folds = Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


def backbone_figures(root: Path, models: Path, work: Path) -> dict[str, Any]:
    """Judge logistic regressions on the means of activations and tags over a recording.

    Parameters
    ----------
    root : Path
        Holds `4q/` and `gtzan/`, or one of them.
    models : Path
        Holds `music/musicnn` and `music/tags`.
    work : Path
        For caches.

    Returns
    -------
    dict
        Shares in [0, 1]: `4q_quadrant` (5-fold by artist), `gtzan_mean_recall` and
        `gtzan_top_3` (5-fold by track, first 15 s), as far as the corpora are there.
    """
    figures: dict[str, Any] = {}
    if (root / "4q").is_dir():
        figures |= _quadrants(root, models, work)
    if (root / "gtzan").is_dir():
        figures |= _genres(root / "gtzan", models, work)
    return figures


def _quadrants(root: Path, models: Path, work: Path) -> dict[str, float]:
    clips = [clip for clip in read_songs(root, ["4q"]).clips if clip.path and clip.quadrant]
    X = _means([clip.path for clip in clips if clip.path], models, work, n_steps=None)
    truth = np.array([clip.quadrant for clip in clips])
    fold_of = artist_folds(clips)
    folds = [
        (np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
        for fold in range(N_FOLDS)
    ]
    labels, probabilities = np.unique(truth), _predict(X, truth, folds)
    return {"4q_quadrant": share((labels[probabilities.argmax(axis=1)] == truth).mean())}


def _genres(folder: Path, models: Path, work: Path) -> dict[str, float]:
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    X = _means(paths, models, work, n_steps=GTZAN_STEPS)
    truth = np.array([path.parent.name for path in paths])
    folds = list(StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(X, truth))
    labels, probabilities = np.unique(truth), _predict(X, truth, folds)
    ranked = labels[np.argsort(-probabilities, axis=1)]
    recall = recall_score(truth, ranked[:, 0], average="macro")
    within = recall_score(
        truth,
        np.where((ranked[:, :3] == truth[:, None]).any(axis=1), truth, ""),
        labels=labels,
        average="macro",
        zero_division=0,
    )
    return {"gtzan_mean_recall": share(recall), "gtzan_top_3": share(within)}


def _means(paths: Sequence[Path], models: Path, work: Path, *, n_steps: int | None) -> FloatArray:
    steps = song_steps(paths, models, work=work)
    return np.stack([steps[i][:n_steps, :N_HEARD].mean(axis=0) for i in range(len(steps))])


def _predict(X: FloatArray, truth: npt.NDArray[Any], folds: Folds) -> FloatArray:
    """Give the probabilities of each label, in the order of `np.unique(truth)`."""
    head = make_pipeline(
        StandardScaler(), LogisticRegression(C=HEAD_C, max_iter=2000, class_weight="balanced")
    )
    return np.asarray(cross_val_predict(head, X, truth, cv=folds, method="predict_proba"))
