"""Tracks as clients send them: names, and the audio features as Spotify names them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from emosync.errors import InvalidFeatures, InvalidTracks, MissingInput
from emosync.framing import FloatArray

# In one call.
MAX_TRACKS: Final = 500
# What Spotify documents of each feature [1]_, and what it does in fact: masters are louder than
# its 0 dB, and some tracks have one beat to the bar, or a tempo of 0 where it found no beat.
#
# [1] developer.spotify.com/documentation/web-api/reference/get-audio-features
FEATURE_RANGES: Final = MappingProxyType(
    {
        "danceability": (0.0, 1.0),
        "energy": (0.0, 1.0),
        "valence": (0.0, 1.0),
        "acousticness": (0.0, 1.0),
        "instrumentalness": (0.0, 1.0),
        "liveness": (0.0, 1.0),
        "speechiness": (0.0, 1.0),
        "loudness": (-60.0, 10.0),
        "tempo": (0.0, 300.0),
        "key": (-1.0, 11.0),
        "mode": (0.0, 1.0),
        "time_signature": (0.0, 7.0),
        "duration_ms": (0.0, 86_400_000.0),
        "popularity": (0.0, 100.0),
    }
)
# Tables made with Spotify's data call it so.
ALIASES: Final = MappingProxyType({"length": "duration_ms"})
TEXTS: Final = ("id", "name", "artist", "album", "preview_url")
# Of an id that an error message repeats.
MAX_ID_LENGTH: Final = 40


@dataclass(frozen=True)
class Track:
    """A track, and what is known of its sound.

    Attributes
    ----------
    id, name, artist, album, preview_url : str or None
        As they were sent; None where they were not.
    features : mapping of str to float, or None
        In the units and within the limits of `FEATURE_RANGES`; None where none were sent.
    """

    id: str | None
    name: str | None
    artist: str | None
    album: str | None
    preview_url: str | None
    features: Mapping[str, float] | None = None


def parse_tracks(
    message: Mapping[str, Any], needed: Sequence[str], *, may_lack: bool = False
) -> tuple[Track, ...]:
    """Take the member `tracks` of a JSON object.

    Parameters
    ----------
    message : mapping
        A JSON object. Members that are not known are ignored.
    needed : sequence of str
        Features that the model cannot do without: the card's `feature_names`, less its
        `feature_defaults`.
    may_lack : bool
        Whether a track may come without `features`; one that has them needs them all.

    Returns
    -------
    tuple of Track
        In the order they were sent.

    Raises
    ------
    MissingInput
        If there is no `tracks`.
    InvalidTracks
        If `tracks` is no list or too long, or a track is no object or its text no text.
    InvalidFeatures
        If a feature is missing, no number, or out of range. The message names the track by
        its place, counted from 0, and its id, and the feature.
    """
    tracks = message.get("tracks")
    if tracks is None:
        raise MissingInput("The member 'tracks' is missing; send a list of tracks.")
    if not isinstance(tracks, list):
        raise InvalidTracks("The member 'tracks' must be a list.")
    if len(tracks) > MAX_TRACKS:
        raise InvalidTracks(f"There are {len(tracks)} tracks; send {MAX_TRACKS} at most.")
    return tuple(_track(track, i, needed, may_lack) for i, track in enumerate(tracks))


def parse_features(
    values: Mapping[str, Any], needed: Sequence[str], *, of: str
) -> Mapping[str, float]:
    """Check the features of one track.

    Parameters
    ----------
    values : mapping
        Feature to number; unknown ones are ignored, and null is as good as absent.
    needed : sequence of str
        Those that must be there.
    of : str
        Names the track in messages.

    Returns
    -------
    mapping of str to float
        Those of `FEATURE_RANGES` that are there.

    Raises
    ------
    InvalidFeatures
        If one is missing, no number, or out of range.
    """
    found = {}
    for name, value in values.items():
        feature = ALIASES.get(name, name)
        limits = FEATURE_RANGES.get(feature)
        if limits is not None and value is not None:
            found[feature] = _number(name, value, limits, of)
    if missing := [feature for feature in needed if feature not in found]:
        raise InvalidFeatures(f"{of} lacks features.{', features.'.join(missing)}.")
    return MappingProxyType(found)


def feature_matrix(
    tracks: Sequence[Track],
    names: Sequence[str],
    defaults: Mapping[str, float] = MappingProxyType({}),
) -> FloatArray:
    """Put features side by side, as a model takes them.

    Parameters
    ----------
    tracks : sequence of Track
        Each with features, and with all that are named and have no default.
    names : sequence of str
        Of the columns: the card's `feature_names`.
    defaults : mapping of str to float
        Of features that tracks may lack: the card's `feature_defaults`.

    Returns
    -------
    ndarray of shape (n_tracks, n_names), float32
    """
    rows = [[{**defaults, **(track.features or {})}[name] for name in names] for track in tracks]
    return np.array(rows, np.float32).reshape(len(tracks), len(names))


def _track(track: object, i: int, needed: Sequence[str], may_lack: bool) -> Track:
    of = f"The entry tracks[{i}]"
    if not isinstance(track, dict):
        raise InvalidTracks(f"{of} must be an object with the members id, name and features.")
    if isinstance(track.get("id"), str):
        of += f" (id '{track['id'][:MAX_ID_LENGTH]}')"
    texts = {name: track.get(name) for name in TEXTS}
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise InvalidTracks(f"{of}: {name} must be text.")
    features = track.get("features")
    if features is None and may_lack:
        return Track(**texts)
    if features is None:
        raise InvalidFeatures(f"{of} lacks the member features.")
    if not isinstance(features, dict):
        raise InvalidFeatures(f"{of}: features must be an object.")
    return Track(**texts, features=parse_features(features, needed, of=of))


def _number(name: str, value: object, limits: tuple[float, float], of: str) -> float:
    # JSON's true is 1 in Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidFeatures(f"{of}: features.{name} must be a number.")
    low, high = limits
    # NaN, which Python's JSON lets through, is never in between.
    if not low <= value <= high:
        raise InvalidFeatures(f"{of}: features.{name} must lie between {low:g} and {high:g}.")
    return float(value)
