"""The plain way to tell the genre, to compare with; a process of its own, see BENCHMARKS.md.

librosa for sound and log-mels, then the Keras file of the method `cnn`, one slice after the
other through `predict`, as most published genre classifiers do it. Nothing is made slow on
purpose: the model is loaded once and has run before it is measured.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click
import keras
import librosa
import numpy as np

from bench.one_core import memory_mb
from emosync.framing import FloatArray
from emosync.genre_slices import (
    DYNAMIC_RANGE,
    FMAX_HZ,
    FMIN_HZ,
    GENRE_HOP,
    GENRE_N_FFT,
    GENRE_N_MELS,
    GENRE_SR_HZ,
    SLICE_FRAMES,
    SLICE_SAMPLES,
)


def slice_log_mel(y: FloatArray) -> FloatArray:
    """Make the log-mel spectrogram of one slice, (1, 63, 64), as librosa's users do."""
    S = librosa.feature.melspectrogram(
        y=y, sr=GENRE_SR_HZ, n_fft=GENRE_N_FFT, hop_length=GENRE_HOP, n_mels=GENRE_N_MELS,
        fmin=FMIN_HZ, fmax=FMAX_HZ,
    )  # fmt: skip
    range_db = 10 * DYNAMIC_RANGE
    log_mel = librosa.power_to_db(S, ref=np.max, top_db=range_db).T[:SLICE_FRAMES]
    return np.asarray(log_mel[np.newaxis] / (range_db / 2) + 1, np.float32)


def slice_times_ms(model: keras.Model, y: FloatArray, n_slices: int) -> dict[str, list[float]]:
    """Send slices through features and network one by one; the first is not counted."""
    times_ms: dict[str, list[float]] = {"log_mels_ms": [], "predicts_ms": []}
    for number in range(n_slices + 1):
        start = number * SLICE_SAMPLES % (len(y) - SLICE_SAMPLES)
        begun_s = time.perf_counter()
        X = slice_log_mel(y[start : start + SLICE_SAMPLES])
        made_s = time.perf_counter()
        model.predict(X, verbose=0)
        times_ms["log_mels_ms"].append(1e3 * (made_s - begun_s))
        times_ms["predicts_ms"].append(1e3 * (time.perf_counter() - made_s))
    return {name: times[1:] for name, times in times_ms.items()}


def measure(path: Path, model: keras.Model, n_slices: int) -> dict[str, Any]:
    """Measure one recording."""
    begun_s = time.perf_counter()
    y, _ = librosa.load(path, sr=GENRE_SR_HZ)
    load_s = time.perf_counter() - begun_s
    return {"load_s": load_s, **slice_times_ms(model, y, n_slices)}


@click.command()
@click.option("--model", "model_path", type=click.Path(path_type=Path), required=True)
@click.option("--slices", "n_slices", type=int, required=True)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def main(model_path: Path, n_slices: int, paths: tuple[Path, ...]) -> None:
    """Measure the plain way on the last of the recordings; the first warms up."""
    model = keras.saving.load_model(model_path, compile=False)
    # librosa compiles and imports on its first use.
    measure(paths[0], model, 1)
    found = measure(paths[-1], model, n_slices)
    json.dump({**found, "peak_mb": memory_mb("VmHWM")}, sys.stdout)


if __name__ == "__main__":
    main()
