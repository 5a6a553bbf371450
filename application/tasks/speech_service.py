"""Speech from the recording to the kept prediction; knows the application, not Flask."""

from collections.abc import Sequence
from typing import Final

from application.tasks.loaded_models import LoadedModels
from emosync.archive import Archive
from emosync.audio import AudioLimits, Recording, decode
from emosync.errors import SilentAudio
from emosync.history import Entry, new_entry
from emosync.settings import MethodChoice, Settings
from emosync.sources import Source
from emosync.stages import Stages

TASK: Final = "speech"


class SpeechService:
    """What the views ask for about speech, one method each.

    Parameters
    ----------
    models : LoadedModels
        Asked when a request needs them.
    settings : Settings
        Holds the method in force.
    archive : Archive
        Where predictions are kept.
    limits : AudioLimits
        Shortest and longest recording.
    """

    def __init__(
        self, models: LoadedModels, settings: Settings, archive: Archive, limits: AudioLimits
    ) -> None:
        self._models = models
        self.methods = MethodChoice(settings, TASK, lambda: models.predictor.methods(TASK))
        self._archive = archive
        self._limits = limits

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
        names = [self.methods.named(method, stages) for method in methods]
        with stages.measure("decode"):
            recording = self._decoded(source)
        entries = [self._predict(source, recording, name, stages) for name in names]
        return self._archive.keep(
            entries, source.data, container=recording.container, stages=stages
        )

    def draw(self, entry: Entry) -> bytes:
        """Draw the panels of a recording in the history as PNG."""
        # matplotlib costs a second at start-up, and most workers never draw.
        from emosync.plots import recording_panels

        recording = decode(self._archive.recording(entry), limits=self._limits)
        return recording_panels(recording.y, sr=recording.sr, title=entry.filename)

    def report(self, entry: Entry, panels: bytes) -> bytes:
        """Write the PDF of an entry, with its picture."""
        # reportlab and matplotlib cost a second at start-up, and most workers never draw.
        from emosync.report import ReportData, speech_report

        card = self._models.predictor.card(entry.task, entry.method)
        return speech_report(ReportData.of(entry, card=card), panels=panels)

    def _decoded(self, source: Source) -> Recording:
        try:
            return decode(source.data, limits=self._limits)
        except SilentAudio as exc:
            raise SilentAudio("The recording holds only silence; check the microphone.") from exc

    def _predict(self, source: Source, recording: Recording, method: str, stages: Stages) -> Entry:
        prediction = self._models.predictor.speech(recording.y, method=method)
        stages.add("features", prediction.features_s)
        stages.add("model", prediction.model_s)
        return new_entry(
            source.filename,
            prediction.probabilities,
            task=TASK,
            method=prediction.method,
            duration_s=round(recording.duration_s, 3),
            windows=prediction.windows,
        )
