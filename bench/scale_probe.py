"""One clip, or several at once, through a network on one core; a process of its own.

Prints one JSON object: ms per clip, by method and by how many clips go in together. It tells
what gathering concurrent requests into one batch could save at most.
"""

import json
import sys
import time
from statistics import median
from typing import Final

import click
import numpy as np

from bench.server import ROOT
from emosync.artifacts import Artifact, load_artifact
from emosync.features import WHISPER_N_MELS

METHODS: Final = ("whisper", "cnn")
BATCH_SIZES: Final = (1, 2, 4, 8)
# Of 3 s of recording.
N_FRAMES: Final = 300
# The smallest of a few runs: what others do on the machine only adds.
N_IN_A_ROW: Final = 3


def ms_per_clip(model: Artifact, n_clips: int) -> float:
    """Give the ms that a clip takes when so many go in together."""
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1, (n_clips, N_FRAMES, WHISPER_N_MELS)).astype(np.float32)
    took_s = []
    for _ in range(N_IN_A_ROW):
        begun_s = time.perf_counter()
        model.run(X)
        took_s.append(time.perf_counter() - begun_s)
    return 1e3 * min(took_s) / n_clips


@click.command()
@click.option("--rounds", "n_rounds", type=int, default=20)
def main(n_rounds: int) -> None:
    """Go round the methods and batches, so that a slow minute does not fall on one of them."""
    models = {method: load_artifact(ROOT / "models" / "speech" / method) for method in METHODS}
    found: dict[str, dict[int, list[float]]] = {
        method: {n: [] for n in BATCH_SIZES} for method in METHODS
    }
    for _ in range(n_rounds):
        for method, model in models.items():
            for n_clips, rounds in found[method].items():
                rounds.append(ms_per_clip(model, n_clips))
    medians = {
        method: {n: median(rounds) for n, rounds in by_size.items()}
        for method, by_size in found.items()
    }
    json.dump(medians, sys.stdout)


if __name__ == "__main__":
    main()
