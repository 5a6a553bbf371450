"""The small network that tells a track's mood from five audio features, with its scaler."""

from typing import Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from emosync.framing import FloatArray
from emosync.labels import MOODS

UNITS: Final = (64, 32)
# The whole table is one batch. Longer training fits the training tracks alone; noise of a
# fifth of a deviation makes up for how few they are.
STEPS: Final = 150
LEARNING_RATE: Final = 5e-3
NOISE: Final = 0.2
# Features that crowd at one end are told apart by their logarithm, plus this.
LOG_OFFSETS: Final = {
    "acousticness": 1e-3,
    "instrumentalness": 1e-3,
    "speechiness": 1e-3,
    "duration_ms": 1.0,
}


def scaled(names: tuple[str, ...], X: FloatArray) -> FloatArray:
    """Take logarithms where `LOG_OFFSETS` says so: (n, n_features) to the same shape."""
    is_log, offsets = _logarithms(names)
    return np.where(is_log, np.log(np.maximum(X, 0) + offsets), X).astype(np.float32)


def build_network(names: tuple[str, ...], X: FloatArray) -> keras.Model:
    """Build scaler and network; the scaler is part of the graph.

    Parameters
    ----------
    names : tuple of str
        Of the features.
    X : ndarray of shape (n_tracks, n_features)
        Training tracks, whose mean and deviation the scaler keeps.

    Returns
    -------
    keras.Model
        From features (batch, n_features) to probabilities of the moods (batch, 4).
    """
    is_log, offsets = _logarithms(names)
    known = scaled(names, X)
    given = keras.Input((len(names),), name="features")
    x = ops.where(is_log, ops.log(ops.maximum(given, 0.0) + offsets), given)
    x = (x - known.mean(axis=0)) / (known.std(axis=0) + 1e-6)
    x = layers.GaussianNoise(NOISE)(x)
    for units in UNITS:
        x = layers.Dense(units, "relu")(x)
    moods = layers.Dense(len(MOODS), "softmax", name="moods")(x)
    return keras.Model(given, moods)


def train_network(
    names: tuple[str, ...], X: FloatArray, labels: npt.NDArray[np.int64], *, seed: int = 0
) -> keras.Model:
    """Train scaler and network.

    Parameters
    ----------
    names : tuple of str
        Of the features.
    X : ndarray of shape (n_tracks, n_features)
        Training tracks.
    labels : ndarray of shape (n_tracks,)
        Numbers of `labels.MOODS`.
    seed : int
        Of everything random.

    Returns
    -------
    keras.Model
        See `build_network`.
    """
    keras.utils.set_random_seed(seed)
    model = build_network(names, X)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", jit_compile=False)
    # One by one: as epochs of one batch they would take ten times as long.
    for _ in range(STEPS):
        model.train_on_batch(X, labels)
    return model


def set_temperature(model: keras.Model, temperature: float) -> None:
    """Divide the last layer's logits by a number, for good."""
    last = model.get_layer("moods")
    last.set_weights([weights / temperature for weights in last.get_weights()])


def _logarithms(names: tuple[str, ...]) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    is_log = np.array([name in LOG_OFFSETS for name in names])
    return is_log, np.array([LOG_OFFSETS.get(name, 1.0) for name in names], np.float32)
