"""What people said of songs, as targets on the circumplex."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from emosync.framing import FloatArray
from emosync.training.affect_words import GEMS_COORDINATES, GEMS_FEELINGS, MOOD_COORDINATES
from emosync.training.song_clips import SongClip

# A rating is a point that listeners gave, a description a point made of words, a sign a side.
KINDS: Final = ("rating", "described", "sign")

Point = tuple[float, float]


@dataclass(frozen=True)
class SongTargets:
    """Targets of every kind, for losses that each take one kind.

    Attributes
    ----------
    values : ndarray of shape (n_clips, 3, 2)
        Clip, kind as in `KINDS`, axis as in `affect_words.AFFECT_AXES`: in [-1, 1], for "sign" -1
        or 1, and 0 where nothing is known.
    weights : ndarray of shape (n_clips, 3)
        1 where the kind is known of the clip, else 0.
    """

    values: FloatArray
    weights: FloatArray

    def of(self, kind: str) -> tuple[FloatArray, FloatArray]:
        """Return one kind: targets of shape (n_clips, 2), weights of shape (n_clips,)."""
        number = KINDS.index(kind)
        return self.values[:, number], self.weights[:, number]


def song_targets(clips: Sequence[SongClip]) -> SongTargets:
    """Gather what is known of clips as a whole.

    Parameters
    ----------
    clips : sequence of SongClip
        Of any corpora.

    Returns
    -------
    SongTargets
        A clip may have targets of several kinds, or of none.
    """
    values = np.zeros((len(clips), len(KINDS), 2), np.float32)
    weights = np.zeros((len(clips), len(KINDS)), np.float32)
    for i, clip in enumerate(clips):
        for k, point in enumerate((rated_point(clip), described_point(clip), sign_point(clip))):
            if point is not None:
                values[i, k], weights[i, k] = point, 1
    return SongTargets(values, weights)


def rated_point(clip: SongClip) -> Point | None:
    """Return the clip's rating, or the mean of its curve where it has no rating."""
    if clip.rating is None and clip.curve is not None:
        return float(clip.curve.valence.mean()), float(clip.curve.arousal.mean())
    return clip.rating


def described_point(clip: SongClip) -> Point | None:
    """Place a clip by the feelings or the mood words that people gave it.

    Parameters
    ----------
    clip : SongClip

    Returns
    -------
    (float, float) or None
        Valence and arousal in [-1, 1]; None without a feeling or a known word.
    """
    if clip.gems is not None:
        return _mean_point((GEMS_COORDINATES[feeling] for feeling in GEMS_FEELINGS), clip.gems)
    known = [word for mood in clip.moods if (word := mood.casefold()) in MOOD_COORDINATES]
    return _mean_point((MOOD_COORDINATES[word] for word in known), [1.0] * len(known))


def sign_point(clip: SongClip) -> Point | None:
    """Return the signs of valence and arousal, where the clip's quadrant is known."""
    if clip.valence_sign is None or clip.arousal_sign is None:
        return None
    return float(clip.valence_sign), float(clip.arousal_sign)


def _mean_point(points: Iterable[Point], weights: Sequence[float]) -> Point | None:
    if sum(weights) <= 0:
        return None
    valence, arousal = np.average(np.asarray(list(points)), axis=0, weights=weights)
    return float(valence), float(arousal)
