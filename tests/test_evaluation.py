import numpy as np
import pytest
from clips import clip

from emosync.framing import FloatArray
from emosync.training.evaluation import (
    accuracy_figures,
    calibration_error,
    confusion,
    fit_temperature,
    softmax,
)

LABELS = ("sad", "happy", "calm")
# Acted, and what the model says; in RAVDESS 3 of 4 are right, in SAVEE 1 of 2.
CLIPS = [
    clip("ravdess", "01", "sad"),
    clip("ravdess", "01", "sad"),
    clip("ravdess", "02", "sad"),
    clip("ravdess", "02", "happy"),
    clip("savee", "DC", "happy"),
    clip("savee", "DC", "sad"),
]
PREDICTED = ["sad", "sad", "happy", "happy", "happy", "happy"]


def sure_of(labels: list[str], confidence: float = 1.0) -> FloatArray:
    """Give one label the confidence and the others what is left."""
    rest = (1 - confidence) / (len(LABELS) - 1)
    rows = [[confidence if label == named else rest for label in LABELS] for named in labels]
    return np.array(rows, np.float32)


def first_right(n_right: int, n_clips: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Truth for a model that always says label 0."""
    return (np.arange(n_clips) >= n_right).astype(np.int64)


@pytest.mark.parametrize(
    ("confidence", "n_right", "expected"),
    [(1.0, 4, 0.0), (1.0, 0, 1.0), (0.8, 3, 0.05), (0.6, 3, 0.15), (0.75, 3, 0.0)],
)
def test_in_one_bin_the_error_is_confidence_less_accuracy(
    confidence: float, n_right: int, expected: float
) -> None:
    probabilities = sure_of(["sad"] * 4, confidence)
    error = calibration_error(probabilities, first_right(n_right, 4))
    assert error == pytest.approx(expected, abs=1e-6)


def test_bins_are_weighed_by_their_clips_and_do_not_cancel() -> None:
    # 4 clips at 0.9, all right: 0.1 too little. 2 at 0.7, one right: 0.2 too much.
    probabilities = np.concatenate([sure_of(["sad"] * 4, 0.9), sure_of(["sad"] * 2, 0.7)])
    truth = np.array([0, 0, 0, 0, 0, 1])
    assert calibration_error(probabilities, truth) == pytest.approx(
        (4 * 0.1 + 2 * 0.2) / 6, abs=1e-6
    )


@pytest.mark.parametrize(("gap", "n_right", "n_clips"), [(2, 3, 4), (5, 9, 10), (0.5, 2, 3)])
def test_the_temperature_makes_confidence_equal_accuracy(
    gap: float, n_right: int, n_clips: int
) -> None:
    # sigmoid(gap / T) = n_right / n_clips, so T = gap / ln(odds).
    logits = np.tile(np.array([gap, 0], np.float32), (n_clips, 1))
    truth = first_right(n_right, n_clips)
    temperature = fit_temperature(logits, truth)
    assert temperature == pytest.approx(gap / np.log(n_right / (n_clips - n_right)), rel=1e-3)
    assert calibration_error(softmax(logits / temperature), truth) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("n_right", "expected"), [(4, 0.2), (2, 5.0), (0, 5.0)])
def test_the_temperature_stays_within_its_bounds(n_right: int, expected: float) -> None:
    logits = np.tile(np.array([1, 0], np.float32), (4, 1))
    assert fit_temperature(logits, first_right(n_right, 4)) == pytest.approx(expected, abs=0.01)


def test_a_clip_of_weight_two_counts_as_two_clips() -> None:
    logits = np.tile(np.array([2, 0], np.float32), (4, 1))
    once, twice = first_right(3, 4), np.append(first_right(3, 4), 0)
    weighted = fit_temperature(logits, once, np.array([2, 1, 1, 1]))
    assert weighted == pytest.approx(fit_temperature(np.tile(logits[:1], (5, 1)), twice), abs=1e-3)


def test_softmax_by_hand_and_without_overflow() -> None:
    logits = np.array([[0, np.log(3)], [1000, 0], [-1000, -1000]], np.float32)
    np.testing.assert_allclose(softmax(logits), [[0.25, 0.75], [1, 1e-12], [0.5, 0.5]], rtol=1e-6)


def test_figures_by_hand() -> None:
    figures = accuracy_figures(CLIPS, LABELS, sure_of(PREDICTED, 0.8))
    assert figures == {
        "clips": 6,
        "accuracy": pytest.approx(4 / 6, abs=1e-4),
        # Recall of sad 2/4 and of happy 2/2; nobody acted calm.
        "unweighted_accuracy": 0.75,
        "calibration_error": pytest.approx(0.8 - 4 / 6, abs=1e-4),
        "by_emotion": {"sad": 0.5, "happy": 1.0, "calm": 0.0},
        "by_corpus": {
            "RAVDESS": {
                "clips": 4,
                "accuracy": 0.75,
                "unweighted_accuracy": pytest.approx((2 / 3 + 1) / 2, abs=1e-4),
                "calibration_error": pytest.approx(0.8 - 0.75, abs=1e-4),
            },
            "SAVEE": {
                "clips": 2,
                "accuracy": 0.5,
                "unweighted_accuracy": 0.5,
                "calibration_error": pytest.approx(0.8 - 0.5, abs=1e-4),
            },
        },
    }


def test_a_label_predicted_in_vain_is_missed_and_warns_nobody() -> None:
    figures = accuracy_figures(CLIPS[:1], LABELS, sure_of(["calm"]))
    assert (figures["accuracy"], figures["unweighted_accuracy"]) == (0, 0)


def test_confusion_has_the_acted_in_rows_and_the_predicted_in_columns() -> None:
    matrix = confusion(CLIPS, LABELS, sure_of(PREDICTED))
    np.testing.assert_array_equal(matrix, [[2, 2, 0], [0, 2, 0], [0, 0, 0]])
