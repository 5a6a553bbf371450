"""Speech from the recording to the kept prediction; knows the application, not Flask."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from emosync.audio import AudioLimits, Recording, decode
from emosync.config import Config
from emosync.database import Database
from emosync.drawings import Drawings
from emosync.errors import ModelUnavailable, ParameterError
from emosync.history import Entry, History
from emosync.recordings import Recordings
from emosync.settings import Settings
from emosync.sources import Source
from emosync.stages import Stages
from predictor import ModelPredictor

_log = logging.getLogger(__name__)

TASK: Final = "speech"
# What an answer says of a model first; the rest of its card follows.
_CARD_HEAD: Final = ("model_type", "classes", "n_features", "trained_on", "feature_type", "scaler")


class SpeechService:
    """What the views ask for, one method each.

    Parameters
    ----------
    config : Config
        Folders, limits and the database.
    """

    def __init__(self, config: Config) -> None:
        self._limits = AudioLimits(max_duration_s=config.max_duration_s)
        self._database = Database(config.sql_url, timeout_s=config.database_timeout_s)
        self._recordings = Recordings(config.uploads_path)
        self._drawings = Drawings(config.visualizations_path)
        self._models = _load(config)
        self._settings = Settings(self._database)
        self.history = History(self._database)

    @property
    def predictor(self) -> ModelPredictor:
        """The loaded models; raises ModelUnavailable if they could not be loaded."""
        if isinstance(self._models, ModelUnavailable):
            raise ModelUnavailable(self._models.message) from self._models
        return self._models

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

    def check_ready(self) -> tuple[str, ...]:
        """Return the methods that can be used, or raise what is unavailable."""
        methods = self.predictor.methods(TASK)
        self._database.check()
        return methods

    def check_task(self, task: str) -> None:
        """Raise ParameterError, which lists the names, unless the task is served."""
        tasks = self.predictor.tasks
        if task not in tasks:
            raise ParameterError(f"Unknown task {task!r}; choose one of: {', '.join(tasks)}.")

    def method_in_force(self) -> str:
        """Return the method that was chosen, or the first one."""
        methods = self.predictor.methods(TASK)
        chosen = self._settings.method(TASK)
        if chosen is None:
            return methods[0]
        if chosen not in methods:
            _log.warning("the chosen method %s has no model; %s is used", chosen, methods[0])
            return methods[0]
        return chosen

    def choose_method(self, method: str) -> None:
        """Make a method the one in force, for all workers and after a restart."""
        self.check_method(method)
        self._settings.choose_method(TASK, method)

    def check_method(self, method: str) -> None:
        """Raise UnknownMethod, which lists the names, unless a model has that name."""
        self.predictor.card(TASK, method)

    def models(self) -> dict[str, Any]:
        """Return the card of the method in force, and under `models` all cards."""
        cards = {
            task: {method: self._described(task, method) for method in self.predictor.methods(task)}
            for task in self.predictor.tasks
        }
        in_force = cards[TASK][self.method_in_force()]
        head = {name: in_force[name] for name in ("task", "method", *_CARD_HEAD)}
        return {**head, "models": cards}

    def recognise(
        self, source: Source, *, methods: Sequence[str | None], stages: Stages
    ) -> list[Entry]:
        """Predict the emotion of a recording and keep the predictions.

        Parameters
        ----------
        source : Source
            The recording.
        methods : sequence of str or None
            One prediction for each; None stands for the method in force.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        list of Entry
            In the order of `methods`; all of them are in the history.
        """
        with stages.measure("database"):
            names = [method or self.method_in_force() for method in methods]
        for name in names:
            self.check_method(name)
        with stages.measure("decode"):
            recording = decode(source.data, limits=self._limits)
        entries = [self._predict(source, recording, name, stages) for name in names]
        return self._keep(entries, source.data, recording, stages)

    def picture(self, audio_file: str) -> bytes:
        """Return the panels of a recording in the history as PNG."""
        return self._panels(self.history.find(audio_file))

    def report(self, name: str) -> tuple[Entry, bytes]:
        """Return the entry of that `audio_file` or uploaded name, and its PDF."""
        # reportlab and matplotlib cost a second at start-up, and most workers never draw.
        from emosync.report import ReportData, speech_report

        entry = self.history.find(name)
        data = ReportData(
            filename=entry.filename,
            audio_file=entry.audio_file,
            timestamp=entry.time_text,
            emotion=entry.emotion,
            confidence=entry.confidence,
            probabilities=entry.probabilities,
            method=entry.method,
            duration_s=entry.duration_s,
            windows=entry.windows,
            card=self.predictor.card(entry.task, entry.method),
        )
        return entry, speech_report(data, panels=self._panels(entry))

    def _panels(self, entry: Entry) -> bytes:
        return self._drawings.get(f"{entry.audio_file}.png", lambda: self._draw(entry))

    def _draw(self, entry: Entry) -> bytes:
        # matplotlib costs a second at start-up, and most workers never draw.
        from emosync.plots import recording_panels

        recording = decode(self._recordings.read(entry.audio_file), limits=self._limits)
        return recording_panels(recording.y, sr=recording.sr, title=entry.filename)

    def _predict(self, source: Source, recording: Recording, method: str, stages: Stages) -> Entry:
        prediction = self.predictor.speech(recording.y, method=method)
        stages.add("features", prediction.features_s)
        stages.add("model", prediction.model_s)
        return Entry(
            audio_file="",
            filename=source.filename,
            timestamp=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            task=TASK,
            method=prediction.method,
            emotion=prediction.emotion,
            confidence=prediction.confidence,
            probabilities=dict(prediction.probabilities),
            duration_s=round(recording.duration_s, 3),
            windows=prediction.windows,
        )

    def _keep(
        self, entries: Sequence[Entry], data: bytes, recording: Recording, stages: Stages
    ) -> list[Entry]:
        """Store the file of each entry, then the entries; leave nothing if that fails."""
        kept: list[Entry] = []
        try:
            with stages.measure("storage"):
                for entry in entries:
                    audio_file = self._recordings.keep(
                        data, container=recording.container, timestamp=entry.timestamp
                    )
                    kept.append(replace(entry, audio_file=audio_file))
            with stages.measure("database"):
                self.history.add(kept)
        except BaseException:
            for entry in kept:
                self._recordings.discard(entry.audio_file)
            raise
        return kept

    def _described(self, task: str, method: str) -> dict[str, Any]:
        """Return a card with the members that clients know first."""
        card = self.predictor.card(task, method)
        card = {**card, "classes": card["labels"], "task": task, "method": method}
        head = {name: card.pop(name) for name in _CARD_HEAD}
        return {**head, **card}


def _load(config: Config) -> ModelPredictor | ModelUnavailable:
    """Load the models; a failure is kept, so that the service can start and say so."""
    try:
        return ModelPredictor(
            config.models_path, runtime=config.model_runtime, threads=config.model_threads
        )
    except ModelUnavailable as exc:
        _log.exception("the models cannot be loaded")
        return exc
