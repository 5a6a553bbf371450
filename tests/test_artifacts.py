import json
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from known_warnings import EXPORTING_ONNX, SAVING_WEIGHTS
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emosync.artifacts import (
    CARD_FILE,
    KERAS_FILE,
    ONNX_FILE,
    REQUIRED_MEMBERS,
    SKOPS_FILE,
    load_artifact,
    read_card,
    sha256_of,
)
from emosync.errors import ModelUnavailable
from emosync.framing import FloatArray
from emosync.training.export import export_classical, export_plain, write_card

N_FEATURES = 5
LABELS = ("sad", "happy", "calm")
RUNTIMES = {"onnx": ONNX_FILE, "native": SKOPS_FILE}
CARD = {
    "task": "speech",
    "method": "tiny",
    "model_type": "logistic regression",
    "labels": LABELS,
    "feature_type": "mfcc_means",
    "feature_settings": {"n_mfcc": N_FEATURES},
    "n_features": N_FEATURES,
}


def vectors(seed: int) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(60, N_FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train and export a tiny model, with its card."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    X = vectors(0)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(X, X[:, :3].argmax(axis=1))
    export_classical(model, X, folder)
    write_card(folder, CARD)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Copy the model, to be broken."""
    return Path(shutil.copytree(trained, tmp_path / "tiny"))


def rewrite_card(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    change(card)
    (folder / CARD_FILE).write_text(json.dumps(card))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_model_answers_with_a_probability_per_label(trained: Path, runtime: str) -> None:
    artifact = load_artifact(trained, runtime=runtime)
    assert artifact.labels == LABELS
    probabilities = artifact.run(vectors(1))
    assert probabilities.shape == (60, len(LABELS))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_both_runtimes_agree(trained: Path) -> None:
    onnx, native = (load_artifact(trained, runtime=runtime).run for runtime in RUNTIMES)
    np.testing.assert_allclose(onnx(vectors(1)), native(vectors(1)), atol=1e-5)


def test_a_batch_gives_what_its_clips_give_alone(trained: Path) -> None:
    run = load_artifact(trained).run
    X = vectors(1)[:4]
    np.testing.assert_allclose(run(X), np.concatenate([run(x[None]) for x in X]), atol=1e-6)


@pytest.mark.slow
@SAVING_WEIGHTS
@EXPORTING_ONNX
@pytest.mark.parametrize("shape", [(N_FEATURES,), (None, N_FEATURES)], ids=["vectors", "frames"])
def test_a_plain_network_keeps_its_numbers_in_both_runtimes(
    tmp_path: Path, shape: tuple[int | None, ...]
) -> None:
    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    export_plain(model, tmp_path)
    write_card(tmp_path, {**CARD, "labels": []})
    onnx, native = (load_artifact(tmp_path, runtime=runtime) for runtime in RUNTIMES)
    assert onnx.labels == ()
    assert set(onnx.card["sha256"]) == {ONNX_FILE, KERAS_FILE}
    # Any number of vectors; frames of one recording, any number of them.
    for n in (1, 7, 300):
        X = vectors(2)[np.arange(n) % 60]
        X = X if len(shape) == 1 else X[np.newaxis]
        expected = keras.ops.convert_to_numpy(model(X))
        for artifact in (onnx, native):
            np.testing.assert_allclose(artifact.run(X), expected, atol=1e-6)


@pytest.mark.parametrize(("runtime", "file"), RUNTIMES.items())
def test_a_missing_file_is_named(folder: Path, runtime: str, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelUnavailable, match=file):
        load_artifact(folder, runtime=runtime)


@pytest.mark.parametrize(("runtime", "file"), RUNTIMES.items())
def test_a_changed_byte_is_noticed(folder: Path, runtime: str, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(ModelUnavailable, match="not the one of its card"):
        load_artifact(folder, runtime=runtime)


@pytest.mark.parametrize(("runtime", "file"), RUNTIMES.items())
@pytest.mark.parametrize("content", [b"", b"no model at all"])
def test_a_file_that_is_no_model_is_unavailable_even_if_its_card_says_so(
    folder: Path, runtime: str, file: str, content: bytes
) -> None:
    (folder / file).write_bytes(content)
    rewrite_card(folder, lambda card: card.update(sha256={file: sha256_of(folder / file)}))
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load_artifact(folder, runtime=runtime)


@pytest.mark.parametrize("member", REQUIRED_MEMBERS)
def test_a_card_that_lacks_a_member_is_refused_and_the_member_named(
    folder: Path, member: str
) -> None:
    rewrite_card(folder, lambda card: card.pop(member))
    with pytest.raises(ModelUnavailable, match=rf"lacks {member}\.$"):
        read_card(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"card"', "\x80"])
def test_a_card_that_is_no_object_is_refused(folder: Path, text: str) -> None:
    (folder / CARD_FILE).write_text(text, "latin-1")
    with pytest.raises(ModelUnavailable):
        load_artifact(folder)


@pytest.mark.parametrize("stated", [{}, {ONNX_FILE: None}, "0" * 64, None])
def test_a_card_that_states_no_hash_of_the_file_is_refused(folder: Path, stated: object) -> None:
    rewrite_card(folder, lambda card: card.update(sha256=stated))
    with pytest.raises(ModelUnavailable):
        load_artifact(folder)


def test_a_folder_without_a_card_is_refused_and_the_path_kept_secret(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        load_artifact(tmp_path / "tiny")
    assert str(tmp_path) not in caught.value.message
