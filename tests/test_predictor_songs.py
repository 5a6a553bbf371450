import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT
from music import as_mp3, as_wav, music
from onnx import helper, numpy_helper
from signals import noise, silence

from emosync.artifacts import ONNX_FILE, load_artifact
from emosync.audio import AudioLimits, decode, decode_blocks
from emosync.errors import ModelUnavailable, TooShort
from emosync.musicnn import DESCRIPTORS, N_ACTIVATIONS
from emosync.song_features import SongFeatures
from emosync.training.export import write_card
from predictor import METHODS, WHOLE_TASKS, ModelPredictor

MODELS = ROOT / "models"
AXES = METHODS["song"]
SONG_LIMITS = AudioLimits(min_duration_s=2.0, max_duration_s=7200.0)

each_axis = pytest.mark.parametrize("axis", AXES)


@pytest.fixture(scope="module")
def predictor() -> ModelPredictor:
    return ModelPredictor(MODELS)


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> ModelPredictor:
    """Tell valence and arousal by models that just look at one column each."""
    folder = tmp_path_factory.mktemp("song")
    columns = {"valence": N_ACTIVATIONS, "arousal": N_ACTIVATIONS + 50}
    for axis, column in columns.items():
        write_picking_model(folder / axis, column)
    return ModelPredictor(MODELS, elsewhere={("song", axis): folder / axis for axis in AXES})


def write_picking_model(folder: Path, column: int) -> None:
    """Write a model whose answer is one of its 258 inputs."""
    picked = np.zeros((258, 1), np.float32)
    picked[column] = 1
    described = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, n])
        for name, n in (("features", 258), ("value", 1))
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "picked"], ["value"])],
        "picking",
        described[:1],
        described[1:],
        [numpy_helper.from_array(picked, "picked")],
    )
    folder.mkdir()
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), folder / ONNX_FILE)
    members = dict.fromkeys(("task", "method", "model_type", "feature_type"), "")
    write_card(folder, {**members, "labels": [], "feature_settings": {}, "n_features": 258})


def features_with(predictor: ModelPredictor, columns: Mapping[str, object]) -> SongFeatures:
    """Features of five steps that are 0 but in some columns."""
    names = predictor.song_feature_names
    values = np.zeros((5, len(names)), np.float32)
    for name, column in columns.items():
        values[:, names.index(name)] = np.asarray(column)
    return SongFeatures(np.arange(5) / 2, values, names)


def heard(predictor: ModelPredictor, data: bytes) -> SongFeatures:
    return predictor.song_features(decode_blocks(data, limits=SONG_LIMITS))


def test_the_features_are_activations_tags_descriptors_and_changes(simple: ModelPredictor) -> None:
    names = simple.song_feature_names
    assert len(names) == len(set(names)) == N_ACTIVATIONS + 50 + 2 * len(DESCRIPTORS)
    assert names[N_ACTIVATIONS] == "tag_rock"
    assert names[N_ACTIVATIONS + 50] == DESCRIPTORS[0]


@pytest.mark.parametrize("encode", [as_wav, as_mp3])
def test_a_song_has_features_every_half_second(simple: ModelPredictor, encode: object) -> None:
    assert callable(encode)
    data = encode(music(12.0))
    features = heard(simple, data)
    assert features.names == simple.song_feature_names
    np.testing.assert_array_equal(features.time_s, np.arange(len(features.time_s)) / 2)
    assert len(features.time_s) in (24, 25, 26)
    assert np.isfinite(features.values).all()
    whole = simple.song_features([decode(data).y])
    np.testing.assert_allclose(features.values, whole.values, atol=1e-3)


def test_what_is_shorter_than_2_s_is_refused(simple: ModelPredictor) -> None:
    with pytest.raises(TooShort, match="2 s"):
        heard(simple, as_wav(music(1.9)))
    assert len(heard(simple, as_wav(music(2.1))).time_s) == 5


def test_each_axis_is_told_by_its_own_model_at_the_times_of_the_features(
    simple: ModelPredictor,
) -> None:
    valence, arousal = [0.1, -0.2, 0.3, -0.4, 0.5], [-1, -0.5, 0, 0.5, 1]
    features = features_with(simple, {"tag_rock": valence, DESCRIPTORS[0]: arousal})
    curve = simple.song_curve(features)
    np.testing.assert_array_equal(curve.time_s, features.time_s)
    np.testing.assert_allclose(curve.valence, valence, atol=1e-6)
    np.testing.assert_allclose(curve.arousal, arousal, atol=1e-6)


