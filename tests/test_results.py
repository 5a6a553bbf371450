import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosync.errors import ModelUnavailable
from emosync.labels import SPEECH_EMOTIONS
from emosync.results import Prediction, Window, ranked_probabilities

WEIGHTS = st.lists(st.floats(2**-20, 1, width=32), min_size=2, max_size=8)


def test_the_most_probable_label_comes_first() -> None:
    ranked = ranked_probabilities(("sad", "happy", "calm"), np.array([0.2, 0.7, 0.1]))
    assert list(ranked) == ["happy", "sad", "calm"]
    assert ranked == pytest.approx({"happy": 0.7, "sad": 0.2, "calm": 0.1}, abs=3e-6)


@given(weights=WEIGHTS)
def test_probabilities_sum_to_1_highest_first(weights: list[float]) -> None:
    probabilities = np.array(weights, np.float32) / np.float32(sum(weights))
    labels = SPEECH_EMOTIONS[: len(weights)]
    values = list(ranked_probabilities(labels, probabilities).values())
    assert sum(values) == pytest.approx(1, abs=1e-9)
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= 1 and value == round(value, 6) for value in values)


@pytest.mark.parametrize("n_labels", range(2, 9))
def test_equal_probabilities_stay_in_order(n_labels: int) -> None:
    labels = SPEECH_EMOTIONS[:n_labels]
    ranked = ranked_probabilities(labels, np.full(n_labels, 1 / n_labels, np.float32))
    assert tuple(ranked) == labels
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)


def test_probabilities_are_plain_numbers() -> None:
    ranked = ranked_probabilities(("sad", "happy"), np.array([0.25, 0.75], np.float32))
    assert json.dumps(ranked) == '{"happy": 0.75, "sad": 0.25}'


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_no_number_is_no_answer(broken: float) -> None:
    with pytest.raises(ModelUnavailable):
        ranked_probabilities(("sad", "happy"), np.array([broken, 0.5]))


def test_a_prediction_names_its_first_label() -> None:
    prediction = Prediction(
        method="cnn",
        probabilities={"calm": 0.6, "sad": 0.4},
        windows=(Window(0.0, "calm", 0.6),),
        features_s=0.001,
        model_s=0.002,
    )
    assert (prediction.emotion, prediction.confidence) == ("calm", 0.6)
