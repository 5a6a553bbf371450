"""The model of the Kaggle table, taught on a table made up for the purpose."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from known_warnings import EXPORTING_SVM

from emosync.artifacts import load_artifact
from emosync.framing import FloatArray
from emosync.genre_statistics import GENRE_STATISTICS, SERVED_STATISTICS
from emosync.labels import GENRES
from emosync.training.genre_rows import Copies, read_copies, read_genre_table
from emosync.training.genre_table import evaluate_table, ship_table, teach

PER_GENRE = 20


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table in which each genre has its own coefficients."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(5)
    with (folder / "gtzan_features_30_sec.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", *GENRE_STATISTICS, "label"])
        for place, genre in enumerate(GENRES):
            for number in range(PER_GENRE):
                row = rng.normal(5, 1, len(GENRE_STATISTICS))
                row[20 + 3 * place : 24 + 3 * place] += 4
                writer.writerow([f"{genre}.{5 * number:05d}.au", *np.abs(row), genre])
    return folder


@pytest.fixture(scope="module")
def work(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Judge the model of that table."""
    folder = tmp_path_factory.mktemp("work")
    evaluate_table(data, folder)
    return folder


@pytest.fixture(scope="module")
def folder(data: Path, work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ship it."""
    return ship_table(data, tmp_path_factory.mktemp("models"), work)


def test_a_row_has_its_name_its_genre_and_what_the_model_sees(data: Path) -> None:
    table = read_genre_table(data)
    assert table.names[0] == "blues.00000"
    assert table.X.shape == (10 * PER_GENRE, len(SERVED_STATISTICS))
    assert table.genres.tolist() == [g for g in range(10) for _ in range(PER_GENRE)]


def test_without_recordings_there_are_no_copies(data: Path, tmp_path: Path) -> None:
    copies = read_copies(data, read_genre_table(data), tmp_path)
    assert len(copies.rows) == len(copies.whole) == len(copies.cut) == 0


def test_a_held_out_rows_copies_are_not_learnt_from(data: Path) -> None:
    table = read_genre_table(data)
    rows = np.arange(0, len(table.X), 2)
    held_out = np.arange(1, len(table.X), 2)[:30]
    known, rng = rows[:30], np.random.default_rng(0)

    def taught(noise: float) -> FloatArray:
        changed = table.X[held_out] + noise * rng.normal(size=(30, 52)).astype(np.float32)
        both = np.concatenate([table.X[known] + 0.1, changed]).astype(np.float32)
        copies = Copies(np.concatenate([known, held_out]), both, both)
        probabilities = teach(table, copies, rows).predict_proba(table.X[held_out])
        return np.asarray(probabilities, np.float32)

    np.testing.assert_array_equal(taught(0), taught(9))


def test_figures_are_by_track_by_artist_and_random(work: Path) -> None:
    figures = json.loads((work / "features.json").read_text("utf-8"))
    assert list(figures) == ["track", "artist", "random"]
    assert all(figures[name]["tracks"] == 10 * PER_GENRE for name in figures)
    assert figures["track"]["mean_recall"] > 0.8


@EXPORTING_SVM
def test_the_shipped_folder_says_and_serves_what_was_learnt(folder: Path, data: Path) -> None:
    assert folder.parts[-2:] == ("genre", "features")
    card = json.loads((folder / "card.json").read_text("utf-8"))
    assert (card["task"], card["method"]) == ("genre", "features")
    assert card["labels"] == list(GENRES)
    assert card["features"] == list(SERVED_STATISTICS)
    assert card["served_agreement"] == 1
    assert set(card["figures"]) == {"track", "artist", "random"}
    assert (folder / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    table = read_genre_table(data)
    onnx, native = (load_artifact(folder, runtime=r).run(table.X) for r in ("onnx", "native"))
    np.testing.assert_allclose(onnx, native, atol=1e-4)
    np.testing.assert_allclose(onnx.sum(axis=1), 1, atol=1e-5)
    assert (onnx.argmax(axis=1) == table.genres).mean() > 0.9


def test_a_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gtzan_features_30_sec.csv").write_text("filename,label\nblues.00000.au,blues\n")
    with pytest.raises(KeyError, match="length"):
        read_genre_table(tmp_path)
