"""A small network of our own on the log-mel spectrogram, quick enough for any machine."""

from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import layers, ops

from emosync.features import WHISPER_N_MELS

STEM_FILTERS: Final = (16, 32, 64)
# Frames of the input to one of the network's.
STRIDE: Final = 4
DROPOUT: Final = 0.2


@dataclass(frozen=True)
class CnnSize:
    """How large the network is.

    Attributes
    ----------
    channels : int
        Between the blocks.
    n_blocks : int
        Each looks at some frames and then mixes the channels.
    kernel_size : int
        Frames that a block looks at.
    expansion : int
        0 for a convolution of all channels with all. Else each channel is convolved alone, and
        the channels are mixed through so many times their number: matrix products, which
        int8 makes small and quick.
    """

    channels: int = 160
    n_blocks: int = 3
    kernel_size: int = 5
    expansion: int = 0


def build_cnn(
    n_labels: int,
    *,
    n_mels: int = WHISPER_N_MELS,
    size: CnnSize = CnnSize(),
    exportable: bool = False,
    temperature: float = 1.0,
) -> keras.Model:
    """Build the network: three convolutions over time and bands, then blocks over time.

    There is no batch normalisation: with mixed and masked clips its running statistics do
    not fit the clean ones.

    Parameters
    ----------
    n_labels : int
        Number of outputs.
    n_mels : int
        Bands, a multiple of 8.
    size : CnnSize
        Of the part that looks along time.
    exportable : bool
        Give probabilities instead of logits.
    temperature : float > 0
        Divides the logits of an exportable model, so that its probabilities are calibrated.

    Returns
    -------
    keras.Model
        From log-mels (batch, frames, n_mels) to (batch, n_labels), float32.
    """
    frames = keras.Input((None, n_mels), name="log_mel")
    x = layers.Reshape((-1, n_mels, 1))(frames)
    for i, (filters, strides) in enumerate(
        zip(STEM_FILTERS, ((2, 2), (2, 2), (1, 2)), strict=True)
    ):
        x = layers.Conv2D(
            filters,
            5 if i == 0 else 3,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"stem{i}",
        )(x)
    x = layers.Reshape((-1, n_mels // 8 * STEM_FILTERS[-1]))(x)
    x = layers.Dense(size.channels, name="project")(x)
    for i in range(size.n_blocks):
        x = x + _block(x, i, size)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    x = layers.Dropout(DROPOUT)(_attentive_pool(x))
    x = layers.Dense(n_labels, dtype="float32", name="head")(x)
    if exportable:
        x = layers.Softmax(dtype="float32", name="probabilities")(x / temperature)
    return keras.Model(frames, x, name="cnn")


def _block(x: Any, i: int, size: CnnSize) -> Any:
    """Normalise, convolve over time, mix the channels."""
    h = layers.LayerNormalization(epsilon=1e-5, name=f"{i}_norm")(x)
    if size.expansion:
        h = layers.DepthwiseConv1D(size.kernel_size, padding="same", name=f"{i}_conv")(h)
        wider = size.expansion * size.channels
        h = layers.Dense(wider, activation="relu", name=f"{i}_widen")(h)
    else:
        h = layers.Conv1D(
            size.channels, size.kernel_size, padding="same", activation="relu", name=f"{i}_conv"
        )(h)
    return layers.Dense(size.channels, name=f"{i}_mix")(layers.Dropout(DROPOUT)(h))


def _attentive_pool(x: Any) -> Any:
    """Weighted mean and deviation over time (Okabe et al. 2018), in float32."""
    scores = layers.Dense(1, dtype="float32", name="attention")(x)
    weights = ops.softmax(scores, axis=1)
    x = ops.cast(x, "float32")
    mean = ops.sum(weights * x, axis=1)
    variance = ops.relu(ops.sum(weights * x * x, axis=1) - mean * mean)
    return ops.concatenate([mean, ops.sqrt(variance + 1e-5)], axis=-1)
