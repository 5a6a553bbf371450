"""A trained model to the files that are served: ONNX, the native file, and the card."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import keras
import onnx
import skops.io
from onnxruntime.quantization import QuantType, quantize_dynamic
from skl2onnx import to_onnx
from sklearn.base import ClassifierMixin

from emosync.artifacts import CARD_FILE, KERAS_FILE, ONNX_FILE, SKOPS_FILE, sha256_of
from emosync.framing import FloatArray

# Of the input that a network with any number of frames is called with before its export.
N_EXAMPLE_FRAMES: Final = 200
TFLITE_FILE: Final = "model.tflite"
VERSIONED: Final = ("keras", "scikit-learn", "onnx", "onnxruntime", "numpy", "scipy")


def export_network(model: keras.Model, folder: Path) -> None:
    """Write a network's ONNX and Keras files, the weights of its matrix products as int8.

    Parameters
    ----------
    model : keras.Model
        From log-mels to probabilities; its Keras file is quantised in place.
    folder : Path
        Where model.onnx and model.keras go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export_plain(model, folder)
    quantize_dynamic(
        folder / ONNX_FILE,
        folder / ONNX_FILE,
        weight_type=QuantType.QInt8,
        per_channel=True,
        # Convolutions in int8 run slower here than in float, and are small.
        op_types_to_quantize=["MatMul"],
    )
    model.quantize("int8")
    model.save(folder / KERAS_FILE)


def export_plain(model: keras.Model, folder: Path) -> None:
    """Write a network's ONNX and Keras files as they are, in float32.

    Parameters
    ----------
    model : keras.Model
        With one input and one output.
    folder : Path
        Where model.onnx and model.keras go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Keras wants to have been called once before it exports.
    model(keras.ops.zeros([n or N_EXAMPLE_FRAMES for n in (1, *model.input_shape[1:])]))
    model.export(folder / ONNX_FILE, format="onnx", verbose=False)
    model.save(folder / KERAS_FILE)


def export_tflite(model: keras.Model, folder: Path) -> None:
    """Write a network's TFLite file beside the others, for phones; nothing here reads it.

    Parameters
    ----------
    model : keras.Model
        With one input and one output.
    folder : Path
        Where model.tflite goes.
    """
    # Imported here: a package of its own in all but name, and only some models are for phones.
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (folder / TFLITE_FILE).write_bytes(converter.convert())


def export_classical(model: ClassifierMixin, X: FloatArray, folder: Path) -> None:
    """Write a scikit-learn model's ONNX and skops files.

    Parameters
    ----------
    model : fitted classifier
        With `predict_proba`.
    X : ndarray of shape (n, n_features)
        Gives the number and type of the inputs.
    folder : Path
        Where model.onnx and model.skops go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    proto = to_onnx(model, X[:1], options={id(model): {"zipmap": False}})
    onnx.save(proto, folder / ONNX_FILE)
    skops.io.dump(model, folder / SKOPS_FILE, compression=8, compresslevel=9)


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write the card of a model, with the sha256 of its files and the versions that made them.

    Parameters
    ----------
    folder : Path
        Holds the model's files.
    card : mapping
        Everything else.
    """
    files = [f for f in (ONNX_FILE, KERAS_FILE, SKOPS_FILE, TFLITE_FILE) if (folder / f).exists()]
    whole = {
        **card,
        "sha256": {f: sha256_of(folder / f) for f in files},
        "size_bytes": {f: (folder / f).stat().st_size for f in files},
        "versions": {package: version(package) for package in VERSIONED},
    }
    (folder / CARD_FILE).write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
