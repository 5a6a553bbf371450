"""Faces: the answer about a picture, and the tracks that fit a face."""

import json
from typing import Final

from application.tasks import face_service
from emosync.errors import (
    ImageTooLarge,
    InvalidBase64,
    NoFace,
    StorageUnavailable,
    UnknownEmotion,
    UnreadableMedia,
    UnsupportedMedia,
)
from emosync.labels import FACE_EMOTIONS, MOOD_OF_EMOTION
from openapi.kept import entry, kept_example
from openapi.moods import EXAMPLE_PLAYLIST, METHOD, PLAYLIST_ERRORS, TRACK_ERRORS
from openapi.parts import (
    PROBABILITY,
    Json,
    Operation,
    Page,
    count,
    either,
    form_body,
    json_answer,
    json_body,
    listed,
    members,
    number,
    probabilities,
    text,
    upload,
)
from openapi.predict_fields import FIELDS, as_query
from openapi.tracks import (
    EXAMPLE_NAMES,
    EXAMPLE_TRACK,
    MOOD,
    nothing_or,
    told,
    track_list,
)
from openapi.vocabulary import METHODS

_METHODS: Final = METHODS[face_service.TASK]
_EMOTION: Final = text("The most probable emotion.", enum=list(FACE_EMOTIONS))
_NAMED_EMOTION: Final = text("Instead of a picture.", enum=list(MOOD_OF_EMOTION))
_BOX: Final = members({name: number() for name in ("x", "y", "width", "height")})
_FACE: Final = members(
    {
        "box": {**_BOX, "description": "In pixels of the upright picture."},
        "emotion": _EMOTION,
        "confidence": PROBABILITY,
        "probabilities": probabilities(FACE_EMOTIONS, "Highest first; they sum to 1."),
    }
)
EXAMPLE: Final = {
    "faces": [
        {
            "box": {"x": 178.4, "y": 96.1, "width": 141.0, "height": 141.0},
            "emotion": "happy",
            "confidence": 0.93,
            "probabilities": {"happy": 0.93, "neutral": 0.07},
        }
    ],
    "width": 640,
    "height": 480,
    **kept_example("jpg", filename="photo.jpg", task=face_service.TASK, method=_METHODS[0]),
}
_EXAMPLE_TRACKS: Final = {
    "emotion": "happy",
    "mood": "Happy",
    "tracks": [{**EXAMPLE_NAMES, "mood": "Calm", "probability": 0.02}],
}


def page() -> Page:
    """Describe the routes of faces."""
    answer = {
        **entry(
            {
                "faces": listed(_FACE, "The largest first; may be none."),
                "width": count("Of the upright picture, in pixels.", minimum=1),
                "height": count("In pixels.", minimum=1),
            },
            task=face_service.TASK,
            methods=_METHODS,
        ),
        "description": "The emotion of each face of a picture.",
    }
    return Page((_recommend(),), {"Face": _FACE, "FacePrediction": answer})


def _recommend() -> Operation:
    track = told(mood=nothing_or(MOOD), probability=nothing_or(PROBABILITY))
    answer = members(
        {
            "emotion": text("Of the largest face, or as it was named."),
            "mood": MOOD,
            "tracks": listed(track, "The best fit first."),
        }
    )
    return Operation(
        "POST /recommend",
        name="recommendTracks",
        tag="Faces",
        summary="Tell which tracks fit a face or an emotion.",
        description="It takes a picture or an `emotion`, and `tracks` or a `playlist`.",
        parameters=as_query(_choices()),
        body=either(_json(), _form()),
        answers={"200": json_answer(answer, "The tracks.", example=_EXAMPLE_TRACKS)},
        errors=(
            InvalidBase64,
            UnknownEmotion,
            NoFace,
            UnsupportedMedia,
            UnreadableMedia,
            ImageTooLarge,
            StorageUnavailable,
            *TRACK_ERRORS,
            *PLAYLIST_ERRORS,
        ),
        can_wait=True,
    )


def _choices() -> dict[str, Json]:
    return {
        "emotion": _NAMED_EMOTION,
        "playlist": text("At Spotify, instead of tracks: its id or its link."),
        "method": METHOD,
        "detect": FIELDS["detect"],
    }


def _json() -> Json:
    image = text("The picture as base64, bare or as a data URL.", contentEncoding="base64")
    return json_body(
        members({}, {"image": image, "tracks": track_list(), **_choices()}),
        example={"emotion": "happy", "tracks": [EXAMPLE_TRACK]},
    )


def _form() -> Json:
    tracks = text(
        "The tracks as JSON, as a text or a file; the list, or an object with it as `tracks`.",
        contentMediaType="application/json",
        contentSchema={"anyOf": [track_list(), members({"tracks": track_list()})]},
    )
    return form_body(
        members({}, {"image": upload("The picture."), "tracks": tracks, **_choices()}),
        picture={"image": "photo.jpg", "tracks": json.dumps([EXAMPLE_TRACK])},
        playlist={"image": "photo.jpg", "playlist": EXAMPLE_PLAYLIST},
    )
