from collections import Counter
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np
import pytest
from clips import clip

from emosync.labels import SHARED_SPEECH_EMOTIONS, SPEECH_EMOTIONS
from emosync.training.corpora import SPEECH_CORPORA, Clip
from emosync.training.song_clips import SongClip
from emosync.training.splits import N_FOLDS, artist_folds, seed_split, speaker_folds

SPEAKERS = {
    "ravdess": [f"{i:02d}" for i in range(1, 21)],
    "cremad": [str(1001 + i) for i in range(30)],
    "tess": ["OAF", "YAF"],
    "savee": ["DC", "JE", "KL"],
    "emodb": ["03", "08", "09", "10", "11"],
}
CLIPS = [
    clip(corpus, speaker, emotion, number)
    for corpus, speakers in SPEAKERS.items()
    for speaker in speakers
    for emotion in SPEECH_EMOTIONS
    for number in range(2)
]


def speakers(clips: Sequence[Clip]) -> set[str]:
    return {c.speaker for c in clips}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("fold", range(N_FOLDS))
def test_no_speaker_stands_on_both_sides(fold: int, seed: int) -> None:
    folds = speaker_folds(CLIPS, seed=seed)
    train = [c for c, f in zip(CLIPS, folds, strict=True) if f != fold]
    test = [c for c, f in zip(CLIPS, folds, strict=True) if f == fold]
    assert train
    assert test
    assert not speakers(train) & speakers(test)


def test_the_speakers_of_a_corpus_are_dealt_evenly() -> None:
    folds = speaker_folds(CLIPS)
    assert set(folds) == set(range(N_FOLDS))
    for corpus, names in SPEAKERS.items():
        held = Counter(
            {c.speaker: f for c, f in zip(CLIPS, folds, strict=True) if c.corpus == corpus}.values()
        )
        assert sum(held.values()) == len(names)
        counts = [held[fold] for fold in range(N_FOLDS)]
        assert max(counts) - min(counts) <= 1


def test_each_fold_hears_men_and_women_of_ravdess() -> None:
    folds = speaker_folds(CLIPS)
    for fold in range(N_FOLDS):
        actors = [
            int(c.speaker[-2:])
            for c, f in zip(CLIPS, folds, strict=True)
            if c.corpus == "ravdess" and f == fold
        ]
        assert {actor % 2 for actor in actors} == {0, 1}


def test_folds_depend_on_the_seed_and_on_nothing_else() -> None:
    folds = speaker_folds(CLIPS)
    np.testing.assert_array_equal(folds, speaker_folds(CLIPS))
    assert (folds != speaker_folds(CLIPS, seed=1)).any()
    backwards = speaker_folds(CLIPS[::-1])[::-1]
    np.testing.assert_array_equal(folds, backwards)


def test_the_last_corpus_does_not_change_the_folds_of_the_others() -> None:
    fewer = [c.corpus != list(SPEECH_CORPORA)[-1] for c in CLIPS]
    without = speaker_folds(list(compress(CLIPS, fewer)))
    np.testing.assert_array_equal(speaker_folds(CLIPS)[fewer], without)


def test_the_seed_split_is_of_four_corpora_and_six_emotions() -> None:
    train, test = seed_split(CLIPS)
    kept = [CLIPS[i] for i in [*train, *test]]
    assert {c.corpus for c in kept} == {"ravdess", "savee", "tess", "cremad"}
    assert {c.emotion for c in kept} == set(SHARED_SPEECH_EMOTIONS)
    assert len(set(kept)) == len(kept) == (20 + 30 + 2 + 3) * 6 * 2


def test_the_seed_split_is_stratified_80_to_20() -> None:
    train, test = seed_split(CLIPS)
    assert len(test) == pytest.approx(0.2 * (len(train) + len(test)), abs=1)
    counts = Counter(CLIPS[i].emotion for i in test)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_seed_split_is_the_same_every_time() -> None:
    for first, again in zip(seed_split(CLIPS), seed_split(CLIPS), strict=True):
        np.testing.assert_array_equal(first, again)


def songs() -> list[SongClip]:
    """Make songs of two corpora in quadrants, of an artist of both, and of a third corpus."""
    signs = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    made = [
        SongClip(Path(f"{corpus}{i}.ogg"), corpus, f"{corpus}/{i}", f"{corpus} {i // 2}", *side)
        for corpus in ("4q", "deam")
        for i, side in enumerate(signs * 15)
    ]
    both = [
        SongClip(Path(f"{i}.ogg"), corpus, f"{corpus}/b{i}", "both", 1, 1)
        for i, corpus in enumerate(["4q", "deam"] * 3)
    ]
    unquartered = [
        SongClip(Path(f"e{i}.ogg"), "emotify", f"emotify/{i}", f"emotify/{i}", genres=(genre,))
        for i, genre in enumerate(["rock", "pop"] * 10)
    ]
    return [*made, *both, *unquartered]


@pytest.mark.parametrize("seed", [0, 1])
def test_no_artist_stands_on_both_sides(seed: int) -> None:
    clips = songs()
    folds = artist_folds(clips, seed=seed)
    assert set(folds) == set(range(N_FOLDS))
    for artist in {c.artist for c in clips}:
        assert len({f for c, f in zip(clips, folds, strict=True) if c.artist == artist}) == 1


@pytest.mark.parametrize("n_folds", [2, 5])
def test_each_fold_hears_every_corpus_quadrant_and_genre(n_folds: int) -> None:
    clips = songs()
    folds = artist_folds(clips, n_folds=n_folds)
    for stratum in {(c.corpus, c.quadrant, c.genres) for c in clips}:
        counts = Counter(
            f
            for c, f in zip(clips, folds, strict=True)
            if (c.corpus, c.quadrant, c.genres) == stratum
        )
        assert len(counts) == n_folds
        assert max(counts.values()) - min(counts.values()) <= 2


def test_artists_folds_depend_on_the_seed_and_on_nothing_else() -> None:
    clips = songs()
    folds = artist_folds(clips)
    np.testing.assert_array_equal(folds, artist_folds(clips))
    np.testing.assert_array_equal(folds, artist_folds(clips[::-1])[::-1])
    assert (folds != artist_folds(clips, seed=1)).any()
