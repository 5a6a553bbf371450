"""The network that reads a face: convolutions, normalised by batch, pooled at the end."""

from typing import Any, Final

import keras
from keras import layers

# Filters of the convolution on the whole picture, few since most of a step's time goes into
# large maps, and of each stage, which halves the picture first.
FIRST_FILTERS: Final = 16
STAGES: Final = (48, 128, 192)
DROPOUT: Final = 0.3
NORM_EPSILON: Final = 1e-3
# Of the running statistics: an epoch has 200 steps.
NORM_MOMENTUM: Final = 0.9


class BatchNorm(layers.BatchNormalization):  # type: ignore[misc]  # Keras ships no types
    """Batch normalisation that learns with PyTorch's own operator where Keras runs on it.

    Keras composes the training step of ten passes over memory, which take longer than the
    convolutions; PyTorch has one operator for it. On other backends this is the same as
    `keras.layers.BatchNormalization`, which takes its weights when the network is served.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise (batch, rows, columns, channels) over all but the channels."""
        if not training or keras.backend.backend() != "torch":
            return super().call(inputs, training=training, mask=mask)
        from torch.nn.functional import batch_norm

        normalised = batch_norm(
            inputs.permute(0, 3, 1, 2),
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            training=True,
            momentum=1 - self.momentum,
            eps=self.epsilon,
        )
        return normalised.permute(0, 2, 3, 1)


def build_face_cnn(n_labels: int, n_voted: int, *, size_px: int | None = None) -> keras.Model:
    """Build the network that is trained, with a second head that learns the crowd's votes.

    Parameters
    ----------
    n_labels : int
        Emotions.
    n_voted : int
        What the crowd could vote for.
    size_px : int, optional
        Side of the picture; any, without.

    Returns
    -------
    keras.Model
        From faces (batch, rows, columns, 1) to logits: `emotion` (batch, n_labels) and
        `votes` (batch, n_voted), float32.
    """
    faces = keras.Input((size_px, size_px, 1), name="face")
    x = layers.Dropout(DROPOUT)(_pooled(faces, BatchNorm))
    emotion = layers.Dense(n_labels, dtype="float32", name="emotion")(x)
    votes = layers.Dense(n_voted, dtype="float32", name="votes")(x)
    return keras.Model(faces, {"emotion": emotion, "votes": votes}, name="face_cnn")


def exportable(model: keras.Model, *, size_px: int, temperature: float) -> keras.Model:
    """Give the network that is served: probabilities of the emotions alone.

    Parameters
    ----------
    model : keras.Model
        From `build_face_cnn`, trained.
    size_px : int
        Side of the faces.
    temperature : float > 0
        Divides the logits, so that the probabilities are calibrated.

    Returns
    -------
    keras.Model
        From (batch, size_px, size_px, 1) to (batch, n_labels), float32. A face and its
        mirror image get the same answer: the mean of both.
    """
    faces = keras.Input((size_px, size_px, 1), name="face")
    # A layer of Keras' own, so that the file needs none of our code.
    emotion = model.get_layer("emotion")
    logits = layers.Dense(emotion.units, name="emotion")(_pooled(faces, layers.BatchNormalization))
    one_side = keras.Model(faces, logits, name="one_side")
    for layer in one_side.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights() if layer.weights else [])
    mirrored = keras.ops.flip(faces, axis=2)
    x = (one_side(faces) + one_side(mirrored)) / (2 * temperature)
    return keras.Model(faces, layers.Softmax(name="probabilities")(x), name="face_cnn")


def _pooled(x: Any, norm: type[layers.BatchNormalization]) -> Any:
    """Give one vector per face."""
    x = layers.ReLU()(_convolved(x, FIRST_FILTERS, norm, "first"))
    for i, filters in enumerate(STAGES):
        x = layers.ReLU()(_convolved(x, filters, norm, f"stage{i}_a", strides=2))
        change = layers.ReLU()(_convolved(x, filters, norm, f"stage{i}_b"))
        change = _convolved(change, filters, norm, f"stage{i}_c")
        x = layers.ReLU()(layers.Add()([x, change]))
    return layers.GlobalAveragePooling2D()(x)


def _convolved(
    x: Any, filters: int, norm: type[layers.BatchNormalization], name: str, *, strides: int = 1
) -> Any:
    """Look at 3 x 3 pixels, and normalise."""
    x = layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return norm(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON, name=f"{name}_norm")(x)
