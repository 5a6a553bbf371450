"""A model file with its card: read, verify, load, run."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from emosync.errors import ModelUnavailable
from emosync.framing import FloatArray

CARD_FILE: Final = "card.json"
ONNX_FILE: Final = "model.onnx"
# One of these lies beside the ONNX file that was made from it, if the training was ours.
KERAS_FILE: Final = "model.keras"
SKOPS_FILE: Final = "model.skops"
# What our pipelines hold beyond the types that skops trusts by itself.
TRUSTED_TYPES: Final = [
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.tree._tree.Tree",
]
REQUIRED_MEMBERS: Final = (
    "task",
    "method",
    "model_type",
    "labels",
    "feature_type",
    "feature_settings",
    "n_features",
    "sha256",
)
# ONNX Runtime's errors have no base of their own; skops and Keras read zip files.
LOAD_ERRORS: Final = (
    ImportError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)

Card = dict[str, Any]
# From a batch of inputs to probabilities (batch, n_labels).
Runner = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Artifact:
    """A loaded model and what its card says of it.

    Attributes
    ----------
    card : dict
        The parsed card.
    run : callable
        From a batch of inputs (batch, ...) to probabilities (batch, n_labels).
    """

    card: Card
    run: Runner

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the model's outputs."""
        return tuple(self.card["labels"])


def load_artifact(folder: Path, *, runtime: str = "onnx", threads: int = 1) -> Artifact:
    """Load the model of a folder, after its file has matched the card's sha256.

    Parameters
    ----------
    folder : Path
        Holds card.json, model.onnx and perhaps model.keras or model.skops.
    runtime : {"onnx", "native"}
        ONNX Runtime, or the library that the model was trained with, if it was ours to train.
    threads : int
        Threads of one call, for ONNX Runtime.

    Returns
    -------
    Artifact

    Raises
    ------
    ModelUnavailable
        If a file is missing, broken, or not the one that the card describes.
    """
    card = read_card(folder)
    file = _model_file(card, runtime)
    _verify(folder / file, str(card["sha256"].get(file)))
    try:
        is_onnx = file == ONNX_FILE
        run = _onnx_runner(folder / file, threads) if is_onnx else _native_runner(folder / file)
    except LOAD_ERRORS as exc:
        raise ModelUnavailable(f"The model '{folder.name}' cannot be loaded.") from exc
    return Artifact(card, run)


def read_card(folder: Path) -> Card:
    """Read and check the card of a model's folder.

    Parameters
    ----------
    folder : Path
        Holds card.json.

    Returns
    -------
    dict

    Raises
    ------
    ModelUnavailable
        If it is missing, no JSON object, or lacks a required member.
    """
    try:
        card = json.loads((folder / CARD_FILE).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelUnavailable(f"The card of '{folder.name}' cannot be read.") from exc
    missing = [m for m in REQUIRED_MEMBERS if not isinstance(card, dict) or m not in card]
    if missing:
        raise ModelUnavailable(f"The card of '{folder.name}' lacks {', '.join(missing)}.")
    if not isinstance(card["sha256"], dict):
        raise ModelUnavailable(f"The card of '{folder.name}' states no hash of each file.")
    return dict(card)


def sha256_of(path: Path) -> str:
    """Hash a file's content, as the cards state it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _model_file(card: Card, runtime: str) -> str:
    """Choose among the files of a card; what was never ours to train has no native one."""
    native = [file for file in (KERAS_FILE, SKOPS_FILE) if file in card["sha256"]]
    return native[0] if native and runtime != "onnx" else ONNX_FILE


def _verify(path: Path, sha256: str) -> None:
    try:
        found = sha256_of(path)
    except OSError as exc:
        raise ModelUnavailable(f"The model '{path.parent.name}' has no {path.name}.") from exc
    if found != sha256:
        raise ModelUnavailable(f"The file of '{path.parent.name}' is not the one of its card.")


def _onnx_runner(path: Path, threads: int) -> Runner:
    options = ort.SessionOptions()
    # One call on one thread: the workers share the cores, and spinning threads starve them.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An arena keeps what the longest call needed, for each model; malloc gives it back, and
    # takes no longer.
    options.enable_cpu_mem_arena = False
    # By its path: given the bytes, a session would keep them beside what it unpacks.
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (feed,) = session.get_inputs()
    wanted = next((o.name for o in session.get_outputs() if "prob" in o.name.lower()), None)
    output = wanted or session.get_outputs()[-1].name

    def run(X: FloatArray) -> FloatArray:
        return np.asarray(session.run([output], {feed.name: X})[0], np.float32)

    return run


def _native_runner(path: Path) -> Runner:
    # Imported here, since TensorFlow takes 5 s and 780 MB and the ONNX runtime needs neither.
    return _keras_runner(path) if path.suffix == ".keras" else _skops_runner(path)


def _keras_runner(path: Path) -> Runner:
    import keras

    model = keras.saving.load_model(path, compile=False, safe_mode=True)

    def run(X: FloatArray) -> FloatArray:
        return np.asarray(keras.ops.convert_to_numpy(model(X, training=False)), np.float32)

    return run


def _skops_runner(path: Path) -> Runner:
    import skops.io

    # The sha256 has matched, and skops builds only types that it or this list knows.
    model = skops.io.load(path, trusted=TRUSTED_TYPES)

    def run(X: FloatArray) -> FloatArray:
        probabilities: npt.NDArray[Any] = model.predict_proba(X)
        return probabilities.astype(np.float32)

    return run
