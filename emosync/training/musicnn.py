"""musicnn in Keras: the network rebuilt, its published weights, and a quicker form of it.

The quicker form gives the same numbers but for rounding and skipped frames: filters whose
batch normalisation turns them over are negated, so that the maximum over frequency can come
first and the rest works on a sixtieth of the values; the two costly convolutions run in int8
and look at every other frame.

References
----------
.. [1] Pons and Serra (2019), "musicnn: Pre-trained convolutional neural networks for music
   audio tagging".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import keras
import numpy as np
from keras import layers, ops

from emosync.framing import FloatArray
from emosync.musicnn import N_ACTIVATIONS, N_FRAME_FEATURES, N_MELS

EPSILON: Final = 1e-3
# Frames and bands of each filter of the front end: timbre first, then tempo.
KERNELS: Final = ((7, 38), (7, 67), (128, 1), (64, 1), (32, 1))
N_TIMBRAL: Final = 2
N_FILTERS: Final = (204, 204, 51, 51, 51)
FILTER_BLOCK: Final = 16
N_MIDDLE: Final = 3

Weights = Mapping[str, FloatArray]


def read_checkpoint(folder: Path) -> dict[str, FloatArray]:
    """Read the published variables.

    Parameters
    ----------
    folder : Path
        Holds the TensorFlow checkpoint, as the package does.

    Returns
    -------
    dict
        By the variables' names: "conv2d/kernel", "batch_normalization_1/gamma", ...
    """
    import tensorflow as tf

    # The files have no name before their endings, which `load_checkpoint` takes for a folder.
    reader = tf.compat.v1.train.NewCheckpointReader(f"{folder}/")
    names = [n for n in reader.get_variable_to_shape_map() if "Adam" not in n and "_power" not in n]
    return {name: np.asarray(reader.get_tensor(name), np.float32) for name in names}


def build_frames(weights: Weights, *, stride: int = 1) -> keras.Model:
    """Build front end and middle: log-mels to features per frame.

    Parameters
    ----------
    weights : mapping
        From `read_checkpoint`.
    stride : int
        Frames between two positions of the front end; each output is repeated as often.

    Returns
    -------
    keras.Model
        From (batch, n_frames, 96) to (batch, n_frames, 753), float32; a frame more where
        n_frames is no multiple of `stride`.
    """
    log_mel = keras.Input((None, N_MELS), name="log_mel")
    scale, offset = _affine(weights, 0)
    x = layers.Reshape((-1, N_MELS, 1))(log_mel)
    x = layers.Rescaling(float(scale[0]), float(offset[0]))(x)
    front = [_front(x, weights, i, stride=stride) for i in range(len(KERNELS))]
    h = layers.Concatenate(name="front")(front)
    features = [h]
    for i in range(N_MIDDLE):
        y = _middle(h, weights, i)
        h = y if i == 0 else layers.Add()([y, h])
        features.append(h)
    return keras.Model(log_mel, layers.Concatenate(name="features")(features), name="musicnn")


def _front(x: keras.KerasTensor, weights: Weights, i: int, *, stride: int) -> keras.KerasTensor:
    """One convolution, its maximum over frequency, then rectifier and normalisation."""
    n_frames, n_bands = KERNELS[i]
    scale, offset = _affine(weights, i + 1)
    # max(s relu(c)) is s relu(-max(-c)) where s < 0.
    sign = np.where(scale < 0, -1, 1).astype(np.float32)
    # The tempo filters get company that answers 0: ONNX Runtime lays out blocks of 16.
    n_idle = 0 if i < N_TIMBRAL else -N_FILTERS[i] % FILTER_BLOCK
    n_filters = N_FILTERS[i] + n_idle
    kernel, bias = (
        np.pad(sign * w, [(0, 0)] * (w.ndim - 1) + [(0, n_idle)]) for w in _convolution(weights, i)
    )
    convolve = layers.Conv2D(n_filters, (n_frames, n_bands), strides=(stride, 1), name=f"front{i}")
    h = convolve(layers.ZeroPadding2D((((n_frames - 1) // 2, n_frames // 2), (0, 0)))(x))
    convolve.set_weights([kernel, bias])
    h = layers.MaxPooling2D((1, h.shape[2]), name=f"highest{i}")(h)
    h = layers.Reshape((-1, n_filters))(h)[:, :, : N_FILTERS[i]]
    h = ops.relu(h * sign) * scale + offset
    return layers.UpSampling1D(stride)(h) if stride > 1 else h


def _middle(h: keras.KerasTensor, weights: Weights, i: int) -> keras.KerasTensor:
    """One convolution over time."""
    kernel, bias = _convolution(weights, len(KERNELS) + i)
    scale, offset = _affine(weights, len(KERNELS) + 1 + i)
    convolve = layers.Conv1D(bias.shape[0], kernel.shape[0], activation="relu", name=f"middle{i}")
    h = convolve(layers.ZeroPadding1D(kernel.shape[0] // 2)(h))
    # Published as 2-D kernels with one channel.
    convolve.set_weights([kernel[:, :, 0], bias])
    return h * scale + offset


def build_back(weights: Weights) -> keras.Model:
    """Build the last layers: pooled features to activations and tags.

    Parameters
    ----------
    weights : mapping
        From `read_checkpoint`.

    Returns
    -------
    keras.Model
        From (batch, 1506), maximum and mean of each feature in turn, to (batch, 250): 200
        activations, then the probabilities of the 50 tags.
    """
    pooled = keras.Input((2 * N_FRAME_FEATURES,), name="pooled")
    scale, offset = _affine(weights, len(KERNELS) + 1 + N_MIDDLE)
    hidden = layers.Dense(N_ACTIVATIONS, activation="relu", name="hidden")
    tags = layers.Dense(weights["dense_1/bias"].shape[0], activation="sigmoid", name="tags")
    x = hidden(pooled * scale + offset)
    scale, offset = _affine(weights, len(KERNELS) + 2 + N_MIDDLE)
    activations = x * scale + offset
    output = layers.Concatenate(name="music")([activations, tags(activations)])
    hidden.set_weights([weights["dense/kernel"], weights["dense/bias"]])
    tags.set_weights([weights["dense_1/kernel"], weights["dense_1/bias"]])
    return keras.Model(pooled, output, name="musicnn_back")


def _numbered(kind: str, i: int) -> str:
    return f"{kind}_{i}" if i else kind


def _convolution(weights: Weights, i: int) -> tuple[FloatArray, FloatArray]:
    name = _numbered("conv2d", i)
    return weights[f"{name}/kernel"], weights[f"{name}/bias"]


def _affine(weights: Weights, i: int) -> tuple[FloatArray, FloatArray]:
    """Scale and offset of a batch normalisation in inference."""
    name = _numbered("batch_normalization", i)
    scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + EPSILON)
    return scale, weights[f"{name}/beta"] - weights[f"{name}/moving_mean"] * scale
