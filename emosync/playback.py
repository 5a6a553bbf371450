"""Playback sequences and curves as a library keeps them, and what a request may ask of them."""

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from emosync.errors import ParameterError, StoredPlaybackInvalid
from emosync.musicnn import STEP_S
from emosync.results import ranked_probabilities

_AXES: Final = ("time_s", "valence", "arousal")

Row = tuple[float, str]


@dataclass(frozen=True)
class Range:
    """Numbers above 0 that a setting may have: how they are written, told, and the highest."""

    pattern: re.Pattern[str]
    words: str
    highest: float


_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
RANGES: Final = MappingProxyType(
    {
        "smooth": Range(
            re.compile(r"[+-]?\d+", re.ASCII), "a whole number of steps from 1 to 1000", 1_000
        ),
        "amplify": Range(_NUMBER, "a factor above 0, at most 10", 10),
        "min_duration": Range(_NUMBER, "a number of seconds above 0, at most 600", 600),
    }
)


@dataclass(frozen=True)
class PlaybackSettings:
    """How a curve becomes a sequence; None stands for what `process_prediction` does by itself.

    Parameters
    ----------
    smooth : int, optional
        Width of the moving average in steps, 1 to 1000.
    amplify : float, optional
        Factor on both axes, above 0 and at most 10.
    min_duration : float, optional
        Shortest stretch of one emotion in seconds, above 0 and at most 600.
    """

    smooth: int | None = None
    amplify: float | None = None
    min_duration: float | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Name the settings that were asked for."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name) is not None)


@dataclass(frozen=True)
class AppliedSettings:
    """How a curve became a sequence: `PlaybackSettings` with a value for each.

    Parameters
    ----------
    smooth : int
        Width of the moving average in steps.
    amplify : float
        Factor on both axes.
    min_duration : float
        Shortest stretch of one emotion in seconds.
    """

    smooth: int
    amplify: float
    min_duration: float

    def __str__(self) -> str:
        return f"smooth {self.smooth}, amplify {self.amplify:g}, shortest {self.min_duration:g} s"


def applied_settings(details: Mapping[str, Any]) -> AppliedSettings | None:
    """Read the settings from the details of an entry; None if it is too old to have them."""
    names = [f.name for f in fields(AppliedSettings)]
    if not all(name in details for name in names):
        return None
    return AppliedSettings(**{name: details[name] for name in names})


def playback_settings(parameters: Mapping[str, Any]) -> PlaybackSettings:
    """Read the settings of a request.

    Parameters
    ----------
    parameters : mapping
        Texts; those that are absent or empty are left to `process_prediction`. Numbers in
        the JSON of a recorder are taken as well.

    Returns
    -------
    PlaybackSettings

    Raises
    ------
    ParameterError
        If one is no number, or out of its range; the message tells the range.
    """
    smooth, amplify, min_duration = (_setting(parameters, name) for name in RANGES)
    return PlaybackSettings(None if smooth is None else int(smooth), amplify, min_duration)


def _setting(parameters: Mapping[str, Any], name: str) -> float | None:
    value = parameters.get(name)
    if value is None or value == "":
        return None
    allowed = RANGES[name]
    text = str(value).strip()
    number = float(text) if allowed.pattern.fullmatch(text) else math.nan
    if not 0 < number <= allowed.highest:
        raise ParameterError(f"The parameter '{name}' must be {allowed.words}.")
    return number


def stored_sequence(data: bytes) -> list[dict[str, Any]]:
    """Read a finished playback sequence from the library.

    Parameters
    ----------
    data : bytes
        JSON: an object whose `sequence` is a list of `start_time` and `emotion`.

    Returns
    -------
    list of dict
        Each with `start_time` in seconds, never falling, and `emotion`; nothing else.

    Raises
    ------
    StoredPlaybackInvalid
        If it is anything else.
    """
    sequence = _stored_object(data).get("sequence")
    if not isinstance(sequence, list):
        raise StoredPlaybackInvalid("The stored playback has no list 'sequence'.")
    rows: list[dict[str, Any]] = []
    latest_s = 0.0
    for number, row in enumerate(sequence, start=1):
        start_s, emotion = _members(row)
        if not _is_number(start_s) or start_s < latest_s:
            raise StoredPlaybackInvalid(
                f"Row {number} of the stored playback has no start_time that follows the last."
            )
        if not isinstance(emotion, str) or not emotion.strip():
            raise StoredPlaybackInvalid(f"Row {number} of the stored playback has no emotion.")
        rows.append({"start_time": start_s, "emotion": emotion})
        latest_s = start_s
    return rows


