from pathlib import Path

import numpy as np
import pytest

from emosync.training.song_clips import SongClip
from emosync.training.song_evaluation import (
    at_times,
    between_songs,
    ccc,
    label_figures,
    pearson_r,
    quadrant_figures,
    rmse,
    song_figures,
    within_songs,
)

# Predicted, rated, Pearson's r, root mean squared error, concordance; worked by hand.
AGREEMENTS = [
    ([1, 2, 3], [1, 2, 3], 1, 0, 1),
    ([1, 2, 3], [1, 3, 2], 0.5, (2 / 3) ** 0.5, 0.5),
    ([2, 3, 4], [1, 2, 3], 1, 1, 4 / 7),  # a shift of one
    ([2, 4, 6], [1, 2, 3], 1, (14 / 3) ** 0.5, 4 / 11),  # twice the spread, a shift of two
    ([3, 2, 1], [1, 2, 3], -1, (8 / 3) ** 0.5, -1),
    ([2, 2, 2], [1, 2, 3], 0, (2 / 3) ** 0.5, 0),  # says nothing
]


@pytest.mark.parametrize(("predicted", "rated", "r", "error", "concordance"), AGREEMENTS)
def test_agreement_worked_by_hand(
    predicted: list[float], rated: list[float], r: float, error: float, concordance: float
) -> None:
    p, t = np.array(predicted, float), np.array(rated, float)
    assert pearson_r(p, t) == pytest.approx(r)
    assert rmse(p, t) == pytest.approx(error)
    assert ccc(p, t) == pytest.approx(concordance)


@pytest.mark.parametrize("rated", [[0.3, 0.3, 0.3], [0.3]])
def test_ratings_that_do_not_move_cannot_be_followed(rated: list[float]) -> None:
    predicted = np.arange(len(rated), dtype=float)
    assert pearson_r(predicted, np.array(rated)) is None
    assert ccc(predicted, np.array(rated)) is None


def test_axes_are_judged_apart_between_songs() -> None:
    rated = np.array([[1.0, 1], [2, 2], [3, 3]])
    predicted = np.array([[1.0, 3], [3, 2], [2, 1]])
    assert between_songs(predicted, rated) == {
        "songs": 3,
        "valence": {"pearson_r": 0.5, "rmse": 0.8165, "ccc": 0.5},
        "arousal": {"pearson_r": -1.0, "rmse": 1.633, "ccc": -1.0},
    }


def test_curves_are_judged_song_by_song() -> None:
    up, down, flat = (np.array(values, float) for values in ([1, 2, 3], [3, 2, 1], [2, 2, 2]))
    # Valence: followed, then turned round, though both lie at the same height.
    # Arousal: a curve nobody could follow, and a prediction that follows nothing.
    rated = [np.stack([up, flat], 1), np.stack([up, up], 1)]
    predicted = [np.stack([up, up], 1), np.stack([down, flat], 1)]
    figures = within_songs(predicted, rated)
    assert figures["valence"] == {
        "songs": 2,
        "constant": 0,
        "pearson_r": 0.0,
        "rmse": 0.8165,
        "ccc": 0.0,
    }
    assert figures["arousal"] == {
        "songs": 1,
        "constant": 1,
        "pearson_r": 0.0,
        "rmse": 0.8165,
        "ccc": 0.0,
    }


def test_no_curve_that_moves_gives_no_figure() -> None:
    flat = np.zeros((4, 2))
    assert within_songs([flat], [flat])["valence"] == {
        "songs": 0,
        "constant": 1,
        "pearson_r": None,
        "rmse": 0.0,
        "ccc": None,
    }
    assert within_songs([], [])["arousal"]["rmse"] is None


def test_songs_of_different_lengths_weigh_the_same() -> None:
    short, long = np.arange(3.0), np.arange(300.0)
    rated = [np.stack([short, short], 1), np.stack([long, long], 1)]
    predicted = [-rated[0], rated[1]]
    assert within_songs(predicted, rated)["valence"]["pearson_r"] == 0


def test_a_curve_is_read_between_its_steps() -> None:
    predicted = np.array([[0.0, 1.0], [1.0, 0.0]])
    read = at_times(np.array([0.0, 0.5]), predicted, np.array([0.25, 0.5, 9.0]))
    np.testing.assert_allclose(read, np.array([[0.5, 0.5], [1, 0], [1, 0]]))


def test_quadrants_and_signs_are_counted() -> None:
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [-1, -1]])
    predicted = np.array([[0.1, 0.9], [0.2, 0.3], [-0.4, -0.1], [-0.4, 0.0]])
    assert quadrant_figures(predicted, signs) == {
        "clips": 4,
        "quadrant": 0.5,
        "valence_sign": 0.75,
        "arousal_sign": 0.75,
        "by_quadrant": {"Q1": 1.0, "Q2": 0.0, "Q3": 0.5},
    }


def test_labels_are_counted() -> None:
    assert label_figures(["Calm", "Happy", "Happy", "Happy"]) == {
        "different": 2,
        "shares": {"Happy": 0.75, "Calm": 0.25},
    }
    assert label_figures([]) == {"different": 0, "shares": {}}


def song(
    corpus: str, rating: tuple[float, float] | None, signs: tuple[int, int] | None
) -> SongClip:
    valence, arousal = signs or (None, None)
    return SongClip(Path("x"), corpus, "x", "x", valence, arousal, rating)


def test_each_corpus_is_judged_by_what_is_known_of_it() -> None:
    clips = [
        song("4q", None, (1, 1)),
        song("deam", (0.0, 0.5), None),
        song("deam", (0.5, 0.0), None),
        song("deam", None, None),
    ]
    predicted = np.array([[0.1, 0.1], [0.0, 0.5], [0.5, 0.0], [0.0, 0.0]])
    figures = song_figures(clips, predicted)
    assert list(figures) == ["4Q", "DEAM"]
    assert figures["4Q"] == {"quadrants": quadrant_figures(predicted[:1], np.array([[1, 1]]))}
    assert set(figures["DEAM"]) == {"ratings"}
    assert figures["DEAM"]["ratings"]["songs"] == 2
    assert figures["DEAM"]["ratings"]["valence"]["ccc"] == 1


def test_figures_are_plain_numbers() -> None:
    figures = song_figures([song("4q", (0.1, 0.2), (1, -1))], np.ones((1, 2), np.float32))
    ratings = figures["4Q"]["ratings"]
    assert type(ratings["valence"]["rmse"]) is float
    assert ratings["valence"]["pearson_r"] is None
    assert type(figures["4Q"]["quadrants"]["quadrant"]) is float
