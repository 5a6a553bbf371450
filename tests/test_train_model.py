"""The command line of training, on a made-up corpus whose emotions are pitches."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner, Result

from emosync.artifacts import load_artifact
from emosync.labels import RAVDESS_CODES
from train_model import cli

ACTORS = range(1, 11)
REPETITIONS = 2
SR_HZ = 16_000


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpora")
    rng = np.random.default_rng(0)
    time_s = np.arange(SR_HZ // 2) / SR_HZ
    for actor in ACTORS:
        folder = root / "ravdess" / f"Actor_{actor:02d}"
        folder.mkdir(parents=True)
        for code in RAVDESS_CODES:
            for repetition in range(1, REPETITIONS + 1):
                tone = np.sin(2 * np.pi * (100 + 150 * int(code) + actor) * time_s)
                y = 0.5 * tone + 0.01 * rng.normal(size=len(time_s))
                name = f"03-01-{code}-01-01-{repetition:02d}-{actor:02d}.wav"
                sf.write(folder / name, y, SR_HZ)
    return root


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def train(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def evaluated(corpora: Path, work: Path) -> Result:
    return train(
        "evaluate",
        "speech",
        "--protocol",
        "speaker",
        "--method",
        "random_forest",
        "--data",
        corpora,
        "--work",
        work,
    )


def test_help_does_not_import_keras() -> None:
    code = (
        "import sys, train_model\n"
        "train_model.cli(['speech', '--help'], standalone_mode=False)\n"
        "assert not {'keras', 'tensorflow', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--method" in done.stdout


def test_a_folder_without_corpora_is_named(tmp_path: Path) -> None:
    options = ("--data", tmp_path, "--work", tmp_path / "work")
    done = train("evaluate", "speech", "--protocol", "seed", "--method", "svm", *options)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {tmp_path} holds none of the folders")


def test_what_was_not_judged_is_not_shipped(corpora: Path, tmp_path: Path) -> None:
    options = ("--data", corpora, "--work", tmp_path / "work", "--models", tmp_path)
    done = train("speech", *options)
    assert done.exit_code == 1
    assert "Judge it first" in done.output
    assert not (tmp_path / "speech").exists()


@pytest.mark.slow
def test_emotions_that_are_pitches_are_told_apart(evaluated: Result, work: Path) -> None:
    (written,) = (work / "random_forest").glob("speaker-*.json")
    figures = json.loads(written.read_text("utf-8"))
    assert figures["accuracy"] > 0.9
    assert figures["clips"] == len(ACTORS) * len(RAVDESS_CODES) * REPETITIONS
    assert list(figures["by_corpus"]) == ["RAVDESS"]
    assert list(figures["by_fold"]) == ["0", "1", "2", "3", "4"]
    assert '"unweighted_accuracy"' in evaluated.output


@pytest.mark.slow
@pytest.mark.usefixtures("evaluated")
def test_a_shipped_model_matches_its_card(corpora: Path, work: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    options = ("--data", corpora, "--work", work, "--models", models)
    done = train("speech", "--method", "random_forest", *options)
    assert done.exit_code == 0
    folder = models / "speech" / "random_forest"
    artifact = load_artifact(folder)
    assert artifact.card["figures"]["speaker"]["accuracy"] > 0.9
    assert artifact.card["served_agreement"] == 1
    assert "temperature" not in artifact.card
    assert artifact.card["trained_on"] == [
        {
            "name": "RAVDESS",
            "licence": "CC BY-NC-SA 4.0",
            "citation": "Livingstone and Russo 2018",
            "clips": len(ACTORS) * len(RAVDESS_CODES) * REPETITIONS,
            "speakers": len(ACTORS),
        }
    ]
    assert (folder / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    probabilities = artifact.run(np.zeros((1, artifact.card["n_features"]), np.float32))
    np.testing.assert_allclose(probabilities.sum(), 1, atol=1e-5)
