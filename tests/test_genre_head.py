import keras
import numpy as np
import pytest

from emosync.labels import GENRES
from emosync.training.evaluation import softmax
from emosync.training.genre_evaluation import (
    fit_track_temperature,
    genre_confusion,
    genre_figures,
    track_probabilities,
)
from emosync.training.genre_head import HeadLessons, build_head, fit_head
from emosync.training.genre_windows import change_copy

N_FEATURES = 40


def make_lessons(rng: np.random.Generator, *, nuisance: float = 0.0) -> HeadLessons:
    """Place genres along the first ten features; copies differ in the last one."""
    numbers = np.repeat(np.arange(len(GENRES)), 12)
    X = rng.normal(0, 0.3, (len(numbers), N_FEATURES))
    X[np.arange(len(X)), numbers] += 2
    # In training, a genre's copies happen to be like each other.
    X[:, -1] += nuisance * (numbers % 2)
    changes = np.zeros((50, N_FEATURES))
    changes[:, -1] = nuisance * rng.choice([-1, 1], 50)
    music = np.concatenate([X, rng.normal(0, 1, (200, N_FEATURES))])
    return HeadLessons(
        music.astype(np.float32), X.astype(np.float32), numbers, changes.astype(np.float32)
    )


def test_the_head_tells_tracks_that_it_did_not_learn_from(rng: np.random.Generator) -> None:
    head, others = fit_head(make_lessons(rng)), make_lessons(rng)
    assert (head.logits(others.X).argmax(axis=1) == others.numbers).all()


def test_the_head_does_not_listen_to_what_tells_copies_apart(rng: np.random.Generator) -> None:
    lessons = make_lessons(rng, nuisance=1.5)
    without = HeadLessons(lessons.music, lessons.X, lessons.numbers, lessons.changes[:0])
    shift = np.zeros((1, N_FEATURES), np.float32)
    shift[0, -1] = 1.5
    moved = [
        np.abs(head.logits(lessons.X + shift) - head.logits(lessons.X)).mean()
        for head in (fit_head(lessons), fit_head(without))
    ]
    assert moved[0] < 0.7 * moved[1]


def test_the_served_model_gives_the_heads_probabilities(rng: np.random.Generator) -> None:
    lessons = make_lessons(rng)
    head = fit_head(lessons)
    model = build_head(head, temperature=3.0)
    served = keras.ops.convert_to_numpy(model(lessons.X))
    expected = softmax((head.logits(lessons.X) / 3).astype(np.float32))
    np.testing.assert_allclose(served, expected, atol=1e-4)


def test_a_tracks_probabilities_are_the_mean_of_its_slices() -> None:
    logits = np.log(np.array([[0.7] + [0.3 / 9] * 9, [0.1] * 10], np.float32))
    (probabilities,) = track_probabilities([logits])
    assert probabilities[0] == pytest.approx(0.4)
    assert probabilities.sum() == pytest.approx(1)


def test_the_temperature_calms_a_head_that_is_too_sure(rng: np.random.Generator) -> None:
    truth = np.repeat(np.arange(len(GENRES)), 40)
    told = np.where(rng.random(len(truth)) < 0.7, truth, rng.integers(0, 10, len(truth)))
    logits = [np.eye(len(GENRES), dtype=np.float32)[[i, i]] * 20 for i in told]
    temperature = fit_track_temperature(logits, truth)
    probabilities = track_probabilities(logits, temperature)
    assert genre_figures(probabilities, truth)["calibration_error"] < 0.1


def test_every_genre_counts_the_same() -> None:
    truth = np.array([0] * 90 + [1] * 10)
    probabilities = np.tile(np.linspace(1, 0.1, 10, dtype=np.float32), (100, 1))
    figures = genre_figures(probabilities, truth)
    assert figures["accuracy"] == 0.9
    assert figures["mean_recall"] == 0.5
    assert figures["top_3"] == 1.0
    assert figures["by_genre"] == {"blues": 1.0, "classical": 0.0}
    assert genre_confusion(probabilities, truth)[:, 0].tolist() == [90, 10] + [0] * 8


def test_another_copy_sounds_alike_and_differs(rng: np.random.Generator) -> None:
    y = 0.1 * rng.normal(size=16_000).astype(np.float32)
    first, again = (change_copy(y, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == y.shape
    assert first.dtype == np.float32
    assert not np.allclose(first, y)
    assert np.abs(first).max() <= 1


def test_another_copy_is_not_shifted_in_time() -> None:
    y = np.zeros(8_000, np.float32)
    y[4_000] = 1
    for seed in range(5):
        changed = change_copy(y, np.random.default_rng(seed))
        assert abs(int(np.abs(changed).argmax()) - 4_000) <= 1
