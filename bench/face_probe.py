"""A photograph to its faces, again and again; a process of its own.

Prints one JSON object: memory when ready and at its peak, and what each photograph took.
Whoever starts it decides by the processor affinity how many cores it has.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from bench.one_core import memory_mb
from bench.server import ROOT
from emosync.face_crops import FACE_SIZE_PX, crop_faces, face_input
from emosync.faces import find_faces
from emosync.images import decode_image
from emosync.stages import Stages
from predictor import ModelPredictor

# The method that finds faces; the others name their emotions.
DETECTOR: Final = "detector"


def tell(data: bytes, predictor: ModelPredictor, method: str | None) -> dict[str, Any]:
    """Go from a file's bytes to the emotions of its faces, and tell how long each stage took."""
    stages = Stages()
    with stages.measure("decode"):
        image = decode_image(data)
    with stages.measure("detect"):
        faces = find_faces(image, predictor.face_detector)
    with stages.measure("crop"):
        X = face_input(crop_faces(image, faces))
    with stages.measure("model"):
        if method is not None:
            predictor.face_emotions(X, method=method)
    return {"timing": stages.server_timing(), "n_faces": len(faces)}


def face_times_ms(predictor: ModelPredictor, method: str, n_faces: int) -> list[float]:
    """Send faces through the network one by one; the first is not counted."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (n_faces + 1, FACE_SIZE_PX, FACE_SIZE_PX), dtype=np.uint8)
    times_ms = []
    for X in face_input(levels)[:, np.newaxis]:
        begun_s = time.perf_counter()
        predictor.face_emotions(X, method=method)
        times_ms.append(1e3 * (time.perf_counter() - begun_s))
    return times_ms[1:]


@click.command()
@click.option("--rounds", "n_rounds", type=int, default=1, help="After one that is not counted.")
@click.option("--faces", "n_faces", type=int, default=100, help="Through the network alone.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def main(n_rounds: int, n_faces: int, paths: Sequence[Path]) -> None:
    """Measure the path of photographs to their faces, with the models of all tasks loaded."""
    predictor = ModelPredictor(ROOT / "models")
    method = next((name for name in predictor.methods("face") if name != DETECTOR), None)
    ready_mb = memory_mb("VmRSS")
    photographs = [path.read_bytes() for path in paths]
    rounds = [[tell(data, predictor, method) for data in photographs] for _ in range(n_rounds + 1)]
    found = {
        "ready_mb": ready_mb,
        "peak_mb": memory_mb("VmHWM"),
        "n_faces": [told["n_faces"] for told in rounds[0]],
        "timings": [
            [told["timing"] for told in by_path] for by_path in zip(*rounds[1:], strict=True)
        ],
        "faces_ms": face_times_ms(predictor, method, n_faces) if method else [],
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
