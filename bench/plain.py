"""The plain way to build this service, to compare with; see BENCHMARKS.md.

Upload to a temporary file, librosa for sound and features, Keras's `predict`, and the three
panels drawn with pyplot at 300 dpi inside the request, as many published servers do it.
Nothing is made slow on purpose: the model is loaded once, figures are closed.
"""

import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import keras
import librosa
import librosa.display
import matplotlib

matplotlib.use("Agg")  # before pyplot chooses a window system
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from flask import Flask, Response, jsonify, request

SR_HZ = 16_000
OUT_PATH = Path(os.environ.get("BENCH_PLAIN_PATH", tempfile.gettempdir()))

app = Flask(__name__)
model = keras.models.load_model(os.environ["BENCH_PLAIN_MODEL"])


@app.get("/ready")
def ready() -> dict[str, str]:
    """Say that the model is loaded."""
    return {"status": "ok"}


@app.post("/predict")
def predict() -> Response:
    """Answer an upload, and tell how long each step took."""
    path = OUT_PATH / f"{os.urandom(8).hex()}.wav"
    request.files["file"].save(path)
    marks = [time.perf_counter()]
    y, _ = librosa.load(path, sr=SR_HZ)
    marks.append(time.perf_counter())
    X = model_input(y)
    marks.append(time.perf_counter())
    probabilities = model.predict(X, verbose=0)[0]
    marks.append(time.perf_counter())
    draw(y, path.with_suffix(".png"))
    marks.append(time.perf_counter())
    answer = jsonify(label=int(probabilities.argmax()), confidence=float(probabilities.max()))
    steps = zip(("decode", "features", "model", "draw"), pairwise(marks), strict=True)
    answer.headers["Server-Timing"] = ", ".join(
        f"{name};dur={1e3 * (end_s - start_s):.2f}" for name, (start_s, end_s) in steps
    )
    return answer


def model_input(y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Compute a log-mel spectrogram in the shape that the model takes: clips, frames, bands."""
    _, n_frames, n_mels, *channel = model.input_shape
    S = librosa.feature.melspectrogram(y=y, sr=SR_HZ, n_fft=400, hop_length=160, n_mels=n_mels)
    log_mel = librosa.power_to_db(S, ref=np.max).T
    if n_frames is not None:
        log_mel = librosa.util.fix_length(log_mel, size=n_frames, axis=0)
    return np.asarray(log_mel.reshape(1, *log_mel.shape, *channel), dtype=np.float32)


def draw(y: npt.NDArray[np.float32], path: Path) -> None:
    """Draw waveform, spectrogram and MFCC."""
    figure, axes = plt.subplots(3, 1, figsize=(12, 10))
    librosa.display.waveshow(y, sr=SR_HZ, ax=axes[0])
    S_db = librosa.amplitude_to_db(np.abs(librosa.stft(y)), ref=np.max)
    librosa.display.specshow(S_db, sr=SR_HZ, x_axis="time", y_axis="hz", ax=axes[1])
    mfcc = librosa.feature.mfcc(y=y, sr=SR_HZ, n_mfcc=40)
    librosa.display.specshow(mfcc, sr=SR_HZ, x_axis="time", ax=axes[2])
    figure.tight_layout()
    figure.savefig(path, dpi=300)
    plt.close(figure)
