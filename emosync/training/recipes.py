"""How each method learns: clips and who may be heard in, logits of those asked about out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emosync.features import whisper_input, whisper_log_mel
from emosync.framing import FloatArray
from emosync.inputs import extractor
from emosync.training.classical import fit_classical
from emosync.training.clip_frames import ClipFrames, clip_frames, digest, save_array
from emosync.training.cnn import CnnSize, build_cnn
from emosync.training.corpora import Clip
from emosync.training.export import export_classical, export_network
from emosync.training.finetuning import SHARES, ClipBatches, Schedule, predict_clips, train
from emosync.training.packages import WHISPER_TINY_ENCODER, fetch
from emosync.training.splits import Indices
from emosync.training.teaching import ECHO, EMOTION, EchoLoss, TaughtBatches, with_echo
from emosync.training.whisper import (
    build_classifier,
    build_pooled_encoder,
    load_encoder_weights,
    load_head,
    read_encoder_weights,
)

# Chosen on speakers held out of training; the strong penalty keeps to what speakers share.
HEAD_C: Final = 0.0005
# Lower layers hear sounds, upper ones meanings: the nearer to the head, the more may change.
WHISPER_RATES: Final = MappingProxyType(
    {"conv": 0.32, "positions": 0.32, "0_": 0.42, "1_": 0.56, "2_": 0.75, "3_": 1.0, "head": 3.0}
)
# Seven epochs leave much unlearnt, a second round of twelve helps no unheard speaker.
WHISPER_SCHEDULE: Final = Schedule(epochs=14, learning_rate=1.6e-4, rate_scales=WHISPER_RATES)
# What a fold's model still needs to know the speakers that were held out of it.
FINISHING_SCHEDULE: Final = Schedule(epochs=6, learning_rate=1e-4, rate_scales=WHISPER_RATES)
SCRATCH_SCHEDULE: Final = Schedule(epochs=4, learning_rate=2e-3)
TAUGHT_SCHEDULE: Final = Schedule(
    epochs=20, learning_rate=2e-3, label_smoothing=0.0, mixup_alpha=0.4
)
CNN_SIZE: Final = CnnSize(channels=224, n_blocks=5, kernel_size=9, expansion=3)
SCHEDULES: Final[Mapping[str, Schedule]] = MappingProxyType(
    {"whisper": WHISPER_SCHEDULE, "cnn-scratch": SCRATCH_SCHEDULE, "cnn": TAUGHT_SCHEDULE}
)
# Whose schedules the weights of a stage depend on.
STAGES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"cnn": tuple(SCHEDULES)})
# These calibrate themselves on speakers that they keep from themselves.
CLASSICAL: Final = frozenset({"svm", "random_forest"})
MINUTES_SUFFIX: Final = ".minutes.txt"
WEIGHTS_SUFFIX: Final = ".weights.h5"
CHECKPOINTS_SUFFIX: Final = ".checkpoints"
FEATURES: Final = MappingProxyType(
    {
        "whisper": "log_mel",
        "cnn": "log_mel",
        "svm": "clip_statistics",
        "random_forest": "mfcc_means",
    }
)


@dataclass(frozen=True)
class Task:
    """What is to be learnt, and from whom.

    Attributes
    ----------
    clips : sequence of Clip
        All of them, heard or not.
    labels : tuple of str
        Outputs, in order; clips with another emotion must not be in `train`.
    train : ndarray
        Indices of the clips that may be heard.
    asked : ndarray
        Indices of the clips whose logits are wanted.
    name : str
        Of the split, for files: "all", "fold0", "seed".
    work : Path
        Folder for caches, checkpoints and weights.
    seed : int
        Of everything random.
    start : Task, optional
        Whose `whisper` this one's goes on from, instead of starting anew; it must be learnt.
    """

    clips: Sequence[Clip]
    labels: tuple[str, ...]
    train: Indices
    asked: Indices
    name: str
    work: Path
    seed: int = 0
    start: "Task | None" = None

    @property
    def truth(self) -> npt.NDArray[np.int64]:
        """Label number of every clip; -1 where its emotion is not among the labels."""
        order = {emotion: i for i, emotion in enumerate(self.labels)}
        return np.array([order.get(clip.emotion, -1) for clip in self.clips])

    def schedule(self, stage: str) -> Schedule:
        """Tell how a stage is trained."""
        goes_on = stage == "whisper" and self.start is not None
        return replace(FINISHING_SCHEDULE if goes_on else SCHEDULES[stage], seed=self.seed)

    def file(self, stage: str, suffix: str) -> Path:
        """Name a file of this split and of a method, or of a stage of it.

        The name depends on all that the stage learns from: on who is heard, and on the
        schedules. So nothing old is taken for what other corpora or settings would give.
        """
        stages = STAGES.get(stage, (stage,))
        schedules = [repr(self.schedule(s)) for s in stages if s in SCHEDULES]
        heard = [(self.clips[i].path.name, self.clips[i].emotion) for i in self.train]
        starts = [self.start] if self.start and "whisper" in stages else []
        origins = [start.file("whisper", "").name for start in starts]
        known = digest([heard, self.labels, self.seed, origins, schedules])
        folder = self.work / stage
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{self.name}-{known}{suffix}"

    def answers(self, method: str) -> Path:
        """Name the file of what a network says of the clips that it is asked about."""
        return self.file(method, f"-{digest(self.asked.tolist())}.logits.npy")


@dataclass(frozen=True)
class Learnt:
    """A trained model.

    Attributes
    ----------
    logits : ndarray of shape (n_asked, n_labels)
        Of the clips that were asked about; only those outside `train` tell of accuracy.
    heard : ndarray
        Indices of the clips that it learnt from.
    export : callable
        Writes the served files into a folder, logits divided by a temperature.
    """

    logits: FloatArray
    heard: Indices
    export: Callable[[Path, float], None]


def learn(method: str, task: Task) -> Learnt:
    """Train one method.

    Parameters
    ----------
    method : {"whisper", "cnn", "svm", "random_forest"}
        Which; `cnn` needs `whisper` to have learnt the same split before.
    task : Task
        What and from whom.

    Returns
    -------
    Learnt
    """
    return RECIPES[method](task)


def log_mels(task: Task) -> ClipFrames:
    """Give the log-mel power of every clip."""
    paths = [clip.path for clip in task.clips]
    return clip_frames(paths, whisper_log_mel, name="log_mel_power", cache=task.work)


def _learn_whisper(task: Task) -> Learnt:
    clips = log_mels(task)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    build = partial(build_classifier, len(task.labels))
    model = _built(build, task)
    if not task.file("whisper", WEIGHTS_SUFFIX).exists():
        _begin_whisper(model, clips, task)
    targets = np.eye(len(task.labels), dtype=np.float32)[task.truth]
    _train_network(model, clips, targets, task, "whisper")
    return _learnt_network(model, build, clips, task, "whisper")


def _begin_whisper(model: keras.Model, clips: ClipFrames, task: Task) -> None:
    """Take over what training goes on from: another split's model, or the published encoder."""
    if task.start:
        origin = task.start.file("whisper", WEIGHTS_SUFFIX)
        if not origin.exists():
            raise FileNotFoundError(f"Judge whisper on '{task.start.name}' first: it goes on.")
        model.load_weights(origin)
    else:
        weights = read_encoder_weights(fetch(WHISPER_TINY_ENCODER, task.work))
        load_encoder_weights(model, weights)
        load_head(model, *_fit_head(task, _pooled(task, clips, weights)))


