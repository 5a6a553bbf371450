"""Songs of the library and uploaded ones; knows the application, not Flask."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

from application.tasks.loaded_models import LoadedModels
from application.tasks.song_analysis import draw_song, hear_song, play_song
from application.tasks.song_library import SongLibrary, check_song_id
from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.errors import ParameterError, UnknownSong
from emosync.history import Entry, new_entry
from emosync.playback import (
    PlaybackSettings,
    curve_members,
    emotion_shares,
    stored_curve,
    stored_sequence,
)
from emosync.results import SongCurve
from emosync.settings import MethodChoice, Settings
from emosync.song_features import SongFeatures, read_csv
from emosync.sources import Source
from emosync.stages import Stages

TASK: Final = "song"
PRECALCULATED: Final = "precalculated"
TENSORFLOW: Final = "tensorflow"
AUDIO: Final = "audio"
# The ways to a playback sequence, the default first.
METHODS: Final = (PRECALCULATED, TENSORFLOW, AUDIO)
N_TAGS: Final = 10
# Finished answers kept in memory; one of an ordinary song has 3 kB.
_N_FINISHED: Final = 128


@dataclass(frozen=True)
class UploadedSong:
    """What is told of an uploaded song.

    Attributes
    ----------
    entry : Entry
        Its row in the history.
    sequence : list of dict
        `start_time` in seconds and `emotion`.
    tags : dict of str to float
        The ten most likely, with their probabilities.
    curve : dict
        See `emosync.playback.curve_members`.
    """

    entry: Entry
    sequence: list[dict[str, Any]]
    tags: dict[str, float]
    curve: dict[str, Any]


class SongService:
    """What the views ask for about songs, one method each.

    Parameters
    ----------
    models : LoadedModels
        Asked when a request needs them; finished sequences do not.
    settings : Settings
        Holds the method in force.
    archive : Archive
        Where uploads are kept.
    library : SongLibrary
        Songs by their id.
    limits : AudioLimits
        Shortest and longest song.
    """

    def __init__(
        self,
        models: LoadedModels,
        settings: Settings,
        archive: Archive,
        library: SongLibrary,
        limits: AudioLimits,
    ) -> None:
        self._models = models
        self.methods = MethodChoice(settings, TASK, lambda: METHODS)
        self._archive = archive
        self._library = library
        self._limits = limits

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name what the models see, in order."""
        return self._models.predictor.song_feature_names

    def song_ids(self, *, prefix: str, after: str | None, limit: int) -> list[str]:
        """List the ids in the library, in order, from the one that follows `after`."""
        if after is not None:
            check_song_id(after)
        if prefix.strip("."):  # an id may begin with dots, though it is not "." or ".."
            check_song_id(prefix)
        return self._library.song_ids(prefix=prefix, after=after, limit=limit)

    def playback(
        self, song_id: str, *, method: str | None, settings: PlaybackSettings, stages: Stages
    ) -> str:
        """Tell the playback sequence of a song in the library.

        Parameters
        ----------
        song_id : str
            Its name.
        method : str, optional
            One of `METHODS`; by default the one in force.
        settings : PlaybackSettings
            How a curve becomes a sequence. A finished sequence can no longer be changed: if
            any is given, and no method, the curve is computed.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        str
            JSON with `song_id`, `sequence` and the `method` that was used.
        """
        check_song_id(song_id)
        way = self._way(method, settings, stages)
        if way == PRECALCULATED:
            stages.answered_by(TASK, way)
            with stages.measure("library"):
                data = self._library.read("playback", song_id)
            return _finished(song_id, data)
        features, way = self._features(song_id, way, stages)
        curve = self._curve(features, stages)
        with stages.measure("playback"):
            return _answer(song_id, play_song(curve, settings).members, way)

    def curve(self, song_id: str, *, stages: Stages) -> dict[str, Any]:
        """Tell valence and arousal over time: as kept, else from features, else as heard."""
        check_song_id(song_id)
        try:
            with stages.measure("library"):
                curve = stored_curve(self._library.read("curve", song_id))
        except UnknownSong:
            features, _ = self._features(song_id, None, stages)
            return _members(self._curve(features, stages))
        return curve_members(**curve)

    def tags(self, song_id: str, *, stages: Stages) -> dict[str, float]:
        """Tell the ten most likely tags of a song in the library, from features or as heard."""
        check_song_id(song_id)
        features, _ = self._features(song_id, None, stages)
        return self._models.predictor.song_tags(features, n=N_TAGS)

    def hear(self, source: Source, *, settings: PlaybackSettings, stages: Stages) -> UploadedSong:
        """Tell the playback sequence of an upload, and keep both.

        Parameters
        ----------
        source : Source
            The recording.
        settings : PlaybackSettings
            How the curve becomes a sequence.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        UploadedSong
            Its entry is in the history; the emotion there is the one that lasts longest.
        """
        stages.answered_by(TASK, AUDIO)
        predictor = self._models.predictor
        song = hear_song(source.data, predictor, limits=self._limits, stages=stages)
        curve = self._curve(song.told, stages)
        with stages.measure("playback"):
            playback = play_song(curve, settings)
        entry = new_entry(
            source.filename,
            emotion_shares(playback.rows),
            task=TASK,
            method=AUDIO,
            duration_s=song.duration_s,
            windows=playback.windows,
            details=asdict(playback.settings),
        )
        (kept,) = self._archive.keep([entry], source.data, container=song.container, stages=stages)
        tags = predictor.song_tags(song.told, n=N_TAGS)
        return UploadedSong(kept, playback.members, tags, _members(curve))

    def draw(self, entry: Entry) -> bytes:
        """Draw the curve of an uploaded song above the sequence that was answered, as PNG."""
        return draw_song(entry, self._archive, self._models.predictor, limits=self._limits)

    def report(self, entry: Entry, panels: bytes) -> bytes:
        """Write the PDF of an uploaded song, with its picture."""
        # reportlab and matplotlib cost a second at start-up, and most workers never draw.
        from emosync.report import ReportData
        from emosync.song_report import song_report

        # Both cards hold the figures of the curve.
        card = self._models.predictor.card(TASK, "valence")
        return song_report(ReportData.of(entry, card=card), panels=panels)

    def _way(self, method: str | None, settings: PlaybackSettings, stages: Stages) -> str | None:
        """Name the method to use; None is whichever the library has the means for."""
        if method is not None:
            self.methods.check(method)
            if method == PRECALCULATED and settings.given:
                raise ParameterError(
                    f"A precalculated sequence is finished: '{settings.given[0]}' needs the "
                    f"method {TENSORFLOW} or {AUDIO}."
                )
            return method
        with stages.measure("database"):
            in_force = self.methods.in_force()
        return None if in_force == PRECALCULATED and settings.given else in_force

    def _features(self, song_id: str, way: str | None, stages: Stages) -> tuple[SongFeatures, str]:
        """Read the features or hear the recording; without a way, what the library has."""
        if way != AUDIO:
            try:
                features = self._stored_features(song_id, stages)
                stages.answered_by(TASK, TENSORFLOW)
                return features, TENSORFLOW
            except UnknownSong:
                if way == TENSORFLOW:
                    raise
        stages.answered_by(TASK, AUDIO)
        with stages.measure("library"):
            data = self._library.read("song", song_id)
        predictor = self._models.predictor
        song = hear_song(data, predictor, limits=self._limits, stages=stages)
        return song.told, AUDIO

    def _stored_features(self, song_id: str, stages: Stages) -> SongFeatures:
        with stages.measure("library"):
            data = self._library.read("features", song_id)
        with stages.measure("features"):
            return read_csv(data, self.feature_names)

    def _curve(self, features: SongFeatures, stages: Stages) -> SongCurve:
        with stages.measure("model"):
            return self._models.predictor.song_curve(features)


@lru_cache(_N_FINISHED)
def _finished(song_id: str, data: bytes) -> str:
    """Check what the library holds; the same bytes are checked once."""
    return _answer(song_id, stored_sequence(data), PRECALCULATED)


def _answer(song_id: str, sequence: list[dict[str, Any]], method: str) -> str:
    return json.dumps({"song_id": song_id, "sequence": sequence, "method": method})


def _members(curve: SongCurve) -> dict[str, Any]:
    return curve_members(curve.time_s, curve.valence, curve.arousal)
