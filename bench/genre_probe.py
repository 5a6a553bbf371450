"""Recordings to their genre, again and again; a process of its own.

Prints one JSON object: memory when ready and at its peak, and what each recording took.
Whoever starts it decides by the processor affinity how many cores it has.
"""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from bench.one_core import memory_mb
from bench.server import ROOT
from emosync.audio import AudioLimits
from emosync.listening import hear
from emosync.stages import Stages
from predictor import ModelPredictor

# The encoder makes ten minutes a little longer than the longest upload.
LIMITS: Final = AudioLimits(max_duration_s=7200.0)


def tell(data: bytes, predictor: ModelPredictor, method: str) -> dict[str, Any]:
    """Go from a file's bytes to the genre as the service does, and tell how long it took."""
    stages = Stages()
    heard = hear(
        data,
        partial(predictor.genre, method=method),
        sr=predictor.genre_sr_hz(method),
        limits=LIMITS,
        stages=stages,
        stage="model",
    )
    return {
        "timing": stages.server_timing(),
        "duration_s": heard.duration_s,
        "n_parts": len(heard.told.windows),
    }


@click.command()
@click.option("--method", required=True)
@click.option("--rounds", "n_rounds", type=int, default=1, help="After one of the first file.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def main(method: str, n_rounds: int, paths: Sequence[Path]) -> None:
    """Measure the path of recordings to their genre; memory counts one file at a time."""
    predictor = ModelPredictor(ROOT / "models")
    ready_mb = memory_mb("VmRSS")
    tell(paths[0].read_bytes(), predictor, method)
    rounds = [
        [tell(path.read_bytes(), predictor, method) for path in paths] for _ in range(n_rounds)
    ]
    found = {
        "ready_mb": ready_mb,
        "peak_mb": memory_mb("VmHWM"),
        "durations_s": [told["duration_s"] for told in rounds[0]],
        "n_parts": [told["n_parts"] for told in rounds[0]],
        "timings": [[told["timing"] for told in by_path] for by_path in zip(*rounds, strict=True)],
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