def _built(build: Callable[[], keras.Model], task: Task) -> keras.Model:
    """Build a network; Keras draws the seeds of its weights and of dropout meanwhile."""
    keras.utils.set_random_seed(task.seed)
    return build()


def _pooled(task: Task, clips: ClipFrames, weights: Mapping[str, FloatArray]) -> FloatArray:
    """Give what the frozen encoder says of every clip, (n_clips, 3072), computed once."""
    known = digest([str(clip.path) for clip in task.clips])
    path = task.work / f"pooled-{known}.npy"
    if not path.exists():
        encoder = build_pooled_encoder()
        load_encoder_weights(encoder, weights)
        save_array(path, predict_clips(encoder, clips, whisper_input))
    return np.asarray(np.load(path), np.float32)


def _fit_head(task: Task, pooled: FloatArray) -> tuple[LogisticRegression, StandardScaler]:
    scaler = StandardScaler().fit(pooled[task.train])
    head = LogisticRegression(C=HEAD_C, max_iter=300)
    head.fit(scaler.transform(pooled[task.train]), task.truth[task.train])
    return head, scaler


def _learn_cnn(task: Task) -> Learnt:
    clips = log_mels(task)
    truth = np.eye(len(task.labels), dtype=np.float32)[task.truth]
    taught_by = task.file("whisper", WEIGHTS_SUFFIX)
    if not taught_by.exists():
        raise FileNotFoundError(f"Train whisper on the split '{task.name}' first: it teaches cnn.")
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    build = partial(build_cnn, len(task.labels), size=CNN_SIZE)
    model = _built(build, task)
    # First what was acted, then what the teacher hears in it as well.
    _train_network(model, clips, truth, task, "cnn-scratch")
    _train_network(model, clips, truth, task, "cnn", taught_by=taught_by)
    return _learnt_network(model, build, clips, task, "cnn")


