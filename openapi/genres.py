"""Genres: the answers about an upload and about a video."""

from typing import Final

from application.tasks import genre_service
from emosync.errors import InvalidVideoUrl, UnusableVideo, VideoBusy, VideoDisabled, VideoRefused
from emosync.labels import GENRES
from emosync.video_urls import MAX_URL_CHARS
from openapi.kept import DURATION_S, entry, kept_example
from openapi.parts import (
    PROBABILITY,
    Errors,
    Page,
    count,
    listed,
    members,
    number,
    text,
    tree,
)
from openapi.vocabulary import METHODS

_METHODS: Final = METHODS[genre_service.TASK]
_GENRE: Final = text("The likeliest genre.", enum=list(GENRES))
_TOLD: Final = {
    "top_prediction": _GENRE,
    "results": listed(
        members({"genre": _GENRE, "probability": PROBABILITY}), "Every genre, the likeliest first."
    ),
    "duration_s": DURATION_S,
    "slices": count("How many slices were heard."),
}
_SLICES: Final = listed(
    members(
        {
            "start_s": number("Where the slice begins, in seconds.", minimum=0),
            "genre": _GENRE,
            "probability": PROBABILITY,
        }
    ),
    "The genre of each slice, with `detail=slices`.",
)

URL: Final = text("Of one video at YouTube.", maxLength=MAX_URL_CHARS)
VIDEO_ERRORS: Final[Errors] = (
    VideoDisabled,
    VideoBusy,
    *tree(InvalidVideoUrl, UnusableVideo, VideoRefused),
)
EXAMPLE: Final = {
    "top_prediction": "country",
    "results": [{"genre": "country", "probability": 0.6}, {"genre": "jazz", "probability": 0.4}],
    "duration_s": 19.0,
    "slices": 13,
    **kept_example("mp3", filename="song.mp3", task=genre_service.TASK, method=_METHODS[0]),
}


def page() -> Page:
    """Describe the answers; the routes are those of `/predict`."""
    return Page(
        (),
        {
            "GenrePrediction": {
                **entry(
                    _TOLD,
                    task=genre_service.TASK,
                    methods=_METHODS,
                    genre_over_time=_SLICES,
                    video_title=text("Of a video, as its owner wrote it; may be empty."),
                ),
                "description": "The genre of a recording, or of a video.",
            }
        },
    )
