"""musicnn rebuilt, held to a forward pass written out in the published order."""

import io
import os
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import onnx
import pytest
import soundfile as sf
import tensorflow as tf
from conftest import ROOT
from known_warnings import EXPORTING_ONNX, SAVING_WEIGHTS
from music import SR_HZ, as_wav, music

from emosync.artifacts import ONNX_FILE, Artifact, load_artifact
from emosync.audio import decode
from emosync.framing import FloatArray
from emosync.musicnn import (
    CONTEXT_FRAMES,
    N_ACTIVATIONS,
    N_FRAME_FEATURES,
    N_MELS,
    music_log_mel,
    music_steps,
)
from emosync.training import music as shipping
from emosync.training.music import TAGS, calibrating_log_mels, ship_musicnn
from emosync.training.musicnn import (
    EPSILON,
    KERNELS,
    N_FILTERS,
    build_back,
    build_frames,
    read_checkpoint,
)

MODELS = ROOT / "models" / "music"
SONGS = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music" / "songs"
SONG = SONGS / "Kevin_MacLeod_-_Vibe_Ace.ogg"
N_FRONT = sum(N_FILTERS)

pytestmark = [SAVING_WEIGHTS, EXPORTING_ONNX]

Floats = npt.NDArray[np.floating]
Weights = dict[str, FloatArray]


def made_up_weights(seed: int = 0) -> Weights:
    """Random weights under the names and in the shapes of the published ones."""
    rng = np.random.default_rng(seed)
    convolutions = [(*k, 1, n) for k, n in zip(KERNELS, N_FILTERS, strict=True)]
    convolutions += [(7, n, 1, 64) for n in (N_FRONT, 64, 64)]
    normalised = [1, *N_FILTERS, 64, 64, 64, 2 * N_FRAME_FEATURES, N_ACTIVATIONS]
    shapes: dict[str, tuple[int, ...]] = {
        "dense/kernel": (2 * N_FRAME_FEATURES, N_ACTIVATIONS),
        "dense_1/kernel": (N_ACTIVATIONS, len(TAGS)),
    }
    shapes |= {f"conv2d{_number(i)}/kernel": shape for i, shape in enumerate(convolutions)}
    weights = {n: rng.normal(0, np.prod(s[:-1]) ** -0.5, s) for n, s in shapes.items()}
    weights |= {n.replace("kernel", "bias"): rng.normal(0, 0.3, s[-1]) for n, s in shapes.items()}
    for i, n in enumerate(normalised):
        name = f"batch_normalization{_number(i)}"
        weights |= {f"{name}/{part}": rng.normal(0, 1, n) for part in ("beta", "moving_mean")}
        # About half of the filters are turned over.
        weights[f"{name}/gamma"] = rng.normal(0, 1, n)
        weights[f"{name}/moving_variance"] = rng.uniform(0.3, 2, n)
    return {name: values.astype(np.float32) for name, values in weights.items()}


def _number(i: int) -> str:
    return f"_{i}" if i else ""


def normalise(x: Floats, weights: Weights, i: int) -> Floats:
    name = f"batch_normalization{_number(i)}"
    gamma, beta, mean, variance = (
        weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta)


