"""A recording to its playback sequence, again and again; a process of its own.

Prints one JSON object: memory when ready and at its peak, and what each round took. Whoever
starts it decides by the processor affinity how many cores it has.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import numpy.typing as npt

from application.tasks.song_analysis import MIN_DURATION_S, hear_song, play_song
from bench.one_core import memory_mb
from bench.server import ROOT
from emosync.audio import AudioLimits
from emosync.musicnn import STEP_S
from emosync.playback import PlaybackSettings
from emosync.results import SongCurve
from emosync.stages import Stages
from predictor import ModelPredictor

LIMITS: Final = AudioLimits(MIN_DURATION_S, 7200.0)
SETTINGS: Final = PlaybackSettings()
# A curve as restless as those of songs: 0.05 from step to step.
CURVE_STEP: Final = 0.05


def listen(data: bytes, predictor: ModelPredictor) -> dict[str, Any]:
    """Go from a file's bytes to the sequence, and tell how long each stage took."""
    stages = Stages()
    song = hear_song(data, predictor, limits=LIMITS, stages=stages)
    with stages.measure("models"):
        curve = predictor.song_curve(song.told)
    with stages.measure("playback"):
        play_song(curve, SETTINGS)
    return {"timing": stages.server_timing(), "duration_s": song.duration_s}


def process(n_steps: int) -> float:
    """Give the ms that a made-up curve of so many steps takes to its sequence."""
    curve = SongCurve(
        STEP_S * np.arange(n_steps, dtype=np.float64), _axis(n_steps, 1), _axis(n_steps, 2)
    )
    begun_s = time.perf_counter()
    play_song(curve, SETTINGS)
    return 1e3 * (time.perf_counter() - begun_s)


def _axis(n_steps: int, seed: int) -> npt.NDArray[np.float32]:
    """Wander within [-1, 1]."""
    steps = np.random.default_rng(seed).normal(0, CURVE_STEP, n_steps)
    return np.sin(np.cumsum(steps)).astype(np.float32)


@click.command()
@click.option("--file", "path", type=click.Path(path_type=Path), required=True)
@click.option("--warm", "n_warm", type=int, default=0, help="Rounds that are not counted.")
@click.option("--rounds", "n_rounds", type=int, default=1)
@click.option("--steps", "n_steps", type=int, default=0, help="Also process a curve of this many.")
def main(path: Path, n_warm: int, n_rounds: int, n_steps: int) -> None:
    """Measure the path of a recording to its sequence."""
    predictor = ModelPredictor(ROOT / "models")
    ready_mb = memory_mb("VmRSS")
    data = path.read_bytes()
    rounds = [listen(data, predictor) for _ in range(n_warm + n_rounds)][n_warm:]
    peak_mb = memory_mb("VmHWM")
    processed_ms = [process(n_steps) for _ in range(n_warm + n_rounds)][n_warm:] if n_steps else []
    found = {
        "ready_mb": ready_mb,
        "peak_mb": peak_mb,
        "duration_s": rounds[0]["duration_s"],
        "timings": [done["timing"] for done in rounds],
        "processed_ms": processed_ms,
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
