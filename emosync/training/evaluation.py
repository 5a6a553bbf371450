"""Figures: accuracy by corpus and by emotion, calibration, confusion."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.metrics import confusion_matrix, recall_score

from emosync.framing import FloatArray
from emosync.training.corpora import SPEECH_CORPORA, Clip, label_indices

N_BINS: Final = 15


def accuracy_figures(
    clips: Sequence[Clip], labels: Sequence[str], probabilities: FloatArray
) -> dict[str, Any]:
    """Sum up predictions on clips that were not trained on.

    Parameters
    ----------
    clips : sequence of Clip
        What was predicted.
    labels : sequence of str
        The model's, in order.
    probabilities : ndarray of shape (n_clips, n_labels)
        The model's answers.

    Returns
    -------
    dict
        Shares in [0, 1]: `accuracy` (weighted), `unweighted_accuracy` (mean recall),
        `calibration_error`, `by_emotion` (recall), `by_corpus` (both accuracies
        and the calibration error).
    """
    truth = np.array(label_indices(clips, labels))
    predicted = probabilities.argmax(axis=1)
    corpora = np.array([clip.corpus for clip in clips])
    right = predicted == truth
    recalls = recall_score(
        truth, predicted, labels=np.arange(len(labels)), average=None, zero_division=0
    )
    return {
        "clips": len(clips),
        "accuracy": share(right.mean()),
        "unweighted_accuracy": share(_mean_recall(truth, predicted)),
        "calibration_error": share(calibration_error(probabilities, truth)),
        "by_emotion": {e: share(r) for e, r in zip(labels, recalls, strict=True)},
        "by_corpus": {
            SPEECH_CORPORA[c].title: {
                "clips": int(among.sum()),
                "accuracy": share(right[among].mean()),
                "unweighted_accuracy": share(_mean_recall(truth[among], predicted[among])),
                "calibration_error": share(calibration_error(probabilities[among], truth[among])),
            }
            for c in SPEECH_CORPORA
            if (among := corpora == c).any()
        },
    }


def calibration_error(probabilities: FloatArray, truth: npt.NDArray[np.int64]) -> float:
    """Measure how far confidence is from accuracy: expected calibration error, 15 bins.

    Parameters
    ----------
    probabilities : ndarray of shape (n_clips, n_labels)
        Rows sum to 1.
    truth : ndarray of shape (n_clips,)
        Label numbers.

    Returns
    -------
    float in [0, 1]

    References
    ----------
    .. [1] Guo et al. (2017), "On Calibration of Modern Neural Networks".
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in np.unique(bins)]
    return float(sum(gaps) / len(truth))


def fit_temperature(
    logits: FloatArray,
    truth: npt.NDArray[np.int64],
    weights: npt.NDArray[np.floating] | None = None,
) -> float:
    """Find the number that logits are best divided by, by likelihood.

    Parameters
    ----------
    logits : ndarray of shape (n_clips, n_labels)
        For clips of speakers that the model did not hear.
    truth : ndarray of shape (n_clips,)
        Label numbers.
    weights : ndarray of shape (n_clips,), optional
        How much each clip counts; all alike by default.

    Returns
    -------
    float in [0.2, 5]
    """

    def loss(temperature: float) -> float:
        likelihood = softmax(logits / temperature)[np.arange(len(truth)), truth]
        return -float(np.average(np.log(likelihood), weights=weights))

    return float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x)


def softmax(logits: FloatArray) -> FloatArray:
    """Turn rows of logits into probabilities, never quite 0."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(np.maximum(shifted / shifted.sum(axis=1, keepdims=True), 1e-12), np.float32)


def confusion(
    clips: Sequence[Clip], labels: Sequence[str], probabilities: FloatArray
) -> npt.NDArray[np.int64]:
    """Count what was acted (rows) against what was predicted (columns)."""
    truth = label_indices(clips, labels)
    matrix = confusion_matrix(truth, probabilities.argmax(axis=1), labels=np.arange(len(labels)))
    return np.asarray(matrix, np.int64)


def _mean_recall(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> float:
    """Balanced accuracy over the labels that occur; a label predicted in vain counts as missed."""
    present = np.unique(truth)
    recalls = recall_score(truth, predicted, labels=present, average=None, zero_division=0)
    return float(np.mean(recalls))


def share(value: float | np.floating[Any]) -> float:
    """Round a share for a card.

    Parameters
    ----------
    value : float in [0, 1]
        As it was computed.

    Returns
    -------
    float
        Four decimals.
    """
    return round(float(value), 4)