def convolve(x: Floats, weights: Weights, i: int) -> Floats:
    """Convolve (n_frames, n_bands) over time and bands, with as many frames as before."""
    kernel, bias = (weights[f"conv2d{_number(i)}/{part}"] for part in ("kernel", "bias"))
    n_frames, n_bands = kernel.shape[:2]
    padded = np.pad(x, (((n_frames - 1) // 2, n_frames // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (n_frames, n_bands))
    return np.asarray(np.tensordot(windows, kernel[:, :, 0], axes=2) + bias)


def published_frames(log_mel: FloatArray, weights: Weights) -> Floats:
    """Convolution, rectifier, normalisation, and only then the maximum over frequency."""
    x = normalise(log_mel[:, :, np.newaxis], weights, 0)[:, :, 0]
    front = [
        normalise(np.maximum(convolve(x, weights, i), 0), weights, i + 1).max(axis=1)
        for i in range(5)
    ]
    layers = [np.hstack(front)]
    for i in (5, 6, 7):
        rectified = np.maximum(convolve(layers[-1], weights, i), 0)[:, 0]
        h = normalise(rectified, weights, i + 1)
        layers.append(h if i == 5 else h + layers[-1])
    return np.hstack(layers)


def published_back(pooled: FloatArray, weights: Weights) -> tuple[Floats, Floats]:
    x = normalise(pooled, weights, 9)
    hidden = np.maximum(x @ weights["dense/kernel"] + weights["dense/bias"], 0)
    activations = normalise(hidden, weights, 10)
    scores = activations @ weights["dense_1/kernel"] + weights["dense_1/bias"]
    return activations, 1 / (1 + np.exp(-scores))


def log_mels(n_frames: int) -> FloatArray:
    return np.random.default_rng(n_frames).uniform(0, 3, (n_frames, N_MELS)).astype(np.float32)


def run(model: keras.Model, X: FloatArray) -> FloatArray:
    return np.asarray(keras.ops.convert_to_numpy(model(X, training=False)), np.float32)


def correlation(first: FloatArray, second: FloatArray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.fixture(scope="module")
def weights() -> Weights:
    return made_up_weights()


@pytest.fixture(scope="module")
def at_every_frame(weights: Weights) -> keras.Model:
    return build_frames(weights)


@pytest.fixture(scope="module")
def at_every_other(weights: Weights) -> keras.Model:
    return build_frames(weights, stride=2)


def loaded(folder: Path, *, runtime: str) -> tuple[Artifact, Artifact]:
    network, back = (load_artifact(folder / m, runtime=runtime) for m in ("musicnn", "tags"))
    return network, back


@pytest.fixture(scope="module")
def native() -> tuple[Artifact, Artifact]:
    return loaded(MODELS, runtime="native")


@pytest.fixture(scope="module")
def served() -> tuple[Artifact, Artifact]:
    return loaded(MODELS, runtime="onnx")


@pytest.fixture(scope="module")
def shipped(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ship the made-up weights; returns the folder of both models."""
    folder = tmp_path_factory.mktemp("shipped")
    write_songs(folder / "songs", 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipping, "N_CALIBRATING", 2)
        patch.setattr(shipping, "fetch", lambda packaged, cache: cache / packaged.member)
        patch.setattr(shipping, "read_checkpoint", lambda folder: weights)
        ships = ship_musicnn(folder / "songs", folder / "models", folder / "work")
    assert ships == tuple(folder / "models" / "music" / name for name in ("musicnn", "tags"))
    return folder / "models" / "music"


def test_the_made_up_filters_are_turned_over_as_often_as_not(weights: Weights) -> None:
    for i in range(1, 6):
        assert 0.3 < (weights[f"batch_normalization_{i}/gamma"] < 0).mean() < 0.7


@pytest.mark.parametrize("n_frames", [1, 40, 187])
def test_maxima_first_give_the_numbers_of_the_published_order(
    at_every_frame: keras.Model, weights: Weights, n_frames: int
) -> None:
    log_mel = log_mels(n_frames)
    features = run(at_every_frame, log_mel[np.newaxis])
    assert features.shape == (1, n_frames, N_FRAME_FEATURES)
    np.testing.assert_allclose(
        features[0], published_frames(log_mel, weights), rtol=1e-3, atol=2e-3
    )


def test_recordings_of_a_batch_do_not_mix(at_every_frame: keras.Model) -> None:
    X = np.stack([log_mels(30), log_mels(31)[:30]])
    alone = np.concatenate([run(at_every_frame, x[np.newaxis]) for x in X])
    np.testing.assert_allclose(run(at_every_frame, X), alone, atol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 40, 187])
def test_a_stride_of_2_says_everything_twice_in_the_front_end(
    at_every_frame: keras.Model, at_every_other: keras.Model, n_frames: int
) -> None:
    X = log_mels(n_frames)[np.newaxis]
    every, other = run(at_every_frame, X), run(at_every_other, X)
    # A frame more where their number is odd.
    assert other.shape == (1, n_frames + n_frames % 2, N_FRAME_FEATURES)
    front = other[..., :N_FRONT]
    np.testing.assert_array_equal(front[:, ::2], front[:, 1::2])
    np.testing.assert_allclose(front[:, ::2], every[:, ::2, :N_FRONT], atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_frame_is_made_of_no_more_than_its_context(
    at_every_frame: keras.Model, at_every_other: keras.Model, stride: int
) -> None:
    model = at_every_frame if stride == 1 else at_every_other
    X = log_mels(2 * CONTEXT_FRAMES + 20)
    changed = X.copy()
    changed[CONTEXT_FRAMES + 10] += 1
    difference = run(model, X[np.newaxis]) != run(model, changed[np.newaxis])
    (touched,) = np.nonzero(difference.any(axis=(0, 2)))
    assert touched.min() > 10
    assert touched.max() < 2 * CONTEXT_FRAMES + 10


def test_the_last_layers_give_activations_and_then_probabilities(weights: Weights) -> None:
    pooled = np.random.default_rng(1).normal(size=(5, 2 * N_FRAME_FEATURES)).astype(np.float32)
    activations, probabilities = published_back(pooled, weights)
    said = run(build_back(weights), pooled)
    np.testing.assert_allclose(said[:, :N_ACTIVATIONS], activations, atol=1e-3)
    np.testing.assert_allclose(said[:, N_ACTIVATIONS:], probabilities, atol=1e-3)


def test_a_checkpoint_without_a_name_is_read_without_what_only_training_needs(
    tmp_path: Path,
) -> None:
    kept = {"dense/bias": np.arange(3.0), "conv2d/kernel": np.ones((1, 2, 3, 4))}
    others = {"dense/bias/Adam": np.zeros(3), "dense/bias/Adam_1": np.zeros(3), "beta1_power": 0.9}
    names = [*kept, *others]
    values = [np.asarray(v, np.float32) for v in (*kept.values(), *others.values())]
    tf.raw_ops.SaveV2(
        prefix=f"{tmp_path}/", tensor_names=names, shape_and_slices=[""] * 5, tensors=values
    )
    assert (tmp_path / ".index").exists()
    found = read_checkpoint(tmp_path)
    assert set(found) == set(kept)
    for name, value in kept.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.slow
def test_what_is_shipped_loads_in_both_runtimes_and_names_its_tags(shipped: Path) -> None:
    y = decode(as_wav(music(6.0))).y
    said = []
    for runtime in ("onnx", "native"):
        network, back = loaded(shipped, runtime=runtime)
        assert network.card["method"] == "musicnn"
        assert back.labels == TAGS
        said.append(pool_and_tag(y, network, back))
    assert said[0].shape == (13, N_ACTIVATIONS + len(TAGS))
    assert correlation(*said) > 0.98


@pytest.mark.slow
def test_int8_timbre_stays_near_on_music_that_did_not_set_its_ranges(
    shipped: Path, at_every_other: keras.Model
) -> None:
    log_mel = music_log_mel(decode(as_wav(music(8.0, seed=99))).y)[np.newaxis]
    said = load_artifact(shipped / "musicnn").run(log_mel)
    expected = run(at_every_other, log_mel)
    assert said.shape == expected.shape
    timbre = slice(0, sum(N_FILTERS[:2]))
    assert correlation(said[..., timbre], expected[..., timbre]) > 0.995
    # The rest of the front end works in float32, on log-mels in 8 bits.
    tempo = slice(timbre.stop, N_FRONT)
    assert correlation(said[..., tempo], expected[..., tempo]) > 0.999
    assert correlation(said, expected) > 0.99


def write_songs(folder: Path, n_songs: int) -> None:
    folder.mkdir()
    for i in range(n_songs):
        out = io.BytesIO()
        sf.write(out, music(12.0, seed=i), SR_HZ, format="OGG", subtype="VORBIS")
        (folder / f"{i}.ogg").write_bytes(out.getvalue())


def pool_and_tag(y: FloatArray, network: Artifact, back: Artifact) -> FloatArray:
    """Activations and tags of every step."""
    return np.concatenate([back.run(steps.pooled) for steps in music_steps([y], network.run)])


def test_recordings_that_set_the_ranges_are_taken_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "N_CALIBRATING", 2)
    write_songs(tmp_path / "songs", 3)
    chosen = calibrating_log_mels(tmp_path)
    assert len(chosen) == 2
    for log_mel, number in zip(chosen, (0, 2), strict=True):
        whole = music_log_mel(decode((tmp_path / "songs" / f"{number}.ogg").read_bytes()).y)
        np.testing.assert_array_equal(log_mel, whole[:512])


def test_the_card_names_fifty_tags_each_once(served: tuple[Artifact, Artifact]) -> None:
    assert served[1].labels == TAGS
    assert len(set(TAGS)) == 50


def test_only_the_two_timbral_convolutions_are_in_int8() -> None:
    graph = onnx.load(MODELS / "musicnn" / ONNX_FILE).graph
    rounded = {n.input[0] for n in graph.node if n.op_type == "DequantizeLinear"}
    kernels = [t for t in graph.initializer if t.name in rounded and len(t.dims) == 4]
    assert sorted(t.dims[0] for t in kernels) == [204, 204]
    assert {t.data_type for t in kernels} == {onnx.TensorProto.INT8}


@pytest.mark.slow
@pytest.mark.parametrize(
    "song",
    [
        None,
        pytest.param(
            SONG,
            marks=pytest.mark.skipif(
                not SONG.exists(), reason="the folder of real recordings is not there"
            ),
        ),
    ],
    ids=["made-up music", "a recording"],
)
def test_what_is_served_hears_what_the_native_files_hear(
    served: tuple[Artifact, Artifact], native: tuple[Artifact, Artifact], song: Path | None
) -> None:
    y = decode(song.read_bytes() if song else as_wav(music())).y[: 20 * 16_000]
    log_mel = music_log_mel(y)[np.newaxis]
    ours, theirs = (network.run(log_mel) for network, _ in (served, native))
    assert ours.shape == theirs.shape
    # Made-up music has sounds beyond the ranges that music set.
    assert correlation(ours, theirs) > (0.99 if song else 0.96)
    heard, expected = (pool_and_tag(y, *pair) for pair in (served, native))
    assert correlation(heard[:, :N_ACTIVATIONS], expected[:, :N_ACTIVATIONS]) > 0.98
    tags, expected_tags = heard[:, N_ACTIVATIONS:], expected[:, N_ACTIVATIONS:]
    assert correlation(tags, expected_tags) > 0.99
    np.testing.assert_allclose(tags.mean(axis=0), expected_tags.mean(axis=0), atol=0.04)


def test_the_last_layers_served_are_the_native_ones(
    served: tuple[Artifact, Artifact], native: tuple[Artifact, Artifact]
) -> None:
    y = decode(as_wav(music(6.0))).y
    pooled = np.concatenate([s.pooled for s in music_steps([y], served[0].run)])
    np.testing.assert_allclose(served[1].run(pooled), native[1].run(pooled), atol=1e-4)
