"""The genre commands, on a made-up GTZAN whose genres are chords, levels and beats."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from conftest import ROOT
from known_warnings import EXPORTING_ONNX, QUANTISING, SAVING_WEIGHTS
from music import MAJOR, MINOR, SR_HZ, chord

from emosync.artifacts import load_artifact
from emosync.genre_slices import GENRE_SR_HZ, slice_log_mels
from emosync.labels import GENRES
from emosync.training import genre_cnn
from emosync.training.genre_corpora import read_genres
from emosync.training.genre_recipes import learn_genres, read_genre_material
from train_model import cli

# See test_clip_frames.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
    EXPORTING_ONNX,
    QUANTISING,
    SAVING_WEIGHTS,
]

N_TRACKS = 5


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    """Undo the cnn's mixed precision for other tests."""
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("music")
    for number, genre in enumerate(GENRES):
        folder = root / "gtzan" / genre
        folder.mkdir(parents=True)
        for track in range(N_TRACKS):
            sf.write(folder / f"{genre}.{track:05d}.wav", tune(number, track), SR_HZ)
    return root


def tune(genre: int, track: int) -> np.ndarray:
    """Play 3 s, an octave higher for every two genres, in a key of the track's."""
    notes = MAJOR if genre % 2 else MINOR
    key = [f * 2 ** (genre // 2 - 2 + track / 60) for f in notes]
    return chord(key, 3.0, level=0.3, beats_hz=1.0 + genre)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "music").symlink_to(ROOT / "models" / "music")
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def command(*words: str, corpus: Path, models: Path, work: Path) -> Any:
    places = ["--data", str(corpus), "--models", str(models), "--work", str(work)]
    return CliRunner().invoke(cli, [*words, "--method", "musicnn", *places])


@pytest.fixture(scope="module")
def figures(corpus: Path, models: Path, work: Path) -> dict[str, Any]:
    result = command("evaluate", "genre", corpus=corpus, models=models, work=work)
    assert result.exit_code == 0, result.output
    parsed: dict[str, Any] = json.loads(result.output[result.output.index("{\n") :])
    return parsed


def test_a_method_must_be_judged_before_it_is_shipped(
    corpus: Path, models: Path, tmp_path: Path
) -> None:
    result = command("genre", corpus=corpus, models=models, work=tmp_path)
    assert result.exit_code == 1
    assert "evaluate genre" in result.output


def test_the_head_tells_tracks_that_it_did_not_hear(figures: dict[str, Any]) -> None:
    assert figures["tracks"] == len(GENRES) * N_TRACKS
    assert figures["mean_recall"] > 0.6
    assert figures["top_3"] >= figures["mean_recall"]
    assert figures["random_slices"]["mean_recall"] > 0.6
    assert "emotify" not in figures


def test_the_shipped_head_has_a_card_with_its_figures(
    figures: dict[str, Any], corpus: Path, models: Path, work: Path
) -> None:
    result = command("genre", corpus=corpus, models=models, work=work)
    assert result.exit_code == 0, result.output
    folder = models / "genre" / "musicnn"
    artifact, native = (load_artifact(folder, runtime=r) for r in ("onnx", "native"))
    assert artifact.card["figures"]["track"] == figures
    assert artifact.labels == GENRES
    assert artifact.card["feature_type"] == "musicnn_windows"
    assert (folder / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    X = np.abs(np.random.default_rng(0).normal(size=(3, 1506))).astype(np.float32)
    np.testing.assert_allclose(artifact.run(X).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(artifact.run(X), native.run(X), atol=1e-4)


def test_the_cnn_learns_from_labels_and_its_teacher(
    corpus: Path, models: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(genre_cnn, "SCHEDULE", replace(genre_cnn.SCHEDULE, epochs=1))
    material = read_genre_material(read_genres(corpus), models, work / "genre")
    learnt = learn_genres("cnn", material, material.of("gtzan"), "tried")
    assert [len(logits) for logits in learnt.logits] == [2] * len(material.tracks)
    learnt.export(tmp_path, 1.5)
    again = learn_genres("cnn", material, material.of("gtzan"), "tried")
    np.testing.assert_allclose(again.logits[0], learnt.logits[0], atol=1e-3)


def test_the_cnn_takes_slices_as_serving_cuts_them() -> None:
    model = genre_cnn.build_genre_cnn(exportable=True)
    X = slice_log_mels(np.random.default_rng(0).normal(0, 0.1, GENRE_SR_HZ * 3).astype(np.float32))
    probabilities = np.asarray(model(X))
    assert probabilities.shape == (2, len(GENRES))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-3)
