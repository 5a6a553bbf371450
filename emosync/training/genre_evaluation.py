"""Figures of genres: recall, top three, calibration, by track and on another collection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.metrics import confusion_matrix, recall_score

from emosync.framing import FloatArray
from emosync.labels import GENRES
from emosync.training.evaluation import calibration_error, softmax

N_BEST = 3


def track_probabilities(logits: Sequence[FloatArray], temperature: float = 1.0) -> FloatArray:
    """Average the probabilities of each track's slices, as serving does.

    Parameters
    ----------
    logits : sequence of ndarray, each of shape (n_slices, 10)
        One per track.
    temperature : float > 0
        Divides the logits of every slice.

    Returns
    -------
    ndarray of shape (n_tracks, 10), float32
    """
    return np.stack([softmax(slices / temperature).mean(axis=0) for slices in logits])


def fit_track_temperature(logits: Sequence[FloatArray], truth: npt.NDArray[np.int64]) -> float:
    """Find the temperature of slices that suits the tracks' averages best, by likelihood.

    Every genre counts the same, however many tracks it has.

    Parameters
    ----------
    logits : sequence of ndarray, each of shape (n_slices, 10)
        Of tracks that were not learnt from.
    truth : ndarray of shape (n_tracks,)
        Places in `labels.GENRES`.

    Returns
    -------
    float in [0.1, 10]
    """
    weights = 1 / np.bincount(truth, minlength=len(GENRES))[truth]

    def loss(temperature: float) -> float:
        right = track_probabilities(logits, temperature)[np.arange(len(truth)), truth]
        return -float(np.average(np.log(right), weights=weights))

    return float(minimize_scalar(loss, bounds=(0.1, 10.0), method="bounded").x)


def genre_figures(probabilities: FloatArray, truth: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Sum up predictions on tracks that were not learnt from.

    Parameters
    ----------
    probabilities : ndarray of shape (n_tracks, 10)
        Calibrated.
    truth : ndarray of shape (n_tracks,)
        Places in `labels.GENRES`.

    Returns
    -------
    dict
        Shares in [0, 1]: `mean_recall` and `top_3` over genres, `accuracy` and
        `calibration_error` over tracks, `by_genre` (recall).
    """
    ranked = np.argsort(-probabilities, axis=1)
    within = (ranked[:, :N_BEST] == truth[:, None]).any(axis=1)
    present = np.unique(truth)
    recalls = recall_score(truth, ranked[:, 0], labels=present, average=None, zero_division=0)
    return {
        "tracks": len(truth),
        "mean_recall": share(recalls.mean()),
        "top_3": share(np.mean([within[truth == genre].mean() for genre in present])),
        "accuracy": share((ranked[:, 0] == truth).mean()),
        "calibration_error": share(calibration_error(probabilities, truth)),
        "by_genre": {GENRES[g]: share(r) for g, r in zip(present, recalls, strict=True)},
    }


def genre_confusion(
    probabilities: FloatArray, truth: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count the genres of tracks (rows) against what was predicted (columns)."""
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(truth, predicted, labels=np.arange(len(GENRES)))
    return np.asarray(matrix, np.int64)


def share(value: float) -> float:
    """Round a share for a card."""
    return round(float(value), 4)
