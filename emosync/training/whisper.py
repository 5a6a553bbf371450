"""Whisper's tiny encoder as a Keras model, with the weights that a registry package carries.

The package `pipecat-ai` ships an int8 ONNX file of a Whisper tiny encoder [1]_ that was
trained on to tell whether a speaker has finished, so it listens to prosody. Here its
weights are multiplied back to float and put into a network of stock Keras layers, which
loads anywhere Keras does and takes clips of any length up to 8 s.

References
----------
.. [1] Radford et al. (2022), "Robust Speech Recognition via Large-Scale Weak Supervision".
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import onnx
from keras import layers, ops
from onnx import numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emosync.features import WHISPER_N_MELS

Weights = Mapping[str, npt.NDArray[np.float32]]

N_LAYERS: Final = 4
N_HEADS: Final = 6
D_MODEL: Final = 384
D_FEED_FORWARD: Final = 1536
N_POSITIONS: Final = 400  # 8 s in steps of 20 ms
# On the pooled features only: inside the encoder it raises the deviation that is pooled.
HEAD_DROPOUT: Final = 0.3
PREFIX: Final = "inner.encoder."
# In the file each layer's matrix products come in this order.
PRODUCTS: Final = ("key", "query", "value", "out", "fc1", "fc2")


def read_encoder_weights(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Multiply the int8 weights of the packaged file back to float32.

    Parameters
    ----------
    path : Path
        `smart-turn-v3.2-cpu.onnx`.

    Returns
    -------
    dict of str to ndarray
        Named as `build_encoder` names its layers: `conv1/kernel` (3, 80, 384),
        `positions` (400, 384), `0/query/kernel` (384, 384), `0/norm1/gamma` (384,) ...
    """
    graph = onnx.load(path).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    floats = {
        node.output[0]: _dequantise(node, constants)
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in constants
    }
    weights = {"positions": constants[f"{PREFIX}embed_positions.weight"]}
    convolutions = [n for n in graph.node if n.op_type == "Conv"][:2]
    for name, node in zip(("conv1", "conv2"), convolutions, strict=True):
        weights[f"{name}/kernel"] = floats[node.input[1]].transpose(2, 1, 0)
        weights[f"{name}/bias"] = floats[node.input[2]]
    matrices = [
        floats[n.input[1]] for n in graph.node if n.op_type == "MatMul" and n.input[1] in floats
    ]
    for i in range(N_LAYERS):
        products = matrices[i * len(PRODUCTS) : (i + 1) * len(PRODUCTS)]
        for name, kernel in zip(PRODUCTS, products, strict=True):
            weights[f"{i}/{name}/kernel"] = kernel
        weights |= _layer_vectors(constants, i)
    return {name: np.asarray(w, np.float32) for name, w in weights.items()}


def _dequantise(
    node: onnx.NodeProto, constants: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.float32]:
    """Give (q - zero point) * scale, per tensor or along the node's axis."""
    quantised, scale, zero = (constants[name] for name in node.input)
    if scale.ndim and quantised.ndim > 1:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [1] * quantised.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((quantised.astype(np.float32) - zero) * scale, np.float32)


def _layer_vectors(
    constants: Mapping[str, npt.NDArray[Any]], i: int
) -> dict[str, npt.NDArray[Any]]:
    """Biases and norms of one layer; keys have no bias."""
    source = f"{PREFIX}layers.{i}."
    names = {
        "query/bias": "self_attn.q_proj.bias",
        "value/bias": "self_attn.v_proj.bias",
        "out/bias": "self_attn.out_proj.bias",
        "fc1/bias": "fc1.bias",
        "fc2/bias": "fc2.bias",
        "norm1/gamma": "self_attn_layer_norm.weight",
        "norm1/beta": "self_attn_layer_norm.bias",
        "norm2/gamma": "final_layer_norm.weight",
        "norm2/beta": "final_layer_norm.bias",
    }
    return {f"{i}/{ours}": constants[source + theirs] for ours, theirs in names.items()}


def build_encoder(*, exportable: bool = False) -> keras.Model:
    """Build the encoder; its outputs are the four layers' activations.

    Parameters
    ----------
    exportable : bool
        Write GELU with erf, which ONNX Runtime has; Keras' own is quicker to train with
        and gives the same numbers.

    Returns
    -------
    keras.Model
        From log-mels (batch, frames, 80), frames even, to a list of four arrays
        (batch, frames / 2, 384).
    """
    gelu = _gelu_by_erf if exportable else partial(ops.gelu, approximate=False)
    frames = keras.Input((None, WHISPER_N_MELS), name="log_mel")
    x = gelu(layers.Conv1D(D_MODEL, 3, name="conv1")(layers.ZeroPadding1D(1)(frames)))
    # Padding by one on both sides is PyTorch's; "same" would pad at the end only.
    x = gelu(layers.Conv1D(D_MODEL, 3, strides=2, name="conv2")(layers.ZeroPadding1D(1)(x)))
    # Positions count from the end, where a short clip stands in the 8 s of the original.
    ordinal = ops.cumsum(ops.cast(ops.ones_like(x[:, :, 0]), "float32"), axis=1)
    from_end = ops.cast(ops.max(ordinal, axis=1, keepdims=True) - ordinal, "int32")
    x = x + layers.Embedding(N_POSITIONS, D_MODEL, name="positions")(from_end)
    outputs = []
    for i in range(N_LAYERS):
        x = _block(x, i, gelu)
        outputs.append(x)
    return keras.Model(frames, outputs, name="whisper_tiny_encoder")


