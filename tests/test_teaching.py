import keras
import numpy as np
import pytest

from emosync.features import whisper_input
from emosync.framing import FloatArray
from emosync.training.clip_frames import ClipFrames
from emosync.training.cnn import STRIDE, CnnSize, build_cnn
from emosync.training.evaluation import softmax
from emosync.training.finetuning import ClipBatches, Schedule, train
from emosync.training.teaching import (
    ECHO,
    ECHOED_LAYERS,
    EMOTION,
    TEACHER_SHARE,
    TEACHER_TEMPERATURE,
    EchoLoss,
    TaughtBatches,
    with_echo,
)
from emosync.training.whisper import D_MODEL, build_classifier

N_LABELS, N_CLIPS, N_FRAMES = 3, 16, 64
SCHEDULE = Schedule(
    epochs=3, batch_size=8, learning_rate=2e-3, averaging=0.5, label_smoothing=0.0, seed=1
)


@pytest.fixture(scope="module")
def teacher() -> keras.Model:
    keras.utils.set_random_seed(3)
    return build_classifier(N_LABELS, with_layers=True)


@pytest.fixture
def batches(teacher: keras.Model) -> TaughtBatches:
    frames = np.random.default_rng(0).normal(0, 0.5, (N_CLIPS * N_FRAMES, 80))
    clips = ClipFrames(frames.astype(np.float16), np.arange(N_CLIPS + 1) * N_FRAMES)
    truth = np.eye(N_LABELS, dtype=np.float32)[np.arange(N_CLIPS) % N_LABELS]
    plain = ClipBatches(clips, truth, np.ones(N_CLIPS), whisper_input, SCHEDULE)
    return TaughtBatches(plain, teacher)


def size() -> CnnSize:
    return CnnSize(channels=16, n_blocks=1, kernel_size=3, expansion=2)


def test_the_target_is_what_was_acted_and_what_the_teacher_hears_in_the_same_clip(
    teacher: keras.Model, batches: TaughtBatches
) -> None:
    X, targets = batches[0]
    logits: FloatArray = teacher.predict_on_batch(X)[0]
    acted = targets[EMOTION] - TEACHER_SHARE * softmax(logits / TEACHER_TEMPERATURE)
    np.testing.assert_allclose(np.sort(acted)[:, -1], 1 - TEACHER_SHARE, atol=1e-5)
    np.testing.assert_allclose(targets[EMOTION].sum(axis=1), 1, atol=1e-5)


def test_the_echo_is_two_layers_of_the_teacher_at_the_student_s_pace(
    batches: TaughtBatches,
) -> None:
    X, targets = batches[0]
    echo = targets[ECHO]
    assert echo.shape == (len(X), X.shape[1] // STRIDE, len(ECHOED_LAYERS) * D_MODEL)
    layers = echo.reshape(*echo.shape[:2], len(ECHOED_LAYERS), D_MODEL)
    np.testing.assert_allclose(layers.mean(axis=-1), 0, atol=1e-4)
    np.testing.assert_allclose(layers.std(axis=-1), 1, atol=1e-2)


def test_the_student_comes_nearer_to_its_teacher(batches: TaughtBatches) -> None:
    keras.utils.set_random_seed(5)
    student = build_cnn(N_LABELS, size=size())
    taught = with_echo(student)
    X, targets = batches[0]
    before = float(keras.ops.mean(EchoLoss()(targets[ECHO], taught(X)[ECHO])))
    weights = [w.copy() for w in student.get_weights()]
    train(taught, batches, SCHEDULE, metrics={EMOTION: ["accuracy"]}, losses={ECHO: EchoLoss()})
    after = float(keras.ops.mean(EchoLoss()(targets[ECHO], taught(X)[ECHO])))
    assert after < before
    # The served network itself has learnt: it shares its weights.
    assert any((a != b).any() for a, b in zip(weights, student.get_weights(), strict=True))
