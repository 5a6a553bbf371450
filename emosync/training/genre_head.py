"""A linear head on musicnn's pooled features: discriminant analysis that ignores the copy.

Seven of GTZAN's genres have a dozen tracks each, fewer than the features by a hundred times.
So all classes share one covariance, shrunken, of the principal components of all music that
is at hand; and what filters, levels and noise do to a recording is added to it, so that the
head does not listen to what tells copies from each other.
"""

from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from sklearn.decomposition import PCA

from emosync.framing import FloatArray
from emosync.labels import GENRES
from emosync.training.splits import Indices

N_COMPONENTS: Final = 200
SHRINKAGE: Final = 0.3
# How much the changes of copies count against the differences within genres.
CHANGES_SHARE: Final = 0.5


@dataclass(frozen=True)
class HeadLessons:
    """What the head learns from.

    Attributes
    ----------
    music : ndarray of shape (n_windows, n_features)
        Windows of any music: what features are like at all.
    X : ndarray of shape (n_tracks, n_features)
        Means over the windows of tracks with a genre.
    numbers : ndarray of shape (n_tracks,)
        Places of the genres in `labels.GENRES`.
    changes : ndarray of shape (n_changes, n_features)
        Changed copies of tracks minus the tracks themselves.
    """

    music: FloatArray
    X: FloatArray
    numbers: Indices
    changes: FloatArray


@dataclass(frozen=True)
class GenreHead:
    """Weights from pooled features to logits.

    Attributes
    ----------
    kernel : ndarray of shape (n_features, 10)
        On features minus `mean`, in the features' own units.
    bias : ndarray of shape (10,)
        All genres are taken to be equally likely.
    mean : ndarray of shape (n_features,)
        Of music.
    """

    kernel: FloatArray
    bias: FloatArray
    mean: FloatArray

    def logits(self, X: FloatArray) -> FloatArray:
        """Tell windows: (n_windows, n_features) to (n_windows, 10)."""
        return np.asarray((X - self.mean) @ self.kernel + self.bias, np.float32)


def fit_head(lessons: HeadLessons) -> GenreHead:
    """Fit the head.

    Parameters
    ----------
    lessons : HeadLessons
        Every genre must have a track.

    Returns
    -------
    GenreHead
    """
    mean, deviation = lessons.music.mean(axis=0), lessons.music.std(axis=0) + 1e-6
    n_components = min(N_COMPONENTS, *lessons.music.shape)
    axes = (
        PCA(n_components, svd_solver="covariance_eigh")
        .fit((lessons.music - mean) / deviation)
        .components_.T
        / deviation[:, None]
    )
    X, changes = (lessons.X - mean) @ axes, lessons.changes @ axes
    means = np.stack([X[lessons.numbers == g].mean(axis=0) for g in range(len(GENRES))])
    within = X - means[lessons.numbers]
    covariance = within.T @ within / len(within)
    if len(changes):
        covariance += CHANGES_SHARE * changes.T @ changes / len(changes)
    level = np.trace(covariance) / n_components
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(n_components)
    directions = np.linalg.solve(covariance, means.T)
    bias = -0.5 * (means.T * directions).sum(axis=0)
    return GenreHead((axes @ directions).astype(np.float32), bias.astype(np.float32), mean)


def build_head(head: GenreHead, *, temperature: float) -> keras.Model:
    """Build the model that is served.

    Parameters
    ----------
    head : GenreHead
        What was fitted.
    temperature : float > 0
        Divides the logits.

    Returns
    -------
    keras.Model
        From pooled features (batch, n_features) to probabilities (batch, 10).
    """
    pooled = keras.Input((len(head.mean),), name="pooled")
    # The mean is taken off first, since single precision loses digits on large sums.
    x: Any = layers.Dense(len(GENRES), name="genres")(pooled - head.mean)
    model = keras.Model(pooled, layers.Softmax(name="probabilities")(x))
    model.set_weights([head.kernel / temperature, head.bias / temperature])
    return model
