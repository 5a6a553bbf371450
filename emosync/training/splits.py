"""Who is heard in training, and who only afterwards: speakers, and artists."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from emosync.labels import SHARED_SPEECH_EMOTIONS
from emosync.training.corpora import SPEECH_CORPORA, Clip
from emosync.training.song_clips import SongClip

Indices = npt.NDArray[np.int64]

N_FOLDS: Final = 5
# The protocol of the earlier projects, with its seed.
SEED_PROTOCOL_CORPORA: Final = frozenset({"ravdess", "savee", "tess", "cremad"})
SEED_PROTOCOL_SEED: Final = 42


def speaker_folds(clips: Sequence[Clip], *, n_folds: int = N_FOLDS, seed: int = 0) -> Indices:
    """Deal each corpus' speakers to folds, so that no speaker stands in two.

    Parameters
    ----------
    clips : sequence of Clip
        Of any corpora.
    n_folds : int
        A corpus with fewer speakers is missing from some folds.
    seed : int
        Of the order in which speakers are dealt.

    Returns
    -------
    ndarray of shape (n_clips,)
        Fold of each clip, 0 to n_folds - 1.
    """
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for corpus in SPEECH_CORPORA:
        speakers = sorted({clip.speaker for clip in clips if clip.corpus == corpus})
        dealt = [s for group in _by_sex(speakers) for s in rng.permutation(group).tolist()]
        fold_of |= {speaker: i % n_folds for i, speaker in enumerate(dealt)}
    return np.array([fold_of[clip.speaker] for clip in clips])


def _by_sex(speakers: Sequence[str]) -> tuple[list[str], ...]:
    """RAVDESS' odd actors are men, its even ones women; each fold shall hold both."""
    if not speakers or not speakers[0].startswith("ravdess/"):
        return (list(speakers),)
    men = [s for s in speakers if int(s[-2:]) % 2]
    return men, [s for s in speakers if s not in men]


def artist_folds(clips: Sequence[SongClip], *, n_folds: int = N_FOLDS, seed: int = 0) -> Indices:
    """Deal artists to folds, so that no artist stands in two, of whatever corpora.

    Each fold gets about the same share of every corpus' quadrants, or of its genres where the
    quadrant is not known. The artists with most clips are dealt first, each to the fold that
    lacks most of what they bring.

    Parameters
    ----------
    clips : sequence of SongClip
        Of any corpora.
    n_folds : int
        At least 2.
    seed : int
        Of the order among artists with equally many clips.

    Returns
    -------
    ndarray of shape (n_clips,)
        Fold of each clip, 0 to n_folds - 1; it does not depend on the clips' order.
    """
    strata: dict[str, Counter[Hashable]] = {}
    for clip in clips:
        stratum = clip.corpus, clip.quadrant or clip.genres[:1]
        strata.setdefault(clip.artist, Counter())[stratum] += 1
    shuffled = np.random.default_rng(seed).permutation(sorted(strata)).tolist()
    dealt: list[Counter[Hashable]] = [Counter() for _ in range(n_folds)]
    fold_of: dict[str, int] = {}
    for artist in sorted(shuffled, key=lambda name: -strata[name].total()):
        brought = strata[artist]
        # The sum of squares grows least where least of the same is; then the smallest fold.
        costs = [
            (sum(n * (2 * fold[s] + n) for s, n in brought.items()), fold.total()) for fold in dealt
        ]
        fold_of[artist] = costs.index(min(costs))
        dealt[fold_of[artist]] += brought
    return np.array([fold_of[clip.artist] for clip in clips], np.int64)


def seed_split(clips: Sequence[Clip]) -> tuple[Indices, Indices]:
    """Split as the earlier projects did: four corpora, six emotions, random 80/20.

    Speakers stand on both sides, so the figure says little about new voices; it is given
    because others quote it.

    Parameters
    ----------
    clips : sequence of Clip
        Clips of other corpora and emotions are left out.

    Returns
    -------
    train, test : ndarray
        Indices into `clips`.
    """
    kept = np.array(
        [
            i
            for i, clip in enumerate(clips)
            if clip.corpus in SEED_PROTOCOL_CORPORA and clip.emotion in SHARED_SPEECH_EMOTIONS
        ]
    )
    train, test = train_test_split(
        kept,
        test_size=0.2,
        random_state=SEED_PROTOCOL_SEED,
        stratify=[clips[i].emotion for i in kept],
    )
    return np.asarray(train), np.asarray(test)
