"""Training of the two networks on clips of different lengths."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from emosync.framing import FloatArray
from emosync.training.augmentation import augment, mix_up
from emosync.training.clip_frames import ClipFrames

# How often an epoch hears each clip of a corpus, on average. TESS has 2 speakers and 2,800
# clips of the same sentence; CREMA-D would drown the small corpora.
SHARES: Final = MappingProxyType(
    {"cremad": 0.75, "tess": 0.25, "ravdess": 2.0, "savee": 2.0, "emodb": 2.0}
)
MIN_FRAMES, MAX_FRAMES = 60, 560
# The encoder's 8 s, of which the service makes windows; one clip of the corpora is longer.
MAX_JUDGED_FRAMES: Final = 800
# Lengths of training batches are multiples of this, so that few shapes are compiled.
FRAME_STEP: Final = 8
WARM_UP_SHARE: Final = 0.1


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the clips, and clips per step.
    learning_rate : float
        Highest rate; warmed up over a tenth of the steps, then a cosine to zero.
    rate_scales : mapping of str to float
        Factor on the rate for variables whose path begins with the key; 1 elsewhere.
    label_smoothing : float in [0, 1)
        Share of each target that is spread over all labels.
    mixup_alpha : float
        0 for none; else half of the batches are mixed.
    averaging : float in [0, 1)
        Momentum of the average of the weights, which is what training leaves behind.
    weight_decay : float
        Of AdamW, for kernels only.
    seed : int
        Of everything random.
    """

    epochs: int = 7
    batch_size: int = 32
    learning_rate: float = 1e-4
    rate_scales: Mapping[str, float] = field(default_factory=dict)
    label_smoothing: float = 0.1
    mixup_alpha: float = 0.0
    averaging: float = 0.997
    weight_decay: float = 0.01
    seed: int = 0


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """Batches that depend on the number of the epoch and on the seed, and on nothing else.

    So an interrupted training hears what it would have heard.
    """

    def begin_epoch(self, epoch: int) -> None:
        """Deal anew; `train` calls it before every epoch, the first of which is 0."""
        raise NotImplementedError


class ClipBatches(EpochBatches):
    """Augmented batches of clips of like length, dealt anew for every epoch.

    Parameters
    ----------
    clips : ClipFrames
        log10 of mel power.
    targets : ndarray of shape (n_clips, n_labels)
        Probabilities.
    shares : ndarray of shape (n_clips,)
        How often an epoch hears each clip, on average; 0 for clips that are not trained on.
    finish : callable
        From augmented log-mel power to the network's input.
    schedule : Schedule
        Batch size, mixing and seed.
    n_frames : int, optional
        Length of every input; by default about that of the batch's clips.
    """

    def __init__(
        self,
        clips: ClipFrames,
        targets: FloatArray,
        shares: npt.NDArray[np.floating],
        finish: Any,
        schedule: Schedule,
        *,
        n_frames: int | None = None,
    ) -> None:
        super().__init__()
        self._clips, self._targets, self._shares = clips, targets, shares
        self._finish, self._schedule, self._n_frames = finish, schedule, n_frames
        self.begin_epoch(0)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, i: int) -> tuple[FloatArray, FloatArray]:
        """Give one batch: inputs (batch, frames, bands) and targets (batch, n_labels)."""
        chosen = self._batches[i]
        middle = np.median(self._clips.lengths[chosen])
        usual = int(np.clip(middle, MIN_FRAMES, MAX_FRAMES)) // FRAME_STEP * FRAME_STEP
        n_frames = self._n_frames or usual
        X = augment([self._clips[k] for k in chosen], n_frames, self._rng)
        Y = self._targets[chosen]
        if self._schedule.mixup_alpha and self._rng.random() < 0.5:
            X, Y = mix_up(X, Y, self._rng, alpha=self._schedule.mixup_alpha)
        return self._finish(X), Y

    def begin_epoch(self, epoch: int) -> None:
        """Deal the clips anew."""
        self._rng = np.random.default_rng((self._schedule.seed, epoch))
        self._batches = self._deal()

    def _deal(self) -> list[npt.NDArray[np.int64]]:
        """Repeat and leave out clips by their shares, sort by about their length, cut."""
        times = np.floor(self._shares + self._rng.random(len(self._shares))).astype(int)
        size = self._schedule.batch_size
        # Whole batches only, and always as many, since the rate's schedule counts steps.
        n_batches = int(self._shares.sum()) // size
        heard = self._rng.permutation(np.repeat(np.arange(len(times)), times))
        lacking = max(0, n_batches * size - len(heard))
        more = self._rng.choice(len(times), lacking, p=self._shares / self._shares.sum())
        heard = np.append(heard, more)[: n_batches * size]
        lengths = self._clips.lengths[heard] * self._rng.uniform(0.9, 1.1, len(heard))
        by_length = heard[np.argsort(lengths)]
        batches = [by_length[i * size : (i + 1) * size] for i in range(n_batches)]
        # Keras takes a dimension for fixed that is the same in the first two batches, so the
        # shortest and the longest come first.
        order = [0, n_batches - 1, *self._rng.permutation(np.arange(1, n_batches - 1))]
        return [batches[i] for i in order[:n_batches]]


