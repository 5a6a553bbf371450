"""Figures for songs: agreement with listeners between and within songs, quadrants, labels."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosync.training.affect_words import AFFECT_AXES
from emosync.training.song_clips import QUADRANTS, SongClip
from emosync.training.song_corpora import SONG_CORPORA
from emosync.training.song_targets import song_targets

Floats = npt.NDArray[np.floating[Any]]

# A curve that moves less than this over its song is constant; one step of a slider is far more.
CONSTANT: Final = 1e-6


def pearson_r(predicted: Floats, rated: Floats) -> float | None:
    """Correlate predictions with ratings.

    Parameters
    ----------
    predicted, rated : ndarray of shape (n,)

    Returns
    -------
    float in [-1, 1] or None
        0 if only the predictions are constant, for they tell nothing; None if the ratings are
        constant, or if there are fewer than two, for then nothing could be told.
    """
    if len(rated) < 2 or np.ptp(rated) < CONSTANT:
        return None
    if np.ptp(predicted) < CONSTANT:
        return 0.0
    return float(np.corrcoef(predicted, rated)[0, 1])


def rmse(predicted: Floats, rated: Floats) -> float:
    """Return the root of the mean squared error of arrays of shape (n,), n > 0."""
    return float(np.sqrt(np.mean((predicted - rated) ** 2)))


def ccc(predicted: Floats, rated: Floats) -> float | None:
    """Return the concordance correlation coefficient: r, less for a shift or another spread.

    Parameters
    ----------
    predicted, rated : ndarray of shape (n,)

    Returns
    -------
    float in [-1, 1] or None
        None where `pearson_r` is.

    References
    ----------
    .. [1] Lin (1989), "A concordance correlation coefficient to evaluate reproducibility".
    """
    if len(rated) < 2 or np.ptp(rated) < CONSTANT:
        return None
    x, y = predicted - predicted.mean(), rated - rated.mean()
    shift = (predicted.mean() - rated.mean()) ** 2
    return float(2 * np.mean(x * y) / (np.mean(x**2) + np.mean(y**2) + shift))


def between_songs(predicted: Floats, rated: Floats) -> dict[str, Any]:
    """Compare one point per song with the listeners'.

    Parameters
    ----------
    predicted, rated : ndarray of shape (n_songs, 2)
        Valence and arousal.

    Returns
    -------
    dict
        `songs`, and `pearson_r`, `rmse`, `ccc` of each axis.
    """
    figures: dict[str, Any] = {"songs": len(rated)}
    for i, axis in enumerate(AFFECT_AXES):
        figures[axis] = {
            "pearson_r": _rounded(pearson_r(predicted[:, i], rated[:, i])),
            "rmse": _rounded(rmse(predicted[:, i], rated[:, i])),
            "ccc": _rounded(ccc(predicted[:, i], rated[:, i])),
        }
    return figures


def within_songs(predicted: Sequence[Floats], rated: Sequence[Floats]) -> dict[str, Any]:
    """Compare curves song by song, and average over songs.

    Parameters
    ----------
    predicted, rated : sequence of ndarray of shape (n_times, 2)
        Valence and arousal of each song, at the same times.

    Returns
    -------
    dict
        For each axis `songs` (with ratings that move), `constant` (with ratings that do not:
        left out of `pearson_r` and `ccc`, for no curve could follow them), and the means
        `pearson_r`, `ccc` and `rmse` (over all songs). A predicted curve that does not move
        counts as r = 0.
    """
    figures: dict[str, Any] = {}
    for i, axis in enumerate(AFFECT_AXES):
        pairs = [(p[:, i], r[:, i]) for p, r in zip(predicted, rated, strict=True)]
        correlations = [r for pair in pairs if (r := pearson_r(*pair)) is not None]
        concordances = [c for pair in pairs if (c := ccc(*pair)) is not None]
        figures[axis] = {
            "songs": len(correlations),
            "constant": len(pairs) - len(correlations),
            "pearson_r": _mean(correlations),
            "rmse": _mean([rmse(*pair) for pair in pairs]),
            "ccc": _mean(concordances),
        }
    return figures


def at_times(time_s: Floats, predicted: Floats, wanted_s: Floats) -> Floats:
    """Read a predicted curve at the times of a rated one.

    Parameters
    ----------
    time_s : ndarray of shape (n_steps,)
        Ascending.
    predicted : ndarray of shape (n_steps, 2)
        Valence and arousal.
    wanted_s : ndarray of shape (n_times,)
        Beyond the curve's ends its first or last value holds.

    Returns
    -------
    ndarray of shape (n_times, 2)
    """
    return np.stack([np.interp(wanted_s, time_s, column) for column in predicted.T], axis=1)


def quadrant_figures(predicted: Floats, signs: Floats) -> dict[str, Any]:
    """Count on which side of each axis, and in which quadrant, predictions rightly lie.

    Parameters
    ----------
    predicted : ndarray of shape (n_clips, 2)
        Valence and arousal; 0 is on neither side, and never right.
    signs : ndarray of shape (n_clips, 2)
        -1 or 1.

    Returns
    -------
    dict
        `clips`, shares in [0, 1]: `quadrant`, `valence_sign`, `arousal_sign`, and
        `by_quadrant`, the share of each quadrant's clips that were put there.
    """
    right = np.sign(predicted) == signs
    both = right.all(axis=1)
    own = {name: (signs == np.array(side)).all(axis=1) for side, name in QUADRANTS.items()}
    return {
        "clips": len(signs),
        "quadrant": _rounded(both.mean()),
        **{f"{axis}_sign": _rounded(right[:, i].mean()) for i, axis in enumerate(AFFECT_AXES)},
        "by_quadrant": {name: _rounded(both[of].mean()) for name, of in own.items() if of.any()},
    }


def label_figures(labels: Iterable[str]) -> dict[str, Any]:
    """Count how many different labels appear: a model that hugs the middle uses few.

    Parameters
    ----------
    labels : iterable of str
        Of steps or songs.

    Returns
    -------
    dict
        `different`, and `shares` in [0, 1], the most frequent first.
    """
    counts = Counter(labels)
    shares = {label: _rounded(n / counts.total()) for label, n in counts.most_common()}
    return {"different": len(counts), "shares": shares}


def song_figures(clips: Sequence[SongClip], predicted: Floats) -> dict[str, Any]:
    """Sum up clip-wise predictions by corpus, against whatever people said there.

    Parameters
    ----------
    clips : sequence of SongClip
        What was predicted, of artists that were not trained on.
    predicted : ndarray of shape (n_clips, 2)
        Valence and arousal.

    Returns
    -------
    dict
        Title of the corpus to `ratings` and `described` (as `between_songs`) and `quadrants`
        (as `quadrant_figures`), as far as they are known.
    """
    targets = song_targets(clips)
    corpora = np.array([clip.corpus for clip in clips])
    compare = {"rating": between_songs, "described": between_songs, "sign": quadrant_figures}
    names = {"rating": "ratings", "described": "described", "sign": "quadrants"}
    figures: dict[str, Any] = {}
    for corpus in dict.fromkeys(corpora.tolist()):
        of_corpus: dict[str, Mapping[str, Any]] = {}
        for kind, name in names.items():
            values, weights = targets.of(kind)
            chosen = (corpora == corpus) & (weights > 0)
            if chosen.any():
                of_corpus[name] = compare[kind](predicted[chosen], values[chosen])
        figures[SONG_CORPORA[corpus].title] = of_corpus
    return figures


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(float(np.mean(values))) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
