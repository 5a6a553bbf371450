"""Mood models of tracks: the table's reader, training on a made-up table, what is shipped."""

import csv
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from known_warnings import EXPORTING_ONNX, SAVING_WEIGHTS

from emosync.artifacts import load_artifact, read_card
from emosync.labels import MOODS
from emosync.training import mood_network, moods
from emosync.training.mood_table import TRACK_FEATURES, artist_groups, read_mood_table
from train_model import cli

DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no music at {DATA}; EMOSYNC_DATA says where it is"
)
pytestmark = [EXPORTING_ONNX, SAVING_WEIGHTS]
METHODS = ("network", "random_forest")
COLUMNS = ["name", "album", "artist", "id", *TRACK_FEATURES[:-1], "length", "mood"]
# Energy and valence of each mood; the other features are noise.
CENTRES = {"Calm": (0.1, 0.4), "Energetic": (0.9, 0.3), "Happy": (0.7, 0.9), "Sad": (0.2, 0.1)}


def row(number: int, mood: str, rng: np.random.Generator) -> list[object]:
    values = dict(zip(TRACK_FEATURES, rng.uniform(0, 1, len(TRACK_FEATURES)), strict=True))
    energy, valence = CENTRES[mood]
    values |= {"energy": energy + rng.normal(0, 0.02), "valence": valence, "tempo": 120.0}
    values |= {"loudness": -10.0, "duration_ms": 200_000.0}
    names = [f"Song {number}", "Album", f"Artist {number // 2}", str(number)]
    return [*names, *(values[name] for name in TRACK_FEATURES), mood]