def _gelu_by_erf(x: Any) -> Any:
    """Exact GELU; Keras' own exports to Erfc, which ONNX Runtime lacks."""
    return 0.5 * x * (1.0 + ops.erf(x * float(1 / np.sqrt(2))))


def _block(x: Any, i: int, gelu: Callable[[Any], Any]) -> Any:
    """One pre-norm layer: attention and feed-forward, each with its residual."""
    x = x + _attention(layers.LayerNormalization(epsilon=1e-5, name=f"{i}_norm1")(x), i)
    h = layers.LayerNormalization(epsilon=1e-5, name=f"{i}_norm2")(x)
    return x + layers.Dense(D_MODEL, name=f"{i}_fc2")(
        gelu(layers.Dense(D_FEED_FORWARD, name=f"{i}_fc1")(h))
    )


def _attention(x: Any, i: int) -> Any:
    """Self-attention from a dense layer and products, which int8 quantisation reaches.

    `keras.layers.MultiHeadAttention` exports as einsums, which it leaves in float.
    """
    split = layers.Reshape((-1, 3, N_HEADS, D_MODEL // N_HEADS))
    query, key, value = ops.unstack(
        ops.transpose(split(layers.Dense(3 * D_MODEL, name=f"{i}_qkv")(x)), (2, 0, 3, 1, 4)), 3
    )
    scale = (D_MODEL // N_HEADS) ** -0.5
    weights = ops.softmax(ops.matmul(query * scale, ops.transpose(key, (0, 1, 3, 2))), axis=-1)
    joined = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
    return layers.Dense(D_MODEL, name=f"{i}_out")(layers.Reshape((-1, D_MODEL))(joined))


def load_encoder_weights(encoder: keras.Model, weights: Weights) -> None:
    """Put the packaged weights into a network from `build_encoder`.

    Parameters
    ----------
    encoder : keras.Model
        Changed in place.
    weights : mapping
        From `read_encoder_weights`.
    """
    for name in ("conv1", "conv2"):
        encoder.get_layer(name).set_weights([weights[f"{name}/kernel"], weights[f"{name}/bias"]])
    encoder.get_layer("positions").set_weights([weights["positions"][::-1]])
    for i in range(N_LAYERS):
        kernels = [weights[f"{i}/{name}/kernel"] for name in ("query", "key", "value")]
        # Keys have no bias in the original; a bias there moves all scores alike anyway.
        query, value = weights[f"{i}/query/bias"], weights[f"{i}/value/bias"]
        biases = np.hstack([query, np.zeros_like(query), value])
        encoder.get_layer(f"{i}_qkv").set_weights([np.hstack(kernels), biases])
        for name in ("out", "fc1", "fc2"):
            values = [weights[f"{i}/{name}/kernel"], weights[f"{i}/{name}/bias"]]
            encoder.get_layer(f"{i}_{name}").set_weights(values)
        for name in ("norm1", "norm2"):
            values = [weights[f"{i}/{name}/gamma"], weights[f"{i}/{name}/beta"]]
            encoder.get_layer(f"{i}_{name}").set_weights(values)


def build_classifier(
    n_labels: int,
    *,
    exportable: bool = False,
    temperature: float = 1.0,
    with_layers: bool = False,
) -> keras.Model:
    """Put a linear head on the encoder: mean and deviation over time of all four layers.

    Parameters
    ----------
    n_labels : int
        Number of outputs.
    exportable : bool
        See `build_encoder`; then the outputs are probabilities, else logits.
    temperature : float > 0
        Divides the logits of an exportable model, so that its probabilities are calibrated.
    with_layers : bool
        Give a list: that output, then the activations of the encoder's four layers.

    Returns
    -------
    keras.Model
        From log-mels (batch, frames, 80) to (batch, n_labels), float32. The layers
        `standardise` and `head` wait for `load_head`.
    """
    encoder = build_encoder(exportable=exportable)
    x = pool(encoder.outputs)
    # Never trained: it holds what the linear head's features were standardised by.
    x = layers.BatchNormalization(
        epsilon=0, center=False, scale=False, trainable=False, dtype="float32", name="standardise"
    )(x)
    if not exportable:
        x = layers.Dropout(HEAD_DROPOUT, dtype="float32")(x)
    x = layers.Dense(n_labels, dtype="float32", name="head")(x)
    if exportable:
        x = layers.Softmax(dtype="float32", name="probabilities")(x / temperature)
    outputs = [x, *encoder.outputs] if with_layers else x
    return keras.Model(encoder.inputs[0], outputs, name="whisper")


def build_pooled_encoder() -> keras.Model:
    """Build the encoder with nothing but the pooling on it: (batch, 3072), float32."""
    encoder = build_encoder()
    return keras.Model(encoder.inputs[0], pool(encoder.outputs))


def pool(activations: Sequence[Any]) -> Any:
    """Take mean and deviation over time of each layer, side by side."""
    parts = []
    for x in activations:
        x = ops.cast(x, "float32")
        mean = ops.mean(x, axis=1)
        variance = ops.relu(ops.mean(x * x, axis=1) - mean * mean)
        parts += [mean, ops.sqrt(variance + 1e-5)]
    return ops.concatenate(parts, axis=-1)


def load_head(model: keras.Model, head: LogisticRegression, scaler: StandardScaler) -> None:
    """Put a fitted logistic regression into a model from `build_classifier`.

    Parameters
    ----------
    model : keras.Model
        Changed in place.
    head : sklearn.linear_model.LogisticRegression
        Fitted to pooled and scaled activations.
    scaler : sklearn.preprocessing.StandardScaler
        What scaled them.
    """
    model.get_layer("standardise").set_weights([scaler.mean_, scaler.var_])
    model.get_layer("head").set_weights([head.coef_.T, head.intercept_])
