"""Moods of tracks, playlists and recordings; knows the application, not Flask."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from application.tasks.loaded_models import LoadedModels
from application.tasks.song_analysis import draw_song, hear_song, play_song
from application.tasks.track_moods import TrackMood, TrackMoods
from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.errors import InvalidFeatures, ParameterError
from emosync.history import Entry, new_entry
from emosync.playback import PlaybackSettings
from emosync.settings import MethodChoice, Settings
from emosync.sources import Source
from emosync.spotify import Spotify, parse_playlist
from emosync.stages import Stages
from emosync.tracks import parse_tracks

TASK: Final = "mood"
# The model that hears recordings; the others are told the features of tracks.
AUDIO: Final = "audio"


@dataclass(frozen=True)
class RecordingMood:
    """What is told of a recording.

    Attributes
    ----------
    entry : Entry
        Its row in the history.
    valence, arousal : float in [-1, 1]
        Means of its curve.
    """

    entry: Entry
    valence: float
    arousal: float


class MoodService:
    """What the views ask for about moods, one method each.

    Parameters
    ----------
    models : LoadedModels
        Asked when a request needs them.
    settings : Settings
        Holds the method in force.
    archive : Archive
        Where uploads are kept.
    spotify : Spotify
        Lists playlists.
    track_moods : TrackMoods
        Tells the moods of tracks.
    limits : AudioLimits
        Shortest and longest recording.
    """

    def __init__(
        self,
        models: LoadedModels,
        settings: Settings,
        archive: Archive,
        *,
        spotify: Spotify,
        track_moods: TrackMoods,
        limits: AudioLimits,
    ) -> None:
        self._models = models
        self.methods = MethodChoice(settings, TASK, self._table_methods)
        self._archive = archive
        self._spotify = spotify
        self._track_moods = track_moods
        self._limits = limits

    def of_tracks(
        self, message: Mapping[str, Any], *, method: str | None, stages: Stages
    ) -> list[TrackMood]:
        """Tell the moods of the tracks in a JSON object.

        Parameters
        ----------
        message : mapping
            With the member `tracks`.
        method : str, optional
            By default the one in force.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        list of TrackMood
            In the order they were sent.

        Raises
        ------
        EmoSyncError
            As `tracks.parse_tracks` does.
        """
        way = self.methods.named(method, stages)
        tracks = parse_tracks(message, self._track_moods.needed(way), may_lack=True)
        for number, track in enumerate(tracks):
            if track.features is None and not track.preview_url:
                raise InvalidFeatures(
                    f"The entry tracks[{number}] lacks the member features, and has no preview_url."
                )
        return self._track_moods.of(tracks, method=way, stages=stages)

    def of_playlist(self, playlist: str, *, method: str | None, stages: Stages) -> list[TrackMood]:
        """Tell the moods of the tracks of a playlist at Spotify.

        Parameters
        ----------
        playlist : str
            Its id or a link.
        method : str, optional
            By default the one in force.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        list of TrackMood
            In the playlist's order.

        Raises
        ------
        EmoSyncError
            As `spotify.parse_playlist` and `Spotify.playlist_tracks` do.
        """
        playlist_id = parse_playlist(playlist)
        way = self.methods.named(method, stages)
        with stages.measure("spotify"):
            tracks = self._spotify.playlist_tracks(playlist_id)
        return self._track_moods.of_playlist(tracks, method=way, stages=stages)

    def recognise(self, source: Source, *, stages: Stages) -> RecordingMood:
        """Tell the mood of a recording, and keep both.

        Parameters
        ----------
        source : Source
            The recording.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        RecordingMood
            Its entry is in the history, with the playback sequence of the song.
        """
        stages.answered_by(TASK, AUDIO)
        predictor = self._models.predictor
        song = hear_song(source.data, predictor, limits=self._limits, stages=stages)
        with stages.measure("model"):
            probabilities = predictor.song_mood(song.told)
            curve = predictor.song_curve(song.told)
        with stages.measure("playback"):
            playback = play_song(curve, PlaybackSettings())
        entry = new_entry(
            source.filename,
            probabilities,
            task=TASK,
            method=AUDIO,
            duration_s=song.duration_s,
            windows=playback.windows,
            details=asdict(playback.settings),
        )
        (kept,) = self._archive.keep([entry], source.data, container=song.container, stages=stages)
        valence, arousal = (round(float(np.mean(v)), 4) for v in (curve.valence, curve.arousal))
        return RecordingMood(kept, valence, arousal)

    def draw(self, entry: Entry) -> bytes:
        """Draw moods, curve and emotions of a recording in the history, as PNG."""
        return draw_song(
            entry,
            self._archive,
            self._models.predictor,
            limits=self._limits,
            moods=entry.probabilities,
        )

    def report(self, entry: Entry, panels: bytes) -> bytes:
        """Write the PDF of a recording, with its picture."""
        # reportlab and matplotlib cost a second at start-up, and most workers never draw.
        from emosync.report import ReportData
        from emosync.song_report import mood_report

        card = self._models.predictor.card(TASK, AUDIO)
        return mood_report(ReportData.of(entry, card=card), panels=panels)

    def check_heard(self, method: str | None) -> None:
        """Raise ParameterError unless a recording can be heard by that method."""
        if method not in (None, AUDIO):
            raise ParameterError(f"An uploaded recording is heard: its method can only be {AUDIO}.")

    def _table_methods(self) -> Sequence[str]:
        return [name for name in self._models.predictor.methods(TASK) if name != AUDIO]
