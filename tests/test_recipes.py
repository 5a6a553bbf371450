"""The model that is the mean of others."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile as sf
from known_warnings import SAVING_WEIGHTS

from emosync.framing import FloatArray
from emosync.labels import SPEECH_EMOTIONS
from emosync.training import recipes
from emosync.training.corpora import read_speech
from emosync.training.recipes import SCHEDULES, WEIGHTS_SUFFIX, Task, learn
from emosync.training.whisper import build_classifier


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    root = tmp_path_factory.mktemp("corpora")
    folder = root / "ravdess" / "Actor_01"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for code in range(1, 5):
        sf.write(folder / f"03-01-0{code}-01-01-01-01.wav", 0.1 * rng.normal(size=9_600), 16_000)
    clips = read_speech(root)
    work = tmp_path_factory.mktemp("work")
    everyone = np.arange(len(clips))
    folds = tuple(Task(clips, SPEECH_EMOTIONS, everyone[k:], f"fold{k}", work) for k in range(2))
    return Task(clips, SPEECH_EMOTIONS, everyone, "all", work, averages=folds)


@pytest.fixture(autouse=True)
def _policy() -> Iterator[None]:
    """Training changes Keras' policy for the whole process."""
    before = keras.mixed_precision.dtype_policy()
    yield
    keras.mixed_precision.set_global_policy(before)


def weights_of(path: Path) -> list[FloatArray]:
    model = build_classifier(len(SPEECH_EMOTIONS))
    model.load_weights(path)
    return [np.asarray(w) for w in model.get_weights()]


def test_a_fold_that_was_not_judged_is_named(task: Task) -> None:
    with pytest.raises(FileNotFoundError, match="Judge whisper on 'fold0' first"):
        learn("whisper", task)


@pytest.mark.slow
@SAVING_WEIGHTS
def test_folds_are_averaged_weight_by_weight(task: Task) -> None:
    parts = []
    for seed, fold in enumerate(task.averages):
        keras.utils.set_random_seed(seed)
        model = build_classifier(len(SPEECH_EMOTIONS))
        path = fold.file("whisper", WEIGHTS_SUFFIX)
        model.save_weights(path)
        parts.append(weights_of(path))
    learnt = learn("whisper", task)
    averaged = weights_of(task.file("whisper", WEIGHTS_SUFFIX))
    for mean, first, second in zip(averaged, *parts, strict=True):
        np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-6)
    assert learnt.logits.shape == (4, len(SPEECH_EMOTIONS))


def test_names_of_files_tell_splits_and_settings_apart(task: Task) -> None:
    first, second = task.averages
    tasks = [task, first, second, replace(first, seed=1), replace(task, averages=())]
    names = [t.file("whisper", WEIGHTS_SUFFIX) for t in [*tasks, replace(first, name="fold1")]]
    assert len(set(names)) == len(names)
    assert first.file("whisper", WEIGHTS_SUFFIX) == replace(first).file("whisper", WEIGHTS_SUFFIX)


def test_a_new_schedule_of_the_teacher_is_a_new_student(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {stage: task.file(stage, WEIGHTS_SUFFIX).name for stage in SCHEDULES}
    patient = replace(SCHEDULES["whisper"], epochs=99)
    monkeypatch.setattr(recipes, "SCHEDULES", {**SCHEDULES, "whisper": patient})
    after = {stage: task.file(stage, WEIGHTS_SUFFIX).name for stage in SCHEDULES}
    assert after["whisper"] != before["whisper"]
    assert after["cnn"] != before["cnn"]
    assert after["cnn-scratch"] == before["cnn-scratch"]
