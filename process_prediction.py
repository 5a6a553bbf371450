"""From a song's valence and arousal over time to the sequence of emotions that a player follows.

Pure functions from table to table, in this order::

    curve      time_s, valence_pred, arousal_pred   smoothen_prediction, amplify_prediction
    emotions   time_s, emotion                      map_song_va_to_emotion
    sequence   start_time, emotion                  prep_playback_sequence,
                                                    compress_playback_sequence
    JSON                                            jsonify_playback_sequence

Times are in seconds. No table that comes in is changed.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from emosync.labels import (
    SONG_COMPLETED,
    SONG_INNER_EMOTIONS,
    SONG_INNER_RADIUS,
    SONG_NEUTRAL,
    SONG_NEUTRAL_RADIUS,
    SONG_OUTER_EMOTIONS,
)

AXES: Final = ("valence_pred", "arousal_pred")
VOCABULARY: Final = (SONG_NEUTRAL, *SONG_INNER_EMOTIONS, *SONG_OUTER_EMOTIONS)

# What is done with a curve unless a request says otherwise: steps, a factor, seconds.
SMOOTH_FACTOR: Final = 5
AMPLIFY_FACTOR: Final = 1.0
MIN_DURATION_S: Final = 3.0

Floats = npt.NDArray[np.float64]
Scalar = float | np.floating[Any]
Coordinates = npt.NDArray[np.floating[Any]] | Sequence[float] | pd.Series


@overload
def map_va_to_emotion(
    valence: Scalar, arousal: Scalar, level1: float = ..., level2: float = ...
) -> str: ...


@overload
def map_va_to_emotion(
    valence: Coordinates, arousal: Coordinates, level1: float = ..., level2: float = ...
) -> npt.NDArray[np.str_]: ...


def map_va_to_emotion(
    valence: Scalar | Coordinates,
    arousal: Scalar | Coordinates,
    level1: float = SONG_NEUTRAL_RADIUS,
    level2: float = SONG_INNER_RADIUS,
) -> str | npt.NDArray[np.str_]:
    """Name the emotion of a place, or of many, in the valence-arousal plane.

    The plane is read in polar coordinates: the ring by the distance from the centre, the
    sector by the angle in [0, 360) degrees from the axis of valence towards arousal [1]_.
    A sector begins at its lower border and ends before its upper one.

    Parameters
    ----------
    valence, arousal : float or array-like of shape (n_steps,)
        Usually in [-1, 1]; no unit.
    level1 : float >= 0
        Nearer to the centre than this lies `labels.SONG_NEUTRAL`.
    level2 : float >= level1
        Nearer than this lie the `labels.SONG_INNER_EMOTIONS`, from here on the
        `labels.SONG_OUTER_EMOTIONS`.

    Returns
    -------
    str or ndarray of str, shape (n_steps,)
        A name for scalars, an array for arrays.

    Raises
    ------
    ValueError
        If a coordinate is NaN or infinite; the message says which.

    References
    ----------
    .. [1] Russell (1980), "A circumplex model of affect".
    """
    x, y = _finite("valence", valence), _finite("arousal", arousal)
    radius = np.hypot(x, y)
    angle_deg = np.mod(np.degrees(np.arctan2(y, x)), 360.0)
    index = np.where(
        radius < level2,
        1 + _sector(angle_deg, len(SONG_INNER_EMOTIONS)),
        1 + len(SONG_INNER_EMOTIONS) + _sector(angle_deg, len(SONG_OUTER_EMOTIONS)),
    )
    emotions = np.array(VOCABULARY)[np.where(radius < level1, 0, index)]
    return emotions if isinstance(emotions, np.ndarray) else str(emotions)


def smoothen_prediction(curve: pd.DataFrame, smoothFactor: int = SMOOTH_FACTOR) -> pd.DataFrame:
    """Average each step with its neighbours in time.

    Parameters
    ----------
    curve : DataFrame
        Columns `time_s`, `valence_pred`, `arousal_pred`, in any order of rows; others may
        be there.
    smoothFactor : int >= 1
        Width of the centred window, in steps. An even window reaches one step further back
        than ahead. At the edges of the song it holds only the steps that exist.

    Returns
    -------
    DataFrame
        The same columns, in order of time.

    Raises
    ------
    ValueError
        If `smoothFactor` is under 1, or a value is NaN or infinite.
    """
    if smoothFactor < 1:
        raise ValueError(f"smoothFactor={smoothFactor} must be at least 1")
    steps = _by_time(curve)
    axes = pd.DataFrame({name: _finite(name, steps[name]) for name in AXES})
    # Unlike a difference of running sums, this leaves a constant curve exactly as it is.
    means = axes.rolling(smoothFactor, center=True, min_periods=1).mean()
    return steps.assign(valence_pred=means["valence_pred"], arousal_pred=means["arousal_pred"])


def amplify_prediction(curve: pd.DataFrame, factor: float = AMPLIFY_FACTOR) -> pd.DataFrame:
    """Scale both axes, so that a timid curve reaches the outer emotions.

    Parameters
    ----------
    curve : DataFrame
        Columns `valence_pred`, `arousal_pred`; others may be there.
    factor : float
        1 changes nothing. The products are not clipped: only the ring depends on them.

    Returns
    -------
    DataFrame
        The same columns and rows.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.
    """
    valence, arousal = (factor * _finite(name, curve[name]) for name in AXES)
    return curve.assign(valence_pred=valence, arousal_pred=arousal)


def map_song_va_to_emotion(curve: pd.DataFrame) -> pd.DataFrame:
    """Name the emotion of every step.

    Parameters
    ----------
    curve : DataFrame
        Columns `time_s`, `valence_pred`, `arousal_pred`.

    Returns
    -------
    DataFrame
        Columns `time_s` and `emotion`, a row per step in the order of `curve`.

    Raises
    ------
    ValueError
        If a coordinate is NaN or infinite.
    """
    valence, arousal = (_finite(name, curve[name]) for name in AXES)
    emotions = map_va_to_emotion(valence, arousal)
    return pd.DataFrame({"time_s": curve["time_s"].to_numpy(), "emotion": emotions})


def prep_playback_sequence(
    emotions: pd.DataFrame, minDuration: float = MIN_DURATION_S
) -> pd.DataFrame:
    """Join the steps to a sequence that a person can follow.

    Neighbouring steps of one emotion are a run. It lasts from its first step to its last, so
    that a run of one step lasts 0 s. Going forward, a run shorter than `minDuration` is merged
    with those that follow, until their durations add up to `minDuration` or the song ends. The
    merged runs take the emotion that lasts longest among them in sum; of equals, the first met.

    Parameters
    ----------
    emotions : DataFrame
        Columns `time_s` and `emotion`, in any order of rows.
    minDuration : float >= 0
        In seconds.

    Returns
    -------
    DataFrame
        Columns `start_time` and `emotion`, in order of time. The last row is
        `labels.SONG_COMPLETED` at the time of the last step. Neighbouring rows may still
        be equal: see `compress_playback_sequence`. Without steps there are no rows.

    Raises
    ------
    ValueError
        If `minDuration` is negative or NaN, or a time is NaN or infinite.
    """
    if not minDuration >= 0:
        raise ValueError(f"minDuration={minDuration} must not be negative")
    steps = _by_time(emotions)
    if steps.empty:
        return pd.DataFrame({"start_time": np.empty(0), "emotion": np.empty(0, dtype=str)})
    labels = steps["emotion"].to_numpy(dtype=object)
    times_s = steps["time_s"].to_numpy(dtype=np.float64)
    first = np.flatnonzero(_differs_from_before(labels))
    last = np.append(first[1:], labels.size) - 1
    runs = zip(labels[first].tolist(), (times_s[last] - times_s[first]).tolist(), strict=True)
    heads, merged = _merged(runs, minDuration)
    starts_s = times_s[first[heads]]
    return pd.DataFrame(
        {
            "start_time": np.append(starts_s, times_s[-1]),
            "emotion": np.array([*merged, SONG_COMPLETED], dtype=object),
        }
    )


def compress_playback_sequence(sequence: pd.DataFrame) -> pd.DataFrame:
    """Drop each row whose emotion equals that of the row before.

    Parameters
    ----------
    sequence : DataFrame
        Columns `start_time` and `emotion`.

    Returns
    -------
    DataFrame
        The rows left, numbered from 0.
    """
    kept = _differs_from_before(sequence["emotion"].to_numpy(dtype=object))
    return sequence[kept].reset_index(drop=True)


def jsonify_playback_sequence(sequence: pd.DataFrame, song_id: str | None = None) -> dict[str, Any]:
    """Give the sequence as plain values that JSON can hold.

    Parameters
    ----------
    sequence : DataFrame
        Columns `start_time` and `emotion`.
    song_id : str, optional
        The song's name in the library.

    Returns
    -------
    dict
        `song_id`, if there is one, and `sequence`: a list of `start_time` in seconds and
        `emotion`.
    """
    starts_s = sequence["start_time"].to_numpy(dtype=np.float64).tolist()
    rows = [
        {"start_time": start_s, "emotion": emotion}
        for start_s, emotion in zip(starts_s, sequence["emotion"].tolist(), strict=True)
    ]
    return {"sequence": rows} if song_id is None else {"song_id": song_id, "sequence": rows}


def _finite(name: str, values: Scalar | Coordinates) -> Floats:
    """Convert to float64, and refuse what no label or mean could be told of."""
    array = np.asarray(values, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(array))
    if wrong.size:
        place = f"{name}[{wrong[0]}]" if array.ndim else name
        raise ValueError(f"{place} is {array.flat[wrong[0]]}")
    return array


def _sector(angle_deg: Floats, n_sectors: int) -> npt.NDArray[np.intp]:
    """Give the number of the sector of each angle in [0, 360]."""
    sector = np.floor_divide(angle_deg, 360.0 / n_sectors).astype(np.intp)
    # An angle of -1e-18 is 360 degrees after rounding: it belongs to the end of the last sector.
    return np.minimum(sector, n_sectors - 1)


def _by_time(steps: pd.DataFrame) -> pd.DataFrame:
    """Sort the steps, numbered from 0; equal times stay in their order."""
    _finite("time_s", steps["time_s"])
    return steps.sort_values("time_s", kind="stable", ignore_index=True)


def _differs_from_before(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell where a label differs from the one before it; the first always does."""
    differs = np.ones(labels.size, dtype=bool)
    differs[1:] = labels[1:] != labels[:-1]
    return differs


def _merged(runs: Iterable[tuple[str, float]], minimum_s: float) -> tuple[list[int], list[str]]:
    """Give the first run and the emotion of each stretch that is long enough, and of the rest."""
    heads: list[int] = []
    emotions: list[str] = []
    totals_s: dict[str, float] = {}
    length_s = 0.0
    for run, (emotion, duration_s) in enumerate(runs):
        if not totals_s:
            heads.append(run)
            length_s = 0.0
            if duration_s >= minimum_s:
                emotions.append(emotion)
                continue
        length_s += duration_s
        totals_s[emotion] = totals_s.get(emotion, 0.0) + duration_s
        if length_s >= minimum_s:
            emotions.append(max(totals_s, key=totals_s.__getitem__))
            totals_s.clear()
    if totals_s:
        emotions.append(max(totals_s, key=totals_s.__getitem__))
    return heads, emotions
