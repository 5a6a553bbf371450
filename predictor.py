"""The models in `models/`, loaded once per process and asked by task and method."""

import time
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosync.artifacts import CARD_FILE, Artifact, load_artifact
from emosync.errors import ModelUnavailable, UnknownMethod
from emosync.framing import SPEECH_SR_HZ, FloatArray, cut_voice, cut_windows, voice_shares
from emosync.inputs import extractor
from emosync.results import SpeechPrediction, SpeechWindow, ranked_probabilities

# Per task, the default first: most accurate on people never heard.
METHODS: Final = MappingProxyType({"speech": ("whisper", "cnn", "svm", "random_forest")})
# Windows in one call of a network; more need memory and save no time.
BATCH_SIZE: Final = 4


class ModelPredictor:
    """Every model below a folder, verified and ready.

    Parameters
    ----------
    models_path : Path
        Holds `<task>/<method>/` with a card and the model's files.
    runtime : {"onnx", "native"}
        ONNX Runtime, or the library that each model was trained with.
    threads : int
        Threads of one call.

    Raises
    ------
    ModelUnavailable
        If a model is missing, broken, or not the one that its card describes.
    """

    def __init__(self, models_path: Path, *, runtime: str = "onnx", threads: int = 1) -> None:
        self._artifacts = {
            task: {
                method: load_artifact(models_path / task / method, runtime=runtime, threads=threads)
                for method in methods
                if (models_path / task / method / CARD_FILE).exists()
            }
            for task, methods in METHODS.items()
        }
        empty = [task for task, artifacts in self._artifacts.items() if not artifacts]
        if empty:
            raise ModelUnavailable(f"There is no model for {', '.join(empty)}.")

    @property
    def tasks(self) -> tuple[str, ...]:
        """What can be asked."""
        return tuple(self._artifacts)

    def methods(self, task: str) -> tuple[str, ...]:
        """Name the methods of a task, the default first."""
        return tuple(self._artifacts[task])

    def card(self, task: str, method: str) -> dict[str, Any]:
        """Give the card of a model.

        Raises
        ------
        UnknownMethod
            If the task has no such method; the message lists those it has.
        """
        return self._artifact(task, method).card

    def speech(self, y: FloatArray, *, method: str) -> SpeechPrediction:
        """Tell the emotion of a recording.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Mono waveform at 16 kHz, at least 0.3 s and not silent.
        method : str
            One of `methods("speech")`.

        Returns
        -------
        SpeechPrediction
            Windows averaged by how much voice each holds.

        Raises
        ------
        UnknownMethod
            If there is no such method.
        """
        artifact = self._artifact("speech", method)
        begun_s = time.perf_counter()
        clip, start = cut_voice(y)
        windows = cut_windows(clip)
        extract = extractor(artifact.card["feature_type"], artifact.card["feature_settings"])
        X = np.stack([extract(clip[window]) for window in windows])
        extracted_s = time.perf_counter()
        probabilities = _run_batched(artifact, X)
        weights = voice_shares(clip, windows) + 1e-3
        mean = np.average(probabilities, axis=0, weights=weights)
        return SpeechPrediction(
            method=method,
            probabilities=ranked_probabilities(artifact.labels, mean),
            windows=_windows(artifact, probabilities, windows, start),
            features_s=extracted_s - begun_s,
            model_s=time.perf_counter() - extracted_s,
        )

    def _artifact(self, task: str, method: str) -> Artifact:
        try:
            return self._artifacts[task][method]
        except KeyError:
            known = ", ".join(self._artifacts.get(task, {}))
            raise UnknownMethod(f"There is no method '{method}'; choose one of {known}.") from None


def _run_batched(artifact: Artifact, X: FloatArray) -> FloatArray:
    batches = [artifact.run(X[i : i + BATCH_SIZE]) for i in range(0, len(X), BATCH_SIZE)]
    return np.concatenate(batches)


def _windows(
    artifact: Artifact, probabilities: npt.NDArray[np.float32], windows: list[slice], offset: int
) -> tuple[SpeechWindow, ...]:
    """Name the emotion of each window; times count from the start of the recording."""
    ranked = (ranked_probabilities(artifact.labels, p) for p in probabilities)
    return tuple(
        SpeechWindow(round(max(0, offset + w.start) / SPEECH_SR_HZ, 3), *next(iter(r.items())))
        for w, r in zip(windows, ranked, strict=True)
    )
