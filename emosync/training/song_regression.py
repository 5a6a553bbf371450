"""One Keras network per axis, from what is heard at a step to valence or arousal.

Each corpus teaches with the loss that its labels allow: ratings and descriptions as points,
quadrants as sides of zero, curves step by step. Within a song, where no listener was asked,
a passage that is louder, busier and brighter than the rest of its song is taken to be more
aroused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from emosync.framing import FloatArray
from emosync.training.clip_frames import ClipFrames

# What lies further out than this many deviations says no more.
CLIPPED_SD: Final = 4.0
# A clip half way from the middle to the rim is on its side with a logit of 2.
SIGN_SCALE: Final = 4.0
POINT_SHARE: Final = 4.0
BATCH_SIZE: Final = 64
EPOCHS: Final = 40
LEARNING_RATE: Final = 8e-3
WEIGHT_DECAY: Final = 0.05
DROPOUT: Final = 0.2
# Steps that are heard of a clip at once, 8 s.
N_STEPS: Final = 16


@dataclass(frozen=True)
class SongLessons:
    """What is known of clips on one axis.

    Attributes
    ----------
    points, point_weights : ndarray of shape (n_clips,)
        Valence or arousal of the whole clip in [-1, 1]; weight 0 where nobody said.
    signs, sign_weights : ndarray of shape (n_clips,)
        -1 or 1; weight 0 where nobody said.
    changes : sequence of ndarray of shape (n_steps,), one per clip
        Each step against the mean of its clip.
    """

    points: FloatArray
    point_weights: FloatArray
    signs: FloatArray
    sign_weights: FloatArray
    changes: Sequence[FloatArray]


class SongBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """Batches of clips, a random stretch of each.

    Parameters
    ----------
    steps : ClipFrames
        What the network sees of every clip.
    lessons : SongLessons
        What is known of every clip.
    train : ndarray
        Indices of the clips that may be heard.
    seed : int
        Of everything random.
    """

    def __init__(
        self, steps: ClipFrames, lessons: SongLessons, train: npt.NDArray[np.int64], seed: int
    ) -> None:
        super().__init__()
        self._steps = [steps[i] for i in range(len(steps))]
        self._lessons, self._train = lessons, train
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(train)

    def __len__(self) -> int:
        return max(1, len(self._train) // BATCH_SIZE)

    def on_epoch_end(self) -> None:
        """Deal the clips anew."""
        self._order = self._rng.permutation(self._train)

    def __getitem__(self, i: int) -> tuple[FloatArray, FloatArray]:
        """Give (batch, 16, n_features) and the lessons (batch, 16, 5)."""
        chosen = self._order[i * BATCH_SIZE : (i + 1) * BATCH_SIZE]
        stretches = [self._stretch(len(self._steps[k])) for k in chosen]
        X = np.stack([self._steps[k][s] for k, s in zip(chosen, stretches, strict=True)])
        whole = np.stack(
            [
                self._lessons.points[chosen],
                self._lessons.point_weights[chosen],
                self._lessons.signs[chosen],
                self._lessons.sign_weights[chosen],
            ],
            axis=1,
        )
        changes = [self._lessons.changes[k][s] for k, s in zip(chosen, stretches, strict=True)]
        Y = np.concatenate(
            [np.repeat(whole[:, None], N_STEPS, axis=1), np.stack(changes)[..., None]], axis=2
        )
        return X, Y.astype(np.float32)

    def _stretch(self, n_steps: int) -> npt.NDArray[np.int64]:
        """Choose consecutive steps; a short clip repeats its last one."""
        start = self._rng.integers(0, max(1, n_steps - N_STEPS + 1))
        return np.minimum(np.arange(start, start + N_STEPS), n_steps - 1)


def build_regressor(
    mean: FloatArray, deviation: FloatArray, *, gain: float = 1.0, served: bool = False
) -> keras.Model:
    """Build the network of one axis.

    A hidden layer of 32 or 64 units was no better on artists that were not heard.

    Parameters
    ----------
    mean, deviation : ndarray of shape (n_features,)
        Of the training steps.
    gain : float
        Widens or narrows the spread of the answers, once it is known.
    served : bool
        Take steps one by one, instead of clips.

    Returns
    -------
    keras.Model
        From (batch, n_steps, n_features) to (batch, n_steps, 1) in (-1, 1); served, without
        the axis of steps.
    """
    heard = keras.Input((len(mean),) if served else (None, len(mean)), name="features")
    x = ops.clip((heard - mean) / (deviation + 1e-6), -CLIPPED_SD, CLIPPED_SD)
    x = layers.Dropout(DROPOUT)(x)
    axis = layers.Dense(1, kernel_initializer="zeros", name="axis")
    return keras.Model(heard, ops.tanh(gain * axis(x)))


def train_regressor(
    steps: ClipFrames,
    lessons: SongLessons,
    train: npt.NDArray[np.int64],
    *,
    change_share: float,
    seed: int = 0,
) -> keras.Model:
    """Train the network of one axis.

    Parameters
    ----------
    steps : ClipFrames
        What the network sees of every clip.
    lessons : SongLessons
        What is known of every clip.
    train : ndarray
        Indices of the clips that may be heard.
    change_share : float
        Weight of the changes within a clip.
    seed : int
        Of everything random.

    Returns
    -------
    keras.Model
    """
    keras.utils.set_random_seed(seed)
    heard = np.concatenate([steps[i] for i in train])
    model = build_regressor(heard.mean(axis=0), heard.std(axis=0))
    batches = SongBatches(steps, lessons, train, seed)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * len(batches))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    model.compile(optimizer, loss=partial(_loss, change_share=change_share), jit_compile=False)
    model.fit(batches, epochs=EPOCHS, verbose=0)
    return model


def _loss(lessons: Any, answers: Any, *, change_share: float) -> Any:
    """Add up what the lessons say of the clips' means and of their steps."""
    point, point_weight, sign, sign_weight, change = ops.unstack(lessons, 5, axis=-1)
    answers = answers[..., 0]
    mean = ops.mean(answers, axis=1, keepdims=True)
    points = point_weight * (mean - point) ** 2
    signs = sign_weight * ops.softplus(-SIGN_SCALE * sign * mean)
    changes = (answers - mean - change) ** 2
    return ops.mean(POINT_SHARE * points + signs + change_share * changes, axis=1)


def predict_steps(model: keras.Model, heard: FloatArray) -> FloatArray:
    """Give the curve of one clip: (n_steps, n_features) to (n_steps,)."""
    curve: FloatArray = model.predict_on_batch(heard[np.newaxis])[0, :, 0]
    return curve