def test_the_curve_stays_on_the_plane(simple: ModelPredictor) -> None:
    features = features_with(simple, {"tag_rock": [-7, -1, 0, 1, 7], DESCRIPTORS[0]: -100})
    curve = simple.song_curve(features)
    assert curve.valence.tolist() == [-1, -1, 0, 1, 1]
    assert curve.arousal.tolist() == [-1] * 5


def test_tags_are_ranked_and_as_many_as_asked_for(simple: ModelPredictor) -> None:
    likely = {"tag_hip-hop": [0, 0.5, 1, 0.5, 0], "tag_sad": 0.7, "tag_female_vocalist": 0.1}
    features = features_with(simple, likely)
    found = simple.song_tags(features)
    assert len(found) == 10
    assert list(found.items())[:4] == [
        ("sad", 0.7),
        ("Hip-Hop", 0.4),
        ("female vocalist", 0.1),
        ("rock", 0),
    ]
    assert list(simple.song_tags(features, n=2)) == ["sad", "Hip-Hop"]
    assert len(simple.song_tags(features, n=100)) == 50


@pytest.mark.parametrize(
    ("task", "method"), [(task, method) for task in WHOLE_TASKS for method in METHODS[task]]
)
def test_a_song_cannot_be_told_without_any_of_its_models(
    tmp_path: Path, task: str, method: str
) -> None:
    others = ("genre/features", "mood/network", "face/cnn", "face/detector")
    for path in ("speech/svm", "music/musicnn", "music/tags", *others):
        shutil.copytree(MODELS / path, tmp_path / path)
    (tmp_path / "song").mkdir()
    for axis in AXES:
        write_picking_model(tmp_path / "song" / axis, 0)
    assert ModelPredictor(tmp_path).methods("song") == AXES
    shutil.rmtree(tmp_path / task / method)
    with pytest.raises(ModelUnavailable, match=rf"{task} \({method}\)"):
        ModelPredictor(tmp_path)


def test_what_is_asked_are_voices_music_songs_genres_moods_and_faces(
    predictor: ModelPredictor,
) -> None:
    assert predictor.tasks == ("speech", "music", "song", "genre", "mood", "face")
    assert predictor.methods("song") == AXES


@each_axis
def test_the_card_is_that_of_the_axis_and_of_the_features(
    predictor: ModelPredictor, axis: str
) -> None:
    card = predictor.card("song", axis)
    assert (card["task"], card["method"]) == ("song", axis)
    assert card["n_features"] == len(predictor.song_feature_names)


def test_loud_fast_music_is_more_aroused_than_soft_slow_music(predictor: ModelPredictor) -> None:
    curve = predictor.song_curve(heard(predictor, as_wav(music(45.0))))
    soft_before, loud, soft_after = (
        curve.arousal[steps].mean() for steps in (slice(6, 24), slice(36, 54), slice(66, 84))
    )
    assert loud > soft_before + 0.1
    assert loud > soft_after + 0.1


@pytest.mark.parametrize(
    "y",
    [silence(4.0), noise(4.0, level=1e-6), np.clip(noise(4.0, level=20.0), -1, 1), noise(2.0)],
    ids=["silence", "very quiet", "clipped", "short"],
)
def test_whatever_it_is_has_a_curve_on_the_plane(predictor: ModelPredictor, y: np.ndarray) -> None:
    features = predictor.song_features([y])
    curve = predictor.song_curve(features)
    for values in (curve.valence, curve.arousal):
        assert values.shape == features.time_s.shape
        assert np.isfinite(values).all()
        assert (np.abs(values) <= 1).all()


def test_the_same_song_has_the_same_curve(predictor: ModelPredictor) -> None:
    data = as_wav(music(12.0))
    first, again = (predictor.song_curve(heard(predictor, data)) for _ in range(2))
    np.testing.assert_array_equal(first.valence, again.valence)
    np.testing.assert_array_equal(first.arousal, again.arousal)


@pytest.mark.slow
@each_axis
def test_onnx_tells_a_song_as_keras_does(predictor: ModelPredictor, axis: str) -> None:
    features = heard(predictor, as_wav(music(12.0)))
    onnx_run, keras_run = (
        load_artifact(MODELS / "song" / axis, runtime=runtime).run for runtime in ("onnx", "native")
    )
    np.testing.assert_allclose(onnx_run(features.values), keras_run(features.values), atol=0.02)
