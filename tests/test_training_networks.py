from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from known_warnings import EXPORTING_ONNX, QUANTISING, SAVING_WEIGHTS
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emosync.artifacts import CARD_FILE, load_artifact
from emosync.features import whisper_input
from emosync.framing import FloatArray
from emosync.training.cnn import build_cnn
from emosync.training.evaluation import softmax
from emosync.training.export import export_network, write_card
from emosync.training.whisper import (
    D_FEED_FORWARD,
    D_MODEL,
    N_LAYERS,
    N_POSITIONS,
    build_classifier,
    build_encoder,
    build_pooled_encoder,
    load_encoder_weights,
    load_head,
)

N_LABELS = 8
LENGTHS = [60, 300, 800]

Build = Callable[..., keras.Model]


def log_mels(n_frames: int, n_clips: int = 2) -> FloatArray:
    rng = np.random.default_rng(n_frames)
    return whisper_input(rng.normal(-2, 1, (n_clips, n_frames, 80)).astype(np.float32))


def run(model: keras.Model, X: FloatArray) -> FloatArray:
    return np.asarray(keras.ops.convert_to_numpy(model(X, training=False)), np.float32)


@pytest.fixture(scope="module", params=[build_cnn, build_classifier])
def build(request: pytest.FixtureRequest) -> Build:
    keras.utils.set_random_seed(0)
    chosen: Build = request.param
    return chosen


@pytest.fixture(scope="module")
def pair(build: Build) -> tuple[keras.Model, keras.Model]:
    """Build a model to train and the one to export, at temperature 2, with the same weights."""
    trainable = build(N_LABELS)
    exportable = build(N_LABELS, exportable=True, temperature=2.0)
    exportable.set_weights(trainable.get_weights())
    return trainable, exportable


@pytest.mark.parametrize("n_frames", LENGTHS)
def test_probabilities_sum_to_1_at_any_length(
    pair: tuple[keras.Model, keras.Model], n_frames: int
) -> None:
    probabilities = run(pair[1], log_mels(n_frames))
    assert probabilities.shape == (2, N_LABELS)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("n_frames", LENGTHS)
def test_the_exported_model_is_the_trained_one_up_to_softmax(
    pair: tuple[keras.Model, keras.Model], n_frames: int
) -> None:
    X = log_mels(n_frames)
    trainable, exportable = pair
    np.testing.assert_allclose(
        run(exportable, X), softmax(run(trainable, X) / np.float32(2)), atol=1e-5
    )


def test_a_clip_gets_the_same_answer_in_any_batch(pair: tuple[keras.Model, keras.Model]) -> None:
    X = log_mels(100, n_clips=3)
    alone = np.concatenate([run(pair[1], x[np.newaxis]) for x in X])
    np.testing.assert_allclose(run(pair[1], X), alone, atol=1e-5)


@pytest.mark.slow
@SAVING_WEIGHTS
@EXPORTING_ONNX
@QUANTISING
def test_the_files_written_answer_as_the_model_did(build: Build, tmp_path: Path) -> None:
    model = build(N_LABELS, exportable=True)
    X = log_mels(120)
    expected = run(model, X)
    export_network(model, tmp_path)
    members = ("task", "method", "model_type", "labels", "feature_type", "n_features")
    write_card(tmp_path, {**dict.fromkeys(members, ""), "feature_settings": {}})
    assert (tmp_path / CARD_FILE).exists()
    for runtime in ("onnx", "native"):
        probabilities = load_artifact(tmp_path, runtime=runtime).run(X)
        # Weights, and in the native file inputs too, are rounded to int8.
        np.testing.assert_allclose(probabilities, expected, atol=0.05)


def made_up_weights() -> dict[str, FloatArray]:
    """Random weights under the names and in the shapes of the packaged ones."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"positions": (N_POSITIONS, D_MODEL)}
    for name, n_inputs in (("conv1", 80), ("conv2", D_MODEL)):
        shapes |= {f"{name}/kernel": (3, n_inputs, D_MODEL), f"{name}/bias": (D_MODEL,)}
    wide = {"fc1": (D_MODEL, D_FEED_FORWARD), "fc2": (D_FEED_FORWARD, D_MODEL)}
    for i in range(N_LAYERS):
        for name in ("key", "query", "value", "out", "fc1", "fc2"):
            shape = wide.get(name, (D_MODEL, D_MODEL))
            shapes |= {f"{i}/{name}/kernel": shape, f"{i}/{name}/bias": shape[1:]}
        for name in ("norm1", "norm2"):
            shapes |= {f"{i}/{name}/gamma": (D_MODEL,), f"{i}/{name}/beta": (D_MODEL,)}
        del shapes[f"{i}/key/bias"]
    return {n: rng.normal(0, 0.02, s).astype(np.float32) for n, s in shapes.items()}


def test_both_ways_to_build_the_encoder_give_the_same_numbers() -> None:
    X = log_mels(60)
    encoders = [build_encoder(exportable=exportable) for exportable in (False, True)]
    for encoder in encoders:
        load_encoder_weights(encoder, made_up_weights())
    for quick, exportable in zip(*(encoder(X) for encoder in encoders), strict=True):
        assert quick.shape == (2, 30, D_MODEL)
        np.testing.assert_allclose(quick, exportable, atol=1e-4)


def test_positions_count_from_the_end() -> None:
    encoder = build_encoder()
    weights = made_up_weights()
    load_encoder_weights(encoder, weights)
    (table,) = encoder.get_layer("positions").get_weights()
    np.testing.assert_array_equal(table[0], weights["positions"][-1])


def test_a_head_fitted_outside_gives_the_same_answer_inside() -> None:
    model, pooled = build_classifier(3), build_pooled_encoder()
    for network in (model, pooled):
        load_encoder_weights(network, made_up_weights())
    X = log_mels(60, n_clips=12)
    features = run(pooled, X)
    scaler = StandardScaler().fit(features)
    head = LogisticRegression().fit(scaler.transform(features), np.arange(12) % 3)
    load_head(model, head, scaler)
    expected = head.decision_function(scaler.transform(features))
    np.testing.assert_allclose(run(model, X), expected, atol=2e-3)
