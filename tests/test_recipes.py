"""What is learnt from whom, and where it is kept."""

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
from emosync.training.finetuning import Schedule
from emosync.training.recipes import (
    SCHEDULES,
    WEIGHTS_SUFFIX,
    Task,
    learn,
    training_minutes,
)
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
    fold = Task(clips, SPEECH_EMOTIONS, everyone[1:], everyone[:1], "fold0", work)
    return Task(clips, SPEECH_EMOTIONS, everyone, everyone[:3], "all", work, start=fold)


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
def test_a_model_goes_on_from_that_of_its_fold(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "FINISHING_SCHEDULE", Schedule(epochs=1, batch_size=4))
    fold = task.start
    assert fold is not None
    keras.utils.set_random_seed(1)
    model = build_classifier(len(SPEECH_EMOTIONS))
    model.save_weights(fold.file("whisper", WEIGHTS_SUFFIX))
    learnt = learn("whisper", task)
    assert learnt.logits.shape == (3, len(SPEECH_EMOTIONS))
    assert training_minutes(task, "whisper") > 0
    before, after = (weights_of(part.file("whisper", WEIGHTS_SUFFIX)) for part in (fold, task))
    # One step at the lowest rate: near the fold's weights, but not the same.
    change = max(float(np.abs(a - b).max()) for a, b in zip(before, after, strict=True))
    assert 0 < change < 0.01


def test_names_of_files_tell_splits_and_settings_apart(task: Task) -> None:
    fold = task.start
    assert fold is not None
    tasks = [task, fold, replace(fold, seed=1), replace(task, start=None)]
    names = [t.file("whisper", WEIGHTS_SUFFIX) for t in [*tasks, replace(fold, name="fold1")]]
    assert len(set(names)) == len(names)
    assert fold.file("whisper", WEIGHTS_SUFFIX) == replace(fold).file("whisper", WEIGHTS_SUFFIX)


def test_a_new_schedule_of_the_teacher_is_a_new_student(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = replace(task, start=None)
    before = {stage: task.file(stage, WEIGHTS_SUFFIX).name for stage in SCHEDULES}
    patient = replace(SCHEDULES["whisper"], epochs=99)
    monkeypatch.setattr(recipes, "SCHEDULES", {**SCHEDULES, "whisper": patient})
    after = {stage: task.file(stage, WEIGHTS_SUFFIX).name for stage in SCHEDULES}
    assert after["whisper"] != before["whisper"]
    assert after["cnn"] != before["cnn"]
    assert after["cnn-scratch"] == before["cnn-scratch"]
