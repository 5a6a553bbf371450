"""Tracks as clients send them, and as they come back."""

from typing import Final

from emosync.labels import MOODS
from emosync.tracks import ALIASES, FEATURE_RANGES, MAX_TRACKS
from openapi.parts import Json, listed, members, named, nullable, number, text

MOOD: Final = text("The mood.", enum=list(MOODS))
NAMES: Final = {
    "id": nullable(text("As it was sent.")),
    "name": nullable(text()),
    "artist": nullable(text()),
    "album": nullable(text()),
    "preview_url": nullable(text("Where 30 s of it can be heard: at Spotify, Apple or Deezer.")),
}
REASON: Final = text("Why nothing is known of its mood.")
EXAMPLE_TRACK: Final = {
    "id": "1",
    "name": "Piano at night",
    "features": {
        "danceability": 0.34,
        "energy": 0.09,
        "loudness": -22.0,
        "instrumentalness": 0.92,
    },
}
_NAMED: Final = {"artist": None, "album": None, "preview_url": None}
EXAMPLE_NAMES: Final = {"id": "1", "name": "Piano at night", **_NAMED}


def schemas() -> dict[str, Json]:
    """Describe tracks, and their features as Spotify names them."""
    return {
        "Features": {
            "type": "object",
            "description": "Null is as good as absent; each method names those that it needs.",
            "properties": {**_features(), **{a: _feature(of) for a, of in ALIASES.items()}},
        },
        "Track": {
            **members({}, {**NAMES, "features": {"anyOf": [named("Features"), {"type": "null"}]}}),
            "description": "A track; without features it is heard by its preview.",
        },
    }


def track_list() -> Json:
    """Describe the list that a request holds."""
    return listed(named("Track"), "The tracks.", maxItems=MAX_TRACKS)


def told(**members_of_answer: Json) -> Json:
    """Describe a track as it comes back, with what was told of it."""
    return members({**NAMES, **members_of_answer}, {"reason": REASON})


def nothing_or(schema: Json) -> Json:
    """Let null stand for a mood that is not known."""
    return {"anyOf": [schema, {"type": "null"}]}


def _features() -> dict[str, Json]:
    return {name: _feature(name) for name in FEATURE_RANGES}


def _feature(name: str) -> Json:
    low, high = FEATURE_RANGES[name]
    return nullable(number(minimum=low, maximum=high))
