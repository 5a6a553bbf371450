"""The models in `models/`, loaded once per process and asked by task and method."""

import time
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosync.artifacts import CARD_FILE, Artifact, Runner, load_artifact
from emosync.errors import ModelUnavailable, UnknownMethod
from emosync.framing import SPEECH_SR_HZ, FloatArray, cut_voice, cut_windows, voice_shares
from emosync.genre_inputs import GenreEar, filled, genre_ear
from emosync.inputs import extractor
from emosync.results import Prediction, SongCurve, Window, ranked_probabilities
from emosync.song_features import SongFeatures
from emosync.song_inputs import listen, mean_tags, song_feature_names

# Per task, the default first: most accurate on people never heard. Music is heard by one
# network and its last layers, songs are told by one model per axis; a mood is told from the
# features of a track by any of the first two, from a recording by the last.
METHODS: Final = MappingProxyType(
    {
        "speech": ("whisper", "cnn", "svm", "random_forest"),
        "music": ("musicnn", "tags"),
        "song": ("valence", "arousal"),
        "genre": ("musicnn", "cnn", "features"),
        "mood": ("network", "random_forest", "audio"),
        "face": ("cnn", "detector"),
    }
)
# What takes all of its models; speech is told by any one.
WHOLE_TASKS: Final = ("music", "song", "face")
# Windows in one call of a network; more need memory and save no time.
BATCH_SIZE: Final = 4
# Steps of a song in one call of its models; an hour at once leaves 20 MB with the worker.
N_STEPS: Final = 240
# Slices in one call of a genre model; a minute of them leaves 100 MB with the worker.
N_SLICES: Final = 10


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
    elsewhere : mapping of (task, method) to Path, optional
        Folders of models that do not lie below `models_path`.

    Raises
    ------
    ModelUnavailable
        If a model is missing, broken, or not the one that its card describes.
    """

    def __init__(
        self,
        models_path: Path,
        *,
        runtime: str = "onnx",
        threads: int = 1,
        elsewhere: Mapping[tuple[str, str], Path] = MappingProxyType({}),
    ) -> None:
        folders = {
            (task, method): elsewhere.get((task, method), models_path / task / method)
            for task, methods in METHODS.items()
            for method in methods
        }
        self._artifacts: dict[str, dict[str, Artifact]] = {task: {} for task in METHODS}
        for (task, method), folder in folders.items():
            if (folder / CARD_FILE).exists():
                artifact = load_artifact(folder, runtime=runtime, threads=threads)
                self._artifacts[task][method] = artifact
        if lacking := self._lacking():
            raise ModelUnavailable(f"There is no model for {', '.join(lacking)}.")

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

    def speech(self, y: FloatArray, *, method: str) -> Prediction:
        """Tell the emotion of a recording.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Mono waveform at 16 kHz, at least 0.3 s and not silent.
        method : str
            One of `methods("speech")`.

        Returns
        -------
        Prediction
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
        return Prediction(
            method=method,
            probabilities=ranked_probabilities(artifact.labels, mean),
            windows=_windows(artifact, probabilities, windows, start),
            features_s=extracted_s - begun_s,
            model_s=time.perf_counter() - extracted_s,
        )

    @property
    def song_feature_names(self) -> tuple[str, ...]:
        """Name what the song models see, in order."""
        return song_feature_names(self._artifact("music", "tags").labels)

    def song_features(self, blocks: Iterable[FloatArray]) -> SongFeatures:
        """Listen to a song.

        Parameters
        ----------
        blocks : iterable of ndarray
            Consecutive parts of a mono waveform at 16 kHz, of any lengths.

        Returns
        -------
        SongFeatures
            A row every 0.5 s, from 0 s on.
        """
        return listen(blocks, self._artifact("music", "musicnn"), self._artifact("music", "tags"))

    def song_curve(self, features: SongFeatures) -> SongCurve:
        """Tell valence and arousal of a song over time.

        Parameters
        ----------
        features : SongFeatures
            With the columns `song_feature_names`.

        Returns
        -------
        SongCurve
            At the times of `features`.
        """
        valence, arousal = (
            np.clip(
                _run_batched(self._artifact("song", axis), features.values, N_STEPS)[:, 0], -1, 1
            )
            for axis in METHODS["song"]
        )
        return SongCurve(features.time_s, valence, arousal)

    def song_tags(self, features: SongFeatures, *, n: int = 10) -> dict[str, float]:
        """Name the likeliest of musicnn's 50 tags.

        Parameters
        ----------
        features : SongFeatures
            Of the song.
        n : int
            How many.

        Returns
        -------
        dict of str to float in [0, 1]
            Mean probability over the song, highest first.
        """
        return dict(islice(mean_tags(features, self._artifact("music", "tags").labels).items(), n))

    def genre_sr_hz(self, method: str) -> int:
        """Return the sampling rate in Hz of what a genre model hears; raises UnknownMethod."""
        return self._genre_ear(method).sr_hz

    def genre_part_s(self, method: str) -> float:
        """Return the length in s of the slices that a genre model hears; raises UnknownMethod."""
        return self._genre_ear(method).part_s

    def genre(self, blocks: Iterable[FloatArray], *, method: str) -> Prediction:
        """Tell the genre of a recording.

        Parameters
        ----------
        blocks : iterable of ndarray
            Consecutive parts of a mono waveform at `genre_sr_hz`, of any lengths.
        method : str
            One of `methods("genre")`.

        Returns
        -------
        Prediction
            The mean over the slices that are not silent, and the genre of each of them.

        Raises
        ------
        UnknownMethod
            If there is no such method.
        """
        artifact, ear = self._artifact("genre", method), self._genre_ear(method)
        backbone = self._artifact("music", "musicnn").run
        starts_s, silent, rows = [], [], []
        for part in ear.listen(filled(blocks, sr=ear.sr_hz), backbone):
            starts_s.append(part.start_s)
            silent.append(part.is_silent)
            rows.append(_run_batched(artifact, part.X, N_SLICES))
        heard = ~np.concatenate(silent)
        # A recording may be so quiet throughout that no slice passes for sound.
        kept = heard if heard.any() else ~heard
        probabilities, times_s = np.concatenate(rows)[kept], np.concatenate(starts_s)[kept]
        ranked = [ranked_probabilities(artifact.labels, p) for p in probabilities]
        return Prediction(
            method=method,
            probabilities=ranked_probabilities(artifact.labels, probabilities.mean(axis=0)),
            windows=tuple(
                Window(round(float(start_s), 3), *next(iter(genres.items())))
                for start_s, genres in zip(times_s, ranked, strict=True)
            ),
        )

    def _genre_ear(self, method: str) -> GenreEar:
        return genre_ear(self._artifact("genre", method).card["feature_type"])

    def mood_features(self, method: str) -> tuple[str, ...]:
        """Name what a mood model sees of a track, in order; raises UnknownMethod."""
        return tuple(self._artifact("mood", method).card["feature_names"])

    def mood_defaults(self, method: str) -> dict[str, float]:
        """Give the features that a mood model can do without, with what stands for them."""
        return dict(self._artifact("mood", method).card.get("feature_defaults", {}))

    def moods(self, X: FloatArray, *, method: str) -> list[dict[str, float]]:
        """Tell the moods of tracks, all in one call.

        Parameters
        ----------
        X : ndarray of shape (n_tracks, n_features)
            Columns as in `mood_features`.
        method : str
            One of `methods("mood")`.

        Returns
        -------
        list of dict of str to float
            For each track mood to probability, highest first.

        Raises
        ------
        UnknownMethod
            If there is no such method.
        """
        return _ranked_rows(self._artifact("mood", method), X)

    def song_mood(self, features: SongFeatures) -> dict[str, float]:
        """Tell the mood of a song.

        Parameters
        ----------
        features : SongFeatures
            With the columns `song_feature_names`.

        Returns
        -------
        dict of str to float
            Mood to probability, highest first.
        """
        (told,) = self.moods(features.values.mean(axis=0, keepdims=True), method="audio")
        return told

    @property
    def face_detector(self) -> Runner:
        """The network that finds faces, see `faces.find_faces`."""
        return self._artifact("face", "detector").run

    def face_emotions(self, X: FloatArray, *, method: str) -> list[dict[str, float]]:
        """Tell the emotions of faces, all in one call.

        Parameters
        ----------
        X : ndarray of shape (n_faces, 48, 48, 1)
            See `face_crops.face_input`.
        method : str
            One of `methods("face")` but the detector.

        Returns
        -------
        list of dict of str to float
            For each face emotion to probability, highest first.

        Raises
        ------
        UnknownMethod
            If there is no such method.
        """
        return _ranked_rows(self._artifact("face", method), X)

    def _lacking(self) -> list[str]:
        """Name the tasks without a model, and the models that a task cannot do without."""
        empty = [task for task, artifacts in self._artifacts.items() if not artifacts]
        return empty + [
            f"{task} ({method})"
            for task in WHOLE_TASKS
            for method in METHODS[task]
            if task not in empty and method not in self._artifacts[task]
        ]

    def _artifact(self, task: str, method: str) -> Artifact:
        try:
            return self._artifacts[task][method]
        except KeyError:
            known = ", ".join(self._artifacts.get(task, {}))
            raise UnknownMethod(f"There is no method '{method}'; choose one of {known}.") from None


def _ranked_rows(artifact: Artifact, X: FloatArray) -> list[dict[str, float]]:
    """Name and rank what the model says of each row of one batch, which may be empty."""
    rows = artifact.run(X) if len(X) else X
    return [ranked_probabilities(artifact.labels, row) for row in rows]


def _run_batched(artifact: Artifact, X: FloatArray, size: int = BATCH_SIZE) -> FloatArray:
    batches = [artifact.run(X[i : i + size]) for i in range(0, len(X), size)]
    return np.concatenate(batches)


def _windows(
    artifact: Artifact, probabilities: npt.NDArray[np.float32], windows: list[slice], offset: int
) -> tuple[Window, ...]:
    """Name the emotion of each window; times count from the start of the recording."""
    ranked = (ranked_probabilities(artifact.labels, p) for p in probabilities)
    return tuple(
        Window(round(max(0, offset + w.start) / SPEECH_SR_HZ, 3), *next(iter(r.items())))
        for w, r in zip(windows, ranked, strict=True)
    )
