"""What the models answer, as plain Python values; the one place where arrays become them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosync.errors import ModelUnavailable


@dataclass(frozen=True)
class Window:
    """What one stretch of a recording was told to be.

    Attributes
    ----------
    start_s : float
        Where it begins, in seconds from the start of the recording.
    emotion : str
        Its most probable label.
    confidence : float in [0, 1]
        The probability of that label.
    """

    start_s: float
    emotion: str
    confidence: float


@dataclass(frozen=True)
class SongCurve:
    """Valence and arousal of a song over time.

    Attributes
    ----------
    time_s : ndarray of shape (n_steps,)
        From the start of the song, ascending.
    valence, arousal : ndarray of shape (n_steps,)
        In [-1, 1].
    """

    time_s: npt.NDArray[np.float64]
    valence: npt.NDArray[np.float32]
    arousal: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """What a recording was told to be: an emotion of a voice, a genre.

    Attributes
    ----------
    method : str
        The model that was asked.
    probabilities : mapping of str to float
        Label to probability, highest first; they sum to 1.
    windows : tuple of Window
        In order; a short recording has one.
    features_s, model_s : float
        Seconds spent on features and in the model, where they can be told apart.
    """

    method: str
    probabilities: Mapping[str, float]
    windows: tuple[Window, ...]
    features_s: float = 0.0
    model_s: float = 0.0

    @property
    def emotion(self) -> str:
        """The most probable label."""
        return next(iter(self.probabilities))

    @property
    def confidence(self) -> float:
        """Probability of the most probable label."""
        return next(iter(self.probabilities.values()))


def ranked_probabilities(
    labels: Sequence[str], probabilities: npt.NDArray[np.floating]
) -> dict[str, float]:
    """Pair labels with probabilities, highest first.

    Parameters
    ----------
    labels : sequence of str
        In the model's order.
    probabilities : ndarray of shape (n_labels,)
        What the model gave, summing to about 1.

    Returns
    -------
    dict of str to float
        Six decimals at most, summing to 1.

    Raises
    ------
    ModelUnavailable
        If a value is not a finite number: the model is broken, and NaN is not JSON.
    """
    values = probabilities.tolist()
    if not all(map(math.isfinite, values)):
        raise ModelUnavailable("The model gave no usable answer. Try another method.")
    total = sum(values)
    order = sorted(range(len(values)), key=values.__getitem__, reverse=True)
    # Rounded down, so that what is left over for the largest cannot put it below another.
    ranked = {labels[i]: math.floor(values[i] / total * 1e6) / 1e6 for i in order}
    first = labels[order[0]]
    ranked[first] = round(1.0 - sum(list(ranked.values())[1:]), 6)
    return ranked
