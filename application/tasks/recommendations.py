"""Tracks that fit an emotion, that of a face or one that is named; knows no Flask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.tasks.face_service import FaceService
from application.tasks.mood_service import MoodService
from application.tasks.track_moods import TrackMood
from emosync.errors import MissingInput, UnknownEmotion
from emosync.sources import Source
from emosync.stages import Stages


@dataclass(frozen=True)
class Wish:
    """What tracks shall fit, and which tracks there are.

    Attributes
    ----------
    picture : Source or None
        Shows the face.
    emotion : str or None
        Named instead.
    message : mapping
        Holds the member `tracks`, unless there is a playlist.
    playlist : str or None
        Its id at Spotify, or a link.
    method : str or None
        Of the task mood; by default the one in force.
    detect : bool
        Whether the face must be found in the picture first.
    """

    picture: Source | None
    emotion: str | None
    message: Mapping[str, Any]
    playlist: str | None
    method: str | None
    detect: bool = True


@dataclass(frozen=True)
class Recommendation:
    """Tracks in the order in which they fit.

    Attributes
    ----------
    emotion : str
        Of the largest face, or as it was named.
    mood : str
        That goes with it.
    tracks : list of TrackMood
        The best fit first; those of unknown mood last.
    """

    emotion: str
    mood: str
    tracks: list[TrackMood]


class Recommendations:
    """Find the tracks that fit.

    Parameters
    ----------
    faces : FaceService
        Tells the emotion of a face.
    moods : MoodService
        Tells the moods of tracks.
    mood_of_emotion : mapping of str to str
        Which mood goes with an emotion.
    """

    def __init__(
        self, faces: FaceService, moods: MoodService, mood_of_emotion: Mapping[str, str]
    ) -> None:
        self._faces = faces
        self._moods = moods
        self._mood_of_emotion = mood_of_emotion

    def fitting(self, wish: Wish, *, stages: Stages) -> Recommendation:
        """Sort tracks by how probably they have the mood that goes with an emotion.

        Parameters
        ----------
        wish : Wish
            What is wanted. Everything but the picture is checked before the picture is.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        Recommendation

        Raises
        ------
        MissingInput
            If there is neither picture nor emotion, or neither playlist nor tracks.
        UnknownEmotion
            If no mood goes with the emotion; the message lists those that are known.
        NoFace
            If the picture shows none.
        EmoSyncError
            As `FaceService.recognise` and `MoodService.of_tracks` do.
        """
        if wish.emotion is None and wish.picture is None:
            raise MissingInput("Send a picture as 'image', or name an 'emotion'.")
        if wish.emotion is not None:
            self._check(wish.emotion)
        tracks = self._tracks(wish, stages)
        emotion = wish.emotion or self._seen(wish, stages)
        mood = self._mood_of_emotion[emotion]
        ranked = sorted(tracks, key=lambda track: -track.probabilities.get(mood, -1.0))
        return Recommendation(emotion, mood, ranked)

    def _check(self, emotion: str) -> None:
        if emotion not in self._mood_of_emotion:
            known = ", ".join(self._mood_of_emotion)
            raise UnknownEmotion(f"There is no emotion '{emotion}'; choose one of {known}.")

    def _tracks(self, wish: Wish, stages: Stages) -> list[TrackMood]:
        if wish.playlist:
            return self._moods.of_playlist(wish.playlist, method=wish.method, stages=stages)
        if "tracks" not in wish.message:
            raise MissingInput("Send the tracks as 'tracks', or name a 'playlist' at Spotify.")
        return self._moods.of_tracks(wish.message, method=wish.method, stages=stages)

    def _seen(self, wish: Wish, stages: Stages) -> str:
        assert wish.picture is not None
        told = self._faces.recognise(
            wish.picture, method=None, detect=wish.detect, stages=stages, needed=True
        )
        return told.entry.emotion