def write_table(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    rows = [row(i, MOODS[i % 4], rng) for i in range(120)]
    return write_table(tmp_path_factory.mktemp("music") / "data_moods.csv", rows).parent


@pytest.fixture(scope="module")
def shipped(
    request: pytest.FixtureRequest, table: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Train both methods by the command."""
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.setattr(mood_network, "STEPS", 40)
    patch.setattr(moods, "N_DEALS", 1)
    patch.setattr(moods, "N_FOLDS", 3)
    patch.setattr(moods, "CHOICE_DEALS", (0,))
    models = tmp_path_factory.mktemp("models")
    for method in METHODS:
        arguments = ["mood", "--method", method, "--data", str(table), "--models", str(models)]
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return models / "mood"


def test_a_song_that_stands_in_two_playlists_is_read_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [row(0, "Calm", rng), row(0, "Sad", rng), row(1, "Happy", rng)]
    found = read_mood_table(write_table(tmp_path / "data_moods.csv", rows))
    assert [MOODS[i] for i in found.labels] == ["Calm", "Happy"]
    assert found.columns(("tempo", "duration_ms")).tolist() == [[120, 200_000]] * 2


def test_a_table_without_a_number_is_refused(tmp_path: Path) -> None:
    broken = row(0, "Calm", np.random.default_rng(0))
    broken[5] = "loud"
    with pytest.raises(ValueError, match="lacks features"):
        read_mood_table(write_table(tmp_path / "data_moods.csv", [broken]))


def test_who_ever_played_together_is_one_group() -> None:
    groups = artist_groups(["A & B", "b", "C feat. B", "D", "AC/DC", "Various Artists", "d"])
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[6]
    assert len(set(groups.tolist())) == 4


@needs_data
def test_the_public_table_holds_no_song_twice() -> None:
    found = read_mood_table(DATA)
    assert found.X.shape == (686, len(TRACK_FEATURES))
    assert np.bincount(found.labels).tolist() == [195, 154, 140, 197]
    assert len(np.unique(found.artists)) == 540


@pytest.mark.parametrize("method", METHODS)
def test_the_command_writes_a_model_with_its_card(shipped: Path, method: str) -> None:
    card = read_card(shipped / method)
    assert (card["task"], card["method"], card["labels"]) == ("mood", method, list(MOODS))
    assert card["n_features"] == len(card["feature_names"])
    assert set(card["feature_defaults"]) <= {"duration_ms"}
    assert card["figures"]["tracks"] == 120
    # Energy alone tells nearly everything here, of any artist.
    assert card["figures"]["accuracy"] > 0.9
    assert len(card["figures"]["by_deal"]) == 1
    assert np.sum(card["figures"]["confusion"]) == 120


def test_the_network_has_five_features_the_telling_ones_among_them(shipped: Path) -> None:
    card = read_card(shipped / "network")
    assert len(card["feature_names"]) == 5
    assert "energy" in card["feature_names"]
    assert card["figures"]["features"] == card["feature_names"]
    assert card["figures"]["nested_accuracy"] > 0.8


def test_the_network_is_5_64_32_4(table: Path) -> None:
    found = read_mood_table(table)
    names = TRACK_FEATURES[:5]
    model = mood_network.build_network(names, found.columns(names))
    assert [w.shape for w in model.trainable_weights[::2]] == [(5, 64), (64, 32), (32, 4)]


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_onnx_keras_and_tflite_say_the_same(shipped: Path, table: Path) -> None:
    import tensorflow as tf

    folder = shipped / "network"
    X = read_mood_table(table).columns(tuple(read_card(folder)["feature_names"]))
    served = load_artifact(folder).run(X)
    np.testing.assert_allclose(served.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(load_artifact(folder, runtime="native").run(X), served, atol=1e-5)
    lite = tf.lite.Interpreter(str(folder / "model.tflite"))
    (given,), (told,) = lite.get_input_details(), lite.get_output_details()
    lite.resize_tensor_input(given["index"], X.shape)
    lite.allocate_tensors()
    lite.set_tensor(given["index"], X)
    lite.invoke()
    np.testing.assert_allclose(lite.get_tensor(told["index"]), served, atol=1e-5)


def test_the_forest_says_the_same_in_both_runtimes(shipped: Path, table: Path) -> None:
    X = read_mood_table(table).X
    served = load_artifact(shipped / "random_forest").run(X)
    native = load_artifact(shipped / "random_forest", runtime="native").run(X)
    np.testing.assert_allclose(native, served, atol=1e-5)


def test_the_temperature_divides_the_logits(table: Path) -> None:
    found = read_mood_table(table)
    names = TRACK_FEATURES[:5]
    X = found.columns(names)
    model = mood_network.build_network(names, X)
    before = np.log(model.predict_on_batch(X))
    mood_network.set_temperature(model, 2.0)
    after = np.log(model.predict_on_batch(X))
    np.testing.assert_allclose(np.diff(after, axis=1), np.diff(before, axis=1) / 2, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_shipped_models_are_small_quick_and_right_about_extremes(method: str) -> None:
    folder = ROOT / "models" / "mood" / method
    artifact = load_artifact(folder)
    names = artifact.card["feature_names"]
    X = np.array([[extreme[name] for name in names] for extreme in EXTREMES.values()], np.float32)
    told = artifact.run(X)
    assert [MOODS[i] for i in told.argmax(axis=1)] == list(EXTREMES)
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    assert sum(artifact.card["size_bytes"].values()) < 3_000_000
    five_hundred = np.tile(X, (125, 1))
    times_s = []
    for _ in range(20):
        begun_s = time.perf_counter()
        artifact.run(five_hundred)
        times_s.append(time.perf_counter() - begun_s)
    assert min(times_s) < 0.005


def extreme(energy: float, valence: float, **others: float) -> dict[str, float]:
    usual = {"danceability": 0.5, "tempo": 120.0, "liveness": 0.1, "speechiness": 0.04}
    return {**usual, "energy": energy, "valence": valence, "duration_ms": 210_000.0, **others}


EXTREMES: dict[str, dict[str, Any]] = {
    "Calm": extreme(
        0.02, 0.15, loudness=-28.0, acousticness=0.99, instrumentalness=0.92, danceability=0.35
    ),
    "Energetic": extreme(0.95, 0.4, loudness=-4.0, acousticness=0.0005, instrumentalness=0.01),
    "Happy": extreme(
        0.65, 0.9, loudness=-8.0, acousticness=0.15, instrumentalness=0.0001, danceability=0.75
    ),
    "Sad": extreme(
        0.25, 0.2, loudness=-12.0, acousticness=0.85, instrumentalness=0.001, danceability=0.45
    ),
}


def test_every_shipped_card_names_its_features_and_figures() -> None:
    for card_file in (ROOT / "models" / "mood").glob("*/card.json"):
        card = json.loads(card_file.read_text("utf-8"))
        assert len(card["feature_names"]) == card["n_features"]
        assert 0.6 < card["figures"]["accuracy"] < 0.95
        assert card["figures"]["calibration_error"] < 0.06
