import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from signals import clipped_noise, noise, recorded, silence, tone

from emosync.artifacts import CARD_FILE, KERAS_FILE, ONNX_FILE, load_artifact
from emosync.errors import ModelUnavailable, UnknownMethod
from emosync.framing import SPEECH_SR_HZ, WINDOW_S, FloatArray, cut_voice
from emosync.inputs import extractor
from emosync.results import Prediction
from predictor import METHODS, ModelPredictor

MODELS = ROOT / "models"
METHODS_SHIPPED = [m for m in METHODS["speech"] if (MODELS / "speech" / m / CARD_FILE).exists()]
VOICES = ["voice_3s.wav", "voice_high_3s.wav"]

each_method = pytest.mark.parametrize("method", METHODS_SHIPPED)


@pytest.fixture(scope="module")
def predictor() -> ModelPredictor:
    return ModelPredictor(MODELS)


def long_recording() -> FloatArray:
    """19 s of two voices: four windows."""
    return np.resize(recorded("voice_12s.flac"), 19 * SPEECH_SR_HZ)


def gap(first: Prediction, second: Prediction) -> float:
    """Largest difference between the probabilities of one label."""
    return max(abs(p - second.probabilities[e]) for e, p in first.probabilities.items())


def test_there_are_models_and_the_default_is_among_them() -> None:
    assert METHODS["speech"][0] in METHODS_SHIPPED


def test_every_folder_of_models_is_a_known_method() -> None:
    folders = {path.parent.name for path in MODELS.glob(f"speech/*/{CARD_FILE}")}
    assert folders == set(METHODS_SHIPPED)


def test_methods_are_listed_default_first(predictor: ModelPredictor) -> None:
    assert predictor.methods("speech") == tuple(METHODS_SHIPPED)


@each_method
@pytest.mark.parametrize("name", VOICES)
def test_labels_are_the_cards_and_probabilities_sum_to_1_highest_first(
    predictor: ModelPredictor, method: str, name: str
) -> None:
    prediction = predictor.speech(recorded(name), method=method)
    assert prediction.method == method
    assert set(prediction.probabilities) == set(predictor.card("speech", method)["labels"])
    values = list(prediction.probabilities.values())
    assert sum(values) == pytest.approx(1, abs=1e-9)
    assert values == sorted(values, reverse=True)
    assert (prediction.emotion, prediction.confidence) == next(
        iter(prediction.probabilities.items())
    )


@each_method
def test_the_same_recording_gets_the_same_answer(predictor: ModelPredictor, method: str) -> None:
    first, again = (predictor.speech(recorded(VOICES[0]), method=method) for _ in range(2))
    assert first.probabilities == again.probabilities
    assert first.windows == again.windows


@each_method
def test_a_short_recording_is_one_window(predictor: ModelPredictor, method: str) -> None:
    prediction = predictor.speech(recorded(VOICES[0]), method=method)
    (window,) = prediction.windows
    assert (window.emotion, window.confidence) == (prediction.emotion, prediction.confidence)


@each_method
def test_a_long_recording_is_several_windows(predictor: ModelPredictor, method: str) -> None:
    y = long_recording()
    windows = predictor.speech(y, method=method).windows
    starts_s = [window.start_s for window in windows]
    assert len(windows) == 4
    assert all(0 < later - earlier <= WINDOW_S for earlier, later in pairwise(starts_s))
    clip, start = cut_voice(y)
    assert starts_s[0] == 0
    assert starts_s[-1] + WINDOW_S == pytest.approx((start + len(clip)) / SPEECH_SR_HZ, abs=0.01)
    assert {window.emotion for window in windows} <= set(predictor.card("speech", method)["labels"])


@each_method
def test_windows_count_from_the_start_of_the_recording(
    predictor: ModelPredictor, method: str
) -> None:
    y = long_recording()
    later = np.concatenate([silence(2.0), y])
    windows, moved = (predictor.speech(r, method=method).windows for r in (y, later))
    # What is cut off ahead of the voice may differ by the margin that is left there.
    for before, after in zip(windows, moved, strict=True):
        assert after.start_s - before.start_s == pytest.approx(2, abs=0.1)


@each_method
@pytest.mark.parametrize("room", [0.0, 2e-4], ids=["digital silence", "quiet room"])
def test_silence_ahead_hardly_changes_the_answer(
    predictor: ModelPredictor, method: str, room: float
) -> None:
    y = recorded(VOICES[0])
    padded = np.concatenate([noise(1.5, level=room), y, noise(0.5, level=room)])
    assert gap(*(predictor.speech(r, method=method) for r in (y, padded))) < 0.1


# The forest's features are the mean of all 40 coefficients, and the 0th holds the level.
@pytest.mark.parametrize("method", [m for m in METHODS_SHIPPED if m != "random_forest"])
@pytest.mark.parametrize("level", [0.02, 1.4])
def test_loudness_hardly_changes_the_answer(
    predictor: ModelPredictor, method: str, level: float
) -> None:
    y = recorded(VOICES[0])
    assert gap(*(predictor.speech(k * y, method=method) for k in (np.float32(1), level))) < 0.1


@each_method
@pytest.mark.parametrize(
    "y",
    [tone(220, 0.3), clipped_noise(9.0), noise(0.5, level=1e-6)],
    ids=["short", "clipped", "very quiet"],
)
def test_what_is_no_speech_gets_an_answer_too(
    predictor: ModelPredictor, method: str, y: FloatArray
) -> None:
    prediction = predictor.speech(y, method=method)
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-9)


def test_an_unknown_method_is_told_the_known_ones(predictor: ModelPredictor) -> None:
    with pytest.raises(UnknownMethod) as caught:
        predictor.speech(recorded(VOICES[0]), method="crystal ball")
    for method in ("crystal ball", *METHODS_SHIPPED):
        assert method in caught.value.message


@pytest.mark.slow
@each_method
def test_onnx_answers_as_the_library_that_trained_the_model(method: str) -> None:
    folder = MODELS / "speech" / method
    onnx, native = (load_artifact(folder, runtime=runtime) for runtime in ("onnx", "native"))
    extract = extractor(onnx.card["feature_type"], onnx.card["feature_settings"])
    # Networks round their weights to int8, each runtime in its own way; for the others
    # only float32 against float64 differs.
    tolerance = 0.05 if (folder / KERAS_FILE).exists() else 1e-3
    for name in VOICES:
        X = extract(recorded(name))[np.newaxis]
        np.testing.assert_allclose(onnx.run(X), native.run(X), atol=tolerance)


def test_no_models_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="speech"):
        ModelPredictor(tmp_path)


def test_one_broken_model_stops_the_start(tmp_path: Path) -> None:
    broken = Path(shutil.copytree(MODELS / "speech" / "svm", tmp_path / "speech" / "svm"))
    (broken / ONNX_FILE).unlink()
    with pytest.raises(ModelUnavailable, match="svm"):
        ModelPredictor(tmp_path)
