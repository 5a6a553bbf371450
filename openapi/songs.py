"""Songs: the answer about an upload, sequences from the library, its list, curves and tags."""

from typing import Final

from application.tasks import song_service
from emosync.errors import (
    InvalidFeatures,
    InvalidSongId,
    LibraryAccessRefused,
    LibraryBucketMissing,
    LibraryCredentialsMissing,
    LibraryTimeout,
    LibraryUnreachable,
    MissingInput,
    ParameterError,
    StoredPlaybackInvalid,
    Unavailable,
    UnknownSong,
    UpstreamError,
)
from openapi.kept import DURATION_S, HEARD, entry, kept_example
from openapi.paging import limit_parameter, next_link
from openapi.parts import (
    AXIS,
    PROBABILITY,
    Errors,
    Json,
    Operation,
    Page,
    json_answer,
    listed,
    members,
    named,
    number,
    parameter,
    text,
)
from openapi.predict_fields import PLAYBACK, as_query
from openapi.vocabulary import METHODS, ROWS_OF_SONGS

_METHODS: Final = METHODS[song_service.TASK]
SONG_ID: Final = text(
    "1 to 128 letters, digits, dots, underscores and hyphens.", pattern="^[A-Za-z0-9._-]{1,128}$"
)
LIBRARY_ERRORS: Final[Errors] = (
    InvalidSongId,
    ParameterError,
    UpstreamError,
    LibraryAccessRefused,
    LibraryBucketMissing,
    Unavailable,
    LibraryUnreachable,
    LibraryTimeout,
    LibraryCredentialsMissing,
)
_SONG: Final[Errors] = (
    UnknownSong,
    InvalidFeatures,
    StoredPlaybackInvalid,
    *LIBRARY_ERRORS,
    *HEARD,
)

# A finished sequence in a library may have been made elsewhere, with other labels.
_ROW: Final = members(
    {"start_time": number("In seconds, rising.", minimum=0), "emotion": text("The label.")}
)
_OWN_ROW: Final = members(
    {"start_time": number("In seconds, rising.", minimum=0), "emotion": {"enum": [*ROWS_OF_SONGS]}}
)
_TAGS: Final[Json] = {
    "type": "object",
    "description": "The ten likeliest of 50 tags, each with its own probability.",
    "additionalProperties": PROBABILITY,
    "maxProperties": song_service.N_TAGS,
}
_CURVE: Final = {
    "time_s": listed(number(minimum=0), "Seconds from the start of the song."),
    "valence": listed(AXIS, "How pleasant the music feels."),
    "arousal": listed(AXIS, "How stirring it is."),
    "interval_s": number("Seconds between two steps.", exclusiveMinimum=0),
}
_ANSWER: Final = {
    **entry(
        {
            "sequence": listed(named("SequenceRow"), "One row for each stretch of a label."),
            "tags": _TAGS,
            "duration_s": DURATION_S,
        },
        task=song_service.TASK,
        methods=(song_service.AUDIO,),
        curve=named("Curve"),
    ),
    "description": "The emotions of a song, in step with the music.",
}
_SEQUENCE: Final = [
    {"start_time": 0.0, "emotion": "Calm"},
    {"start_time": 14.0, "emotion": "Happy"},
    {"start_time": 48.0, "emotion": "Completed"},
]
EXAMPLE: Final = {
    "sequence": _SEQUENCE,
    "tags": {"rock": 0.168062, "indie": 0.13926},
    "duration_s": 48.065,
    **kept_example("mp3", filename="song.mp3", task=song_service.TASK, method=song_service.AUDIO),
}


def page() -> Page:
    """Describe the routes of songs."""
    schemas = {
        "SequenceRow": _OWN_ROW,
        "Curve": members(_CURVE),
        "SongPrediction": _ANSWER,
    }
    return Page((_playback(), _song_list(), _curve(), _tags()), schemas)


def _playback() -> Operation:
    choice = {
        "task": text("Only songs are told by GET.", enum=[song_service.TASK]),
        "method": text("The way; by default the one in force.", enum=list(_METHODS)),
    }
    answer = members(
        {
            "song_id": SONG_ID,
            "sequence": listed(_ROW),
            "method": text("The way that was used.", enum=list(_METHODS)),
        }
    )
    return Operation(
        "GET /predict",
        name="playSong",
        tag="Songs",
        summary="Tell the playback sequence of a song in the library.",
        description=(
            "With `smooth`, `amplify` or `min_duration` and without a `method`, the sequence is "
            "computed, since a finished one can no longer be changed."
        ),
        parameters=[
            parameter("song_id", SONG_ID, required=True, example="rain_and_sun"),
            *as_query({**choice, **PLAYBACK}),
        ],
        answers={
            "200": json_answer(
                answer,
                "The sequence.",
                example={
                    "song_id": "rain_and_sun",
                    "sequence": _SEQUENCE,
                    "method": song_service.PRECALCULATED,
                },
            )
        },
        errors=(MissingInput, *_SONG),
        can_wait=True,
    )


def _song_list() -> Operation:
    answer = members({"songs": listed(SONG_ID, "Sorted."), "next": next_link()})
    return Operation(
        "GET /songs",
        name="listSongs",
        tag="Songs",
        summary="List the songs of the library, in the order of their ids.",
        parameters=[
            limit_parameter(),
            parameter("prefix", text(), "What the ids begin with."),
            parameter("after", SONG_ID, "The id after which the page begins."),
        ],
        answers={
            "200": json_answer(
                answer, "A page of ids.", example={"songs": ["rain_and_sun"], "next": None}
            )
        },
        errors=LIBRARY_ERRORS,
    )


def _curve() -> Operation:
    return Operation(
        "GET /songs/<path:song_id>/curve",
        name="songCurve",
        tag="Songs",
        summary="Tell valence and arousal of a song over time.",
        parameters=[parameter("song_id", SONG_ID, place="path", example="rain_and_sun")],
        answers={
            "200": json_answer(
                members({"song_id": SONG_ID, **_CURVE}),
                "The curve, neither smoothed nor amplified.",
                example={
                    "song_id": "rain_and_sun",
                    "time_s": [0.0, 0.5],
                    "valence": [-0.39, -0.18],
                    "arousal": [-0.38, -0.43],
                    "interval_s": 0.5,
                },
            )
        },
        errors=_SONG,
    )


def _tags() -> Operation:
    return Operation(
        "GET /songs/<path:song_id>/tags",
        name="songTags",
        tag="Songs",
        summary="Tell the most likely tags of a song.",
        parameters=[parameter("song_id", SONG_ID, place="path", example="rain_and_sun")],
        answers={
            "200": json_answer(
                members({"song_id": SONG_ID, "tags": _TAGS}),
                "The tags.",
                example={"song_id": "rain_and_sun", "tags": {"rock": 0.168062}},
            )
        },
        errors=_SONG,
    )
