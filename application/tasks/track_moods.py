"""Moods of tracks, by the best that is known of each: its features, else its preview."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.tasks.loaded_models import LoadedModels
from emosync.audio import AudioLimits
from emosync.errors import EmoSyncError
from emosync.listening import hear
from emosync.musicnn import MUSIC_SR_HZ
from emosync.previews import Previews
from emosync.spotify import Spotify
from emosync.stages import Stages
from emosync.tracks import Track, feature_matrix

# Whoever waits for a playlist waits no longer than this for the previews of its tracks.
PREVIEWS_S: Final = 20.0
NOTHING_KNOWN: Final = "Nothing is known of its sound: it has neither features nor a preview."
NO_TIME: Final = "There was no time left to listen to its preview; ask for fewer tracks."


@dataclass(frozen=True)
class TrackMood:
    """A track and its mood.

    Attributes
    ----------
    track : Track
        With the features that were used.
    probabilities : mapping of str to float
        Mood to probability, highest first; empty where nothing is known of its sound.
    reason : str
        Why there is no mood; empty where there is one.
    """

    track: Track
    probabilities: Mapping[str, float]
    reason: str = ""

    @property
    def mood(self) -> str | None:
        """The most probable mood."""
        return next(iter(self.probabilities), None)


class TrackMoods:
    """Tell the moods of tracks, of a whole list in one call of the model.

    Parameters
    ----------
    models : LoadedModels
        Asked when a request needs them.
    spotify : Spotify
        Asked for the features of tracks that come without.
    previews : Previews
        Fetches what is heard of tracks without features.
    limits : AudioLimits
        Shortest and longest preview.
    """

    def __init__(
        self, models: LoadedModels, spotify: Spotify, previews: Previews, limits: AudioLimits
    ) -> None:
        self._models = models
        self._spotify = spotify
        self._previews = previews
        self._limits = limits

    def needed(self, method: str) -> tuple[str, ...]:
        """Name the features that a track with features must have; raises UnknownMethod."""
        predictor = self._models.predictor
        defaults = predictor.mood_defaults(method)
        return tuple(name for name in predictor.mood_features(method) if name not in defaults)

    def of(self, tracks: Sequence[Track], *, method: str, stages: Stages) -> list[TrackMood]:
        """Tell the moods of tracks by their features alone, else by their previews.

        Parameters
        ----------
        tracks : sequence of Track
            With features, with a preview, or with neither.
        method : str
            Of the task mood.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        list of TrackMood
            In the order of `tracks`.
        """
        predictor = self._models.predictor
        defaults = predictor.mood_defaults(method)
        known = [track for track in tracks if track.features is not None]
        with stages.measure("model"):
            X = feature_matrix(known, predictor.mood_features(method), defaults)
            told = iter(predictor.moods(X, method=method))
        until_s = time.monotonic() + PREVIEWS_S
        return [
            self._heard(track, until_s, stages)
            if track.features is None
            else TrackMood(track, next(told))
            for track in tracks
        ]

    def of_playlist(
        self, tracks: Sequence[Track], *, method: str, stages: Stages
    ) -> list[TrackMood]:
        """Do the same for tracks from Spotify, which is asked for their features first."""
        with stages.measure("spotify"):
            features = self._spotify.audio_features([track.id for track in tracks if track.id])
        needed = set(self.needed(method))
        found = [
            replace(track, features=known)
            if track.id and needed <= (known := features.get(track.id, {})).keys()
            else track
            for track in tracks
        ]
        return self.of(found, method=method, stages=stages)

    def _heard(self, track: Track, until_s: float, stages: Stages) -> TrackMood:
        """Listen to the preview of a track; what fails is its reason, not that of the others."""
        if not track.preview_url:
            return TrackMood(track, {}, NOTHING_KNOWN)
        if time.monotonic() > until_s:
            return TrackMood(track, {}, NO_TIME)
        predictor = self._models.predictor
        try:
            with stages.measure("previews"):
                data = self._previews.fetch(track.preview_url)
            heard = hear(
                data, predictor.song_features, sr=MUSIC_SR_HZ, limits=self._limits, stages=stages
            )
        except EmoSyncError as exc:
            return TrackMood(track, {}, exc.message)
        return TrackMood(track, predictor.song_mood(heard.told))