def _train_network(
    model: keras.Model,
    clips: ClipFrames,
    targets: FloatArray,
    task: Task,
    stage: str,
    *,
    taught_by: Path | None = None,
) -> None:
    """Train, or take the weights of an earlier training of the same split."""
    finished = task.file(stage, WEIGHTS_SUFFIX)
    if finished.exists():
        model.load_weights(finished)
        return
    shares = np.zeros(len(task.clips))
    shares[task.train] = [SHARES[task.clips[i].corpus] for i in task.train]
    schedule = task.schedule(stage)
    keras.utils.set_random_seed(task.seed)
    batches = ClipBatches(clips, targets, shares, whisper_input, schedule)
    checkpoints = task.file(stage, CHECKPOINTS_SUFFIX)
    with _timed(task, stage):
        if taught_by is None:
            train(model, batches, schedule, checkpoints=checkpoints)
        else:
            _train_taught(model, batches, taught_by, schedule, checkpoints)
    model.save_weights(finished)


def _train_taught(
    student: keras.Model,
    batches: ClipBatches,
    taught_by: Path,
    schedule: Schedule,
    checkpoints: Path,
) -> None:
    """Train with a whisper model, of those weights, that hears the same batches."""
    teacher = build_classifier(student.output_shape[-1], with_layers=True)
    teacher.load_weights(taught_by)
    train(
        with_echo(student),
        TaughtBatches(batches, teacher),
        schedule,
        checkpoints=checkpoints,
        metrics={EMOTION: ["accuracy"]},
        losses={ECHO: EchoLoss()},
    )


@contextmanager
def _timed(task: Task, stage: str) -> Iterator[None]:
    """Note how many minutes a training took, for the card; an interrupted one goes on counting."""
    earlier = _minutes(task, stage) if task.file(stage, CHECKPOINTS_SUFFIX).exists() else 0.0
    begun_s = time.monotonic()
    try:
        yield
    finally:
        minutes = earlier + (time.monotonic() - begun_s) / 60
        task.file(stage, MINUTES_SUFFIX).write_text(f"{minutes:.2f}\n")


def training_minutes(task: Task, method: str) -> float:
    """Add up what the stages of a method took to learn a split.

    Parameters
    ----------
    task : Task
        What was learnt.
    method : str
        See `learn`.

    Returns
    -------
    float
        Minutes; 0 before it is learnt.
    """
    stages = ("cnn-scratch", "cnn") if method == "cnn" else (method,)
    return sum(_minutes(task, stage) for stage in stages)


def _minutes(task: Task, stage: str) -> float:
    note = task.file(stage, MINUTES_SUFFIX)
    return float(note.read_text()) if note.exists() else 0.0


def _learnt_network(
    model: keras.Model,
    build: Callable[..., keras.Model],
    clips: ClipFrames,
    task: Task,
    method: str,
) -> Learnt:
    saved = task.answers(method)
    if not saved.exists():
        save_array(saved, predict_clips(model, clips, whisper_input, task.asked))
    logits = np.asarray(np.load(saved), np.float32)

    def export(folder: Path, temperature: float) -> None:
        keras.mixed_precision.set_global_policy("float32")
        exportable = build(exportable=True, temperature=temperature)
        exportable.set_weights(model.get_weights())
        export_network(exportable, folder)

    return Learnt(logits, task.train, export)


def _learn_classical(method: str, task: Task) -> Learnt:
    X = vectors(method, task)
    speakers = np.array([clip.speaker for clip in task.clips])
    kept = _thinned(task)
    with _timed(task, method):
        model = fit_classical(method, X[kept], task.truth[kept], speakers[kept], seed=task.seed)
    probabilities = model.predict_proba(X[task.asked])

    def export(folder: Path, temperature: float) -> None:
        # Calibrated by its own folds of speakers: no temperature is needed.
        del temperature
        export_classical(model, X, folder)

    return Learnt(np.log(np.maximum(probabilities, 1e-9)).astype(np.float32), kept, export)


def vectors(method: str, task: Task) -> FloatArray:
    """Give one vector per clip, (n_clips, n_features)."""
    feature_type = FEATURES[method]
    extract = extractor(feature_type, {})
    paths = [clip.path for clip in task.clips]
    stored = clip_frames(paths, extract, name=feature_type, cache=task.work)
    return np.asarray(stored.frames, np.float32)


def _thinned(task: Task) -> Indices:
    """Keep the share of each corpus that the networks hear in an epoch, but no clip twice.

    TESS has two speakers and many clips; and every support vector costs the file's size.
    """
    rng = np.random.default_rng(task.seed)
    shares = np.array([SHARES[task.clips[i].corpus] for i in task.train])
    return task.train[rng.random(len(task.train)) < shares]


RECIPES: Final[Mapping[str, Callable[[Task], Learnt]]] = MappingProxyType(
    {
        "whisper": _learn_whisper,
        "cnn": _learn_cnn,
        "svm": partial(_learn_classical, "svm"),
        "random_forest": partial(_learn_classical, "random_forest"),
    }
)
