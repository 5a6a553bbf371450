"""Moods: of tracks, of playlists, and the answer about a recording."""

from typing import Final

from application.tasks import mood_service
from emosync.errors import (
    DatabaseUnavailable,
    InvalidFeatures,
    InvalidTracks,
    MissingInput,
    ModelUnavailable,
    ParameterError,
    TooLarge,
    UnknownMethod,
)
from emosync.labels import MOODS
from emosync.playlist_errors import (
    InvalidPlaylist,
    SpotifyAnswerInvalid,
    SpotifyBusy,
    SpotifyCredentialsRefused,
    SpotifyNotConfigured,
    SpotifyPlaylistClosed,
    SpotifyTimeout,
    SpotifyUnreachable,
    UnknownPlaylist,
)
from openapi.kept import DURATION_S, entry, kept_example
from openapi.parts import (
    AXIS,
    PROBABILITY,
    Errors,
    Json,
    Operation,
    Page,
    json_answer,
    json_body,
    listed,
    members,
    named,
    parameter,
    probabilities,
    text,
)
from openapi.tracks import (
    EXAMPLE_NAMES,
    EXAMPLE_TRACK,
    MOOD,
    nothing_or,
    schemas,
    told,
    track_list,
)
from openapi.vocabulary import METHODS

METHOD: Final = text(
    "How moods of tracks are told; by default the method in force.",
    enum=list(METHODS[mood_service.TASK]),
)
TRACK_ERRORS: Final[Errors] = (
    ParameterError,
    MissingInput,
    InvalidTracks,
    InvalidFeatures,
    UnknownMethod,
    TooLarge,
    ModelUnavailable,
    DatabaseUnavailable,
)
PLAYLIST_ERRORS: Final[Errors] = (
    InvalidPlaylist,
    UnknownPlaylist,
    SpotifyCredentialsRefused,
    SpotifyPlaylistClosed,
    SpotifyAnswerInvalid,
    SpotifyNotConfigured,
    SpotifyBusy,
    SpotifyTimeout,
    SpotifyUnreachable,
)
EXAMPLE_PLAYLIST: Final = "37i9dQZF1DXcBWIGoYBM5M"
_PROBABILITIES: Final = probabilities(MOODS, "Highest first; they sum to 1.")
_TOLD: Final = told(mood=nothing_or(MOOD), probabilities=nothing_or(_PROBABILITIES))
_EXAMPLE_TOLD: Final = {
    "tracks": [
        {**EXAMPLE_NAMES, "mood": "Calm", "probabilities": {"Calm": 0.9, "Sad": 0.1}},
        {**EXAMPLE_NAMES, "mood": None, "probabilities": None, "reason": "There was no time left."},
    ]
}
EXAMPLE: Final = {
    "mood": "Sad",
    "confidence": 0.6,
    "probabilities": {"Sad": 0.6, "Calm": 0.4},
    "valence": 0.0378,
    "arousal": -0.0388,
    "duration_s": 48.065,
    **kept_example("mp3", filename="song.mp3", task=mood_service.TASK, method=mood_service.AUDIO),
}


def page() -> Page:
    """Describe the routes of moods."""
    answer = {
        **entry(
            {
                "mood": MOOD,
                "confidence": PROBABILITY,
                "probabilities": _PROBABILITIES,
                "valence": AXIS,
                "arousal": AXIS,
                "duration_s": DURATION_S,
            },
            task=mood_service.TASK,
            methods=(mood_service.AUDIO,),
        ),
        "description": "The mood of a recording.",
    }
    found = {**schemas(), "TrackMood": _TOLD, "MoodPrediction": answer}
    return Page((_of_tracks(), _of_playlist()), found)


def _of_tracks() -> Operation:
    return Operation(
        "POST /mood",
        name="trackMoods",
        tag="Moods",
        summary="Tell the mood of each of a list of tracks.",
        parameters=[parameter("method", METHOD)],
        body=json_body(
            members({"tracks": track_list()}, {"method": METHOD}),
            example={"tracks": [EXAMPLE_TRACK]},
        ),
        answers={"200": _tracks()},
        errors=TRACK_ERRORS,
    )


def _of_playlist() -> Operation:
    playlist = text("The id of a playlist at Spotify, or its link.")
    return Operation(
        "GET /playlists/<path:playlist>/moods",
        name="playlistMoods",
        tag="Moods",
        summary="Tell the mood of each track of a playlist at Spotify.",
        parameters=[
            parameter("playlist", playlist, place="path", example=EXAMPLE_PLAYLIST),
            parameter("method", METHOD),
        ],
        answers={"200": _tracks()},
        errors=(*PLAYLIST_ERRORS, *TRACK_ERRORS),
    )


def _tracks() -> Json:
    answer = members({"tracks": listed(named("TrackMood"), "In the order they were sent.")})
    return json_answer(answer, "The moods.", example=_EXAMPLE_TOLD)
