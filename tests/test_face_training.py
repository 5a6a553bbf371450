"""The face network from training to what is served, on faces made up."""

from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from known_warnings import EXPORTING_ONNX, SAVING_WEIGHTS
from onnx import TensorProto, helper

from emosync.artifacts import load_artifact
from emosync.face_crops import face_input
from emosync.framing import FloatArray
from emosync.labels import FACE_EMOTIONS
from emosync.training import faces
from emosync.training.evaluation import softmax
from emosync.training.export import export_plain, write_card
from emosync.training.face_augmentation import Distortion
from emosync.training.face_corpora import FaceCorpus, split_faces
from emosync.training.face_detector import join_outputs
from emosync.training.face_network import build_face_cnn, exportable
from emosync.training.finetuning import Schedule

MAX_BYTES = 8_000_000


@pytest.fixture(scope="module")
def corpus() -> FaceCorpus:
    """Emotions are the places of a bright spot; every picture has noise of its own."""
    rng = np.random.default_rng(0)
    truth = np.arange(420) % len(FACE_EMOTIONS)
    pictures = rng.integers(0, 120, (420, 16, 16)).repeat(3, axis=1).repeat(3, axis=2)
    for picture, emotion in zip(pictures, truth, strict=True):
        picture[6 * emotion : 6 * emotion + 6, 16:32] = 255
    votes = np.eye(10, dtype=np.float32)[truth]
    return FaceCorpus(pictures.astype(np.uint8), truth, votes, np.arange(420) >= 280)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Give a network whose running statistics are not those of a new one."""
    keras.mixed_precision.set_global_policy("float32")
    keras.utils.set_random_seed(3)
    model = build_face_cnn(7, 10)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(0, 0.1, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, shape))
            layer.gamma.assign(rng.uniform(0.7, 1.3, shape))
    return model


@pytest.fixture(scope="module")
def X() -> FloatArray:
    return face_input(np.random.default_rng(1).integers(0, 256, (4, 48, 48)).astype(np.uint8))


def test_a_face_and_its_mirror_image_get_one_answer(model: keras.Model, X: FloatArray) -> None:
    served = exportable(model, size_px=48, temperature=1.5)
    probabilities = keras.ops.convert_to_numpy(served(X))
    assert probabilities.shape == (4, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    mirrored = keras.ops.convert_to_numpy(served(X[:, :, ::-1].copy()))
    np.testing.assert_allclose(mirrored, probabilities, atol=1e-6)


def test_what_is_served_is_what_was_judged(model: keras.Model) -> None:
    pictures = np.random.default_rng(2).integers(0, 256, (5, 48, 48)).astype(np.uint8)
    judged = softmax(faces.face_logits(model, pictures) / 1.5)
    served = exportable(model, size_px=48, temperature=1.5)(face_input(pictures))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(served), judged, atol=1e-5)


@EXPORTING_ONNX
@SAVING_WEIGHTS
def test_both_runtimes_agree_and_the_files_are_small(
    model: keras.Model, X: FloatArray, tmp_path: Path
) -> None:
    served = exportable(model, size_px=48, temperature=1.5)
    export_plain(served, tmp_path)
    members = ("method", "model_type", "labels", "feature_type", "feature_settings", "n_features")
    write_card(tmp_path, {"task": "face", **dict.fromkeys(members)})
    expected = keras.ops.convert_to_numpy(served(X))
    for runtime in ("onnx", "native"):
        answers = load_artifact(tmp_path, runtime=runtime).run(X)
        np.testing.assert_allclose(answers, expected, atol=1e-5)
    assert max(file.stat().st_size for file in tmp_path.iterdir()) < MAX_BYTES


@SAVING_WEIGHTS
def test_training_learns_is_kept_and_is_judged_on_what_it_did_not_see(
    corpus: FaceCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(epochs=6, batch_size=16, learning_rate=3e-3, averaging=0.8)
    gentle = Distortion(48, turn_deg=2, zoom=0.02, move_px=1, gamma=0.1, hidden_share=0)
    monkeypatch.setattr(faces, "SCHEDULE", schedule)
    monkeypatch.setattr(faces, "DISTORTION", gentle)
    monkeypatch.setattr(faces, "read_faces", lambda *_: corpus)
    figures = faces.evaluate_faces(tmp_path, tmp_path)
    keras.mixed_precision.set_global_policy("float32")
    assert figures["public_test"]["pictures"] == 140
    assert figures["public_test"]["accuracy"] > 0.6
    assert (tmp_path / "face" / faces.WEIGHTS_FILE).exists()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(faces, "train", refuse)
    assert faces.evaluate_faces(tmp_path, tmp_path) == figures
    keras.mixed_precision.set_global_policy("float32")
    assert len(split_faces(corpus).held_out) > 0


def test_figures_are_shares_of_what_occurs() -> None:
    probabilities = np.full((4, 7), 0.05, np.float32)
    probabilities[[0, 1, 2, 3], [0, 0, 3, 3]] = 0.7
    figures = faces.face_figures(probabilities, np.array([0, 1, 3, 3]))
    assert figures["accuracy"] == 0.75
    assert figures["unweighted_accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["by_emotion"] == {"angry": 1.0, "disgust": 0.0, "happy": 1.0}
    assert figures["calibration_error"] == pytest.approx(0.05, abs=1e-4)


def test_the_detectors_two_outputs_become_one(tmp_path: Path) -> None:
    shapes = {"classificators": [1, 5, 1], "regressors": [1, 5, 16]}
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"{name}_in"], [name]) for name in shapes],
        "detector",
        [
            helper.make_tensor_value_info(f"{name}_in", TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ],
    )
    file = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), file)
    join_outputs(file)
    joined = onnx.load(file).graph
    assert [output.name for output in joined.output] == ["detections"]
    assert list(joined.node[-1].input) == ["regressors", "classificators"]
    shape = joined.output[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in shape] == [1, 5, 17]