class LayerwiseAdamW(keras.optimizers.AdamW):  # type: ignore[misc]  # Keras ships no types
    """AdamW with a factor on the rate for each layer.

    Parameters
    ----------
    rate_scales : mapping of str to float
        See `Schedule`.
    **settings
        Of `keras.optimizers.AdamW`.
    """

    def __init__(self, *, rate_scales: Mapping[str, float], **settings: Any) -> None:
        super().__init__(**settings)
        self._rate_scales = dict(rate_scales)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable with its own rate."""
        scale = next((s for p, s in self._rate_scales.items() if variable.path.startswith(p)), 1.0)
        super().update_step(gradient, variable, learning_rate * scale)


def train(
    model: keras.Model,
    batches: EpochBatches,
    schedule: Schedule,
    *,
    checkpoints: Path | None = None,
    metrics: Any = ("accuracy",),
    losses: Mapping[str, keras.losses.Loss] | None = None,
) -> None:
    """Train a network that gives logits; what remains is the average of its weights.

    Parameters
    ----------
    model : keras.Model
        Changed in place.
    batches : EpochBatches
        Inputs and probabilities, of every output of the model.
    schedule : Schedule
        Rates, epochs, averaging.
    checkpoints : Path, optional
        Folder from which an interrupted training goes on.
    metrics : sequence or mapping of outputs to it
        What is printed as training goes on.
    losses : mapping of str to Loss, optional
        Of outputs that are no logits of probabilities.
    """
    n_steps = schedule.epochs * len(batches)
    warm_up = max(1, int(WARM_UP_SHARE * n_steps))
    rate = keras.optimizers.schedules.CosineDecay(
        schedule.learning_rate / 100,
        n_steps - warm_up,
        warmup_target=schedule.learning_rate,
        warmup_steps=warm_up,
    )
    # Keras has a quicker way for its own class, which a rate for each layer forgoes.
    scales = {"rate_scales": schedule.rate_scales} if schedule.rate_scales else {}
    optimizer = (LayerwiseAdamW if scales else keras.optimizers.AdamW)(
        **scales,
        learning_rate=rate,
        weight_decay=schedule.weight_decay,
        beta_2=0.98,
        global_clipnorm=1.0,
        use_ema=schedule.averaging > 0,
        ema_momentum=schedule.averaging,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "embeddings"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=schedule.label_smoothing
    )
    several = isinstance(model.output, dict)
    by_output = {**dict.fromkeys(model.output, loss), **(losses or {})} if several else loss
    model.compile(optimizer=optimizer, loss=by_output, metrics=metrics)
    dealing = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.begin_epoch(epoch)
    )
    callbacks = [dealing, _resuming(checkpoints)] if checkpoints else [dealing]
    model.fit(batches, epochs=schedule.epochs, callbacks=callbacks, shuffle=False)


def _resuming(checkpoints: Path) -> keras.callbacks.Callback:
    """Save after every epoch; the last checkpoint but one survives a kill while saving."""
    return keras.callbacks.BackupAndRestore(checkpoints, double_checkpoint=True)


def predict_clips(
    model: keras.Model,
    clips: ClipFrames,
    finish: Any,
    asked: npt.NDArray[np.int64] | None = None,
) -> FloatArray:
    """Run clips at their own length, those of one length together.

    Parameters
    ----------
    model : keras.Model
        Takes (batch, frames, bands).
    clips : ClipFrames
        log10 of mel power.
    finish : callable
        From log-mel power to the network's input.
    asked : ndarray of shape (n_asked,), optional
        Indices of the clips to run; all by default.

    Returns
    -------
    ndarray of shape (n_asked, n_outputs), float32
        In the order of `asked`.
    """
    outputs: dict[int, FloatArray] = {}
    asked = np.arange(len(clips)) if asked is None else asked
    lengths = np.minimum(clips.lengths[asked], MAX_JUDGED_FRAMES)
    for length in np.unique(lengths):
        alike = asked[lengths == length]
        for start in range(0, len(alike), 64):
            chosen = alike[start : start + 64]
            X = np.stack([finish(clips[k][:length]) for k in chosen])
            Y = keras.ops.convert_to_numpy(model(X, training=False))
            outputs |= dict(zip(chosen.tolist(), Y, strict=True))
    return np.stack([outputs[i] for i in asked.tolist()])
