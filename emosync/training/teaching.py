"""A small network learns from a large one, which hears the very same augmented clips.

The student is asked for the teacher's answer, and for what two of its layers make of each
moment [1]_; so it has far more to learn from than one label per clip, and a clip that was
masked or mixed gets the answer that fits it [2]_.

References
----------
.. [1] Romero et al. (2015), "FitNets: Hints for Thin Deep Nets".
.. [2] Beyer et al. (2022), "Knowledge distillation: A good teacher is patient and
   consistent".
"""

from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from emosync.framing import FloatArray
from emosync.training.cnn import STRIDE
from emosync.training.evaluation import softmax
from emosync.training.finetuning import ClipBatches, EpochBatches
from emosync.training.whisper import D_MODEL

# Which of the teacher's layers the student echoes: what is heard, and what it means.
ECHOED_LAYERS: Final = (1, 3)
# The teacher's frames have two of the input's.
FRAMES_TO_ONE: Final = STRIDE // 2
# How much of the target is the teacher's answer, softened by the temperature.
TEACHER_SHARE, TEACHER_TEMPERATURE = 0.7, 1.5
# The mean over 768 numbers changes little; this lets the echo weigh as much as the answer.
ECHO_WEIGHT: Final = 4.0
EMOTION, ECHO = "emotion", "echo"


class TaughtBatches(EpochBatches):
    """Augmented batches, with the teacher's answer and its layers as targets.

    Parameters
    ----------
    batches : ClipBatches
        Inputs, and what was acted.
    teacher : keras.Model
        From `whisper.build_classifier` with its layers.
    """

    def __init__(self, batches: ClipBatches, teacher: keras.Model) -> None:
        super().__init__()
        self._batches, self._teacher = batches, teacher

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, i: int) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Give one batch: (batch, frames, bands), and the targets of `with_echo`'s outputs."""
        X, Y = self._batches[i]
        logits, *heard = self._teacher.predict_on_batch(X)
        answer = softmax(logits / TEACHER_TEMPERATURE)
        echo = [_standardised(np.asarray(heard[k], np.float32)) for k in ECHOED_LAYERS]
        return X, {
            EMOTION: (1 - TEACHER_SHARE) * Y + TEACHER_SHARE * answer,
            ECHO: np.concatenate(echo, axis=-1),
        }

    def begin_epoch(self, epoch: int) -> None:
        """Deal the clips anew."""
        self._batches.begin_epoch(epoch)


def _standardised(frames: FloatArray) -> FloatArray:
    """Average neighbours, (batch, frames, 384), to mean 0 and deviation 1 over the channels."""
    n, n_frames, width = frames.shape
    x = frames.reshape(n, n_frames // FRAMES_TO_ONE, FRAMES_TO_ONE, width).mean(axis=2)
    x = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(x / (x.std(axis=-1, keepdims=True) + 1e-5), np.float32)


def with_echo(student: keras.Model) -> keras.Model:
    """Add the output that echoes the teacher's layers, for training only.

    Parameters
    ----------
    student : keras.Model
        From `cnn.build_cnn`; shares its weights with the result.

    Returns
    -------
    keras.Model
        With the outputs `emotion`, logits (batch, n_labels), and `echo`,
        (batch, frames / 4, 768).
    """
    frames = student.get_layer("norm").output
    width = len(ECHOED_LAYERS) * D_MODEL
    echo = layers.Dense(width, dtype="float32", name="echo_frames")(frames)
    return keras.Model(student.inputs[0], {EMOTION: student.output, ECHO: echo})


class EchoLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """Mean square of the difference from the teacher's layers, weighted."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Give one number per frame."""
        return ECHO_WEIGHT * ops.mean(ops.square(y_true - y_pred), axis=-1)
