import os
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from emosync.training.affect_words import GEMS_COORDINATES, GEMS_FEELINGS, MOOD_COORDINATES
from emosync.training.song_clips import RatedCurve, SongClip
from emosync.training.song_corpora import read_song_corpus
from emosync.training.song_targets import KINDS, described_point, rated_point, song_targets

DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music"

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no music at {DATA}; EMOSYNC_DATA says where it is"
)
# The feelings of Russell (1980) that are among the mood words, in his order around the circle.
RUSSELLS_ORDER = [
    "happy",
    "exciting",
    "tense/anxious",
    "angry",
    "anguished/distraught",
    "sad",
    "gloomy",
    "weary",
    "calm/peaceful",
    "relaxed",
]


def clip(
    *moods: str,
    gems: tuple[float, ...] | None = None,
    rating: tuple[float, float] | None = None,
    curve: RatedCurve | None = None,
    signs: tuple[int, int] | None = None,
) -> SongClip:
    valence_sign, arousal_sign = signs or (None, None)
    return SongClip(
        None,
        "4q",
        "4q/1",
        "nobody",
        valence_sign=valence_sign,
        arousal_sign=arousal_sign,
        rating=rating,
        curve=curve,
        gems=gems,
        moods=moods,
    )


def test_mood_words_are_averaged() -> None:
    expected = np.mean([MOOD_COORDINATES["happy"], MOOD_COORDINATES["calm/peaceful"]], axis=0)
    assert described_point(clip("Happy", "Calm/Peaceful")) == pytest.approx(tuple(expected))


def test_unknown_words_are_left_out() -> None:
    assert described_point(clip("Happy", "Zorbly")) == pytest.approx(MOOD_COORDINATES["happy"])
    assert described_point(clip("Zorbly")) is None
    assert described_point(clip()) is None


def test_feelings_are_weighted_by_their_shares() -> None:
    shares = {"power": 0.75, "sadness": 0.25}
    gems = tuple(shares.get(feeling, 0.0) for feeling in GEMS_FEELINGS)
    power, sadness = GEMS_COORDINATES["power"], GEMS_COORDINATES["sadness"]
    expected = tuple(0.75 * p + 0.25 * s for p, s in zip(power, sadness, strict=True))
    assert described_point(clip(gems=gems)) == pytest.approx(expected)


def test_feelings_that_nobody_had_say_nothing() -> None:
    assert described_point(clip(gems=(0.0,) * len(GEMS_FEELINGS))) is None


def test_a_curve_stands_in_for_a_rating() -> None:
    times = np.array([15.0, 15.5], np.float32)
    curve = RatedCurve(times, np.array([0.0, 0.5], np.float32), np.array([-1.0, 0.0], np.float32))
    assert rated_point(clip(curve=curve)) == (0.25, -0.5)
    assert rated_point(clip(curve=curve, rating=(1.0, 1.0))) == (1.0, 1.0)
    assert rated_point(clip()) is None


def test_every_kind_has_its_targets_and_its_weights() -> None:
    clips = [
        clip("Happy", signs=(1, -1)),
        clip(rating=(-0.5, 0.25)),
        clip(),
    ]
    targets = song_targets(clips)
    np.testing.assert_array_equal(targets.weights, [[0, 1, 1], [1, 0, 0], [0, 0, 0]])
    rating, rated = targets.of("rating")
    np.testing.assert_array_equal(rating, [[0, 0], [-0.5, 0.25], [0, 0]])
    np.testing.assert_array_equal(rated, [0, 1, 0])
    sign, _ = targets.of("sign")
    np.testing.assert_array_equal(sign, [[1, -1], [0, 0], [0, 0]])
    described, _ = targets.of("described")
    np.testing.assert_allclose(described[0], MOOD_COORDINATES["happy"])
    assert targets.values.shape == (3, len(KINDS), 2)


def test_no_clips_have_no_targets() -> None:
    assert song_targets([]).values.shape == (0, len(KINDS), 2)


@pytest.mark.parametrize("coordinates", [MOOD_COORDINATES, GEMS_COORDINATES], ids=["mood", "gems"])
def test_feelings_lie_on_the_plane(coordinates: dict[str, tuple[float, float]]) -> None:
    assert np.abs(list(coordinates.values())).max() <= 1
    assert all(word == word.strip().casefold() for word in coordinates)


def test_mood_words_keep_russells_order_around_the_circle() -> None:
    points = np.array([MOOD_COORDINATES[word] for word in RUSSELLS_ORDER])
    angles = np.degrees(np.arctan2(points[:, 1], points[:, 0])) % 360
    assert (np.diff(angles) > 0).all()


def test_feelings_keep_the_groups_of_the_geneva_scale() -> None:
    for feeling in ("power", "joyful_activation"):
        assert min(GEMS_COORDINATES[feeling]) > 0
    for feeling in ("tension", "sadness"):
        assert GEMS_COORDINATES[feeling][0] < 0
    for feeling in ("tenderness", "calmness", "nostalgia", "solemnity"):
        assert GEMS_COORDINATES[feeling][1] < 0


@needs_data
def test_every_mood_word_of_4q_has_a_place() -> None:
    clips = read_song_corpus("4q", DATA / "4q").clips
    words = {mood.casefold() for clip in clips for mood in clip.moods}
    assert words == set(MOOD_COORDINATES)


@needs_data
def test_the_words_of_4q_mostly_lie_on_the_side_of_its_quadrants() -> None:
    clips = read_song_corpus("4q", DATA / "4q").clips
    targets = song_targets(clips)
    described, weights = targets.of("described")
    signs, _ = targets.of("sign")
    assert weights.all()
    valence, arousal = (np.sign(described) == signs).mean(axis=0)
    assert valence > 0.9
    assert arousal > 0.8