def stored_curve(data: bytes) -> dict[str, list[float]]:
    """Read a curve from the library.

    Parameters
    ----------
    data : bytes
        JSON: an object with the lists `time_s`, `valence` and `arousal`.

    Returns
    -------
    dict of str to list of float
        Those three, equally long: times in seconds, rising; the axes in [-1, 1].

    Raises
    ------
    StoredPlaybackInvalid
        If it is anything else.
    """
    curve = _stored_object(data)
    lists = {name: _numbers(curve, name) for name in _AXES}
    if len({len(numbers) for numbers in lists.values()}) != 1 or not lists["time_s"]:
        raise StoredPlaybackInvalid("The lists of the stored curve differ in length, or are empty.")
    if not bool(np.all(np.diff(lists["time_s"]) > 0)):
        raise StoredPlaybackInvalid("The times of the stored curve do not rise.")
    if any(abs(value) > 1 for name in _AXES[1:] for value in lists[name]):
        raise StoredPlaybackInvalid("The stored curve leaves the range from -1 to 1.")
    return lists


def curve_members(time_s: ArrayLike, valence: ArrayLike, arousal: ArrayLike) -> dict[str, Any]:
    """Give a curve as an answer and the library hold it.

    Parameters
    ----------
    time_s : array-like of shape (n_steps,)
        Seconds, evenly spaced.
    valence, arousal : array-like of shape (n_steps,), in [-1, 1]
        At those times.

    Returns
    -------
    dict
        Plain lists, times with 3 decimals and the axes with 4, and the seconds between two
        steps.
    """
    times_s = np.round(np.asarray(time_s, np.float64), 3)
    return {
        "time_s": times_s.tolist(),
        "valence": np.round(np.asarray(valence, np.float64), 4).tolist(),
        "arousal": np.round(np.asarray(arousal, np.float64), 4).tolist(),
        "interval_s": round(float(times_s[1] - times_s[0]), 3) if len(times_s) > 1 else STEP_S,
    }


def emotion_shares(sequence: Sequence[Row]) -> dict[str, float]:
    """Tell how much of the time each emotion has.

    Parameters
    ----------
    sequence : sequence of (start_s, emotion), two rows at least
        A playback sequence; the last row only ends it.

    Returns
    -------
    dict of str to float
        Shares that sum to 1, six decimals at most, the longest first. Of equals, the first
        met is first.
    """
    lengths_s: dict[str, float] = {}
    for (start_s, emotion), (end_s, _) in itertools.pairwise(sequence):
        lengths_s[emotion] = lengths_s.get(emotion, 0.0) + (end_s - start_s)
    return ranked_probabilities(list(lengths_s), np.array(list(lengths_s.values())))


def _stored_object(data: bytes) -> dict[str, Any]:
    try:
        # Python reads NaN and Infinity, which are no JSON.
        found = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise StoredPlaybackInvalid("What the library holds of the song is no valid JSON.") from exc
    if not isinstance(found, dict):
        raise StoredPlaybackInvalid("What the library holds of the song is no JSON object.")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _members(row: object) -> tuple[object, object]:
    return (row.get("start_time"), row.get("emotion")) if isinstance(row, dict) else (None, None)


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of 400 digits
        return False


def _numbers(curve: Mapping[str, Any], name: str) -> list[float]:
    numbers = curve.get(name)
    if not isinstance(numbers, list) or not all(map(_is_number, numbers)):
        raise StoredPlaybackInvalid(f"The stored curve has no list of numbers '{name}'.")
    return [float(number) for number in numbers]
