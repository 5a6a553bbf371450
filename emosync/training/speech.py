"""The protocols that speech models are judged by, and the models that are shipped."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from emosync.artifacts import load_artifact
from emosync.clip_statistics import CLIP_STATISTICS
from emosync.features import WHISPER_N_MELS
from emosync.framing import FloatArray
from emosync.inputs import extractor
from emosync.labels import SHARED_SPEECH_EMOTIONS, SPEECH_EMOTIONS
from emosync.plots import confusion_matrix
from emosync.training.clip_frames import read_voice
from emosync.training.corpora import SPEECH_CORPORA, Clip, label_indices, read_speech
from emosync.training.evaluation import (
    accuracy_figures,
    confusion,
    fit_temperature,
    softmax,
)
from emosync.training.export import write_card
from emosync.training.recipes import FEATURES, MINUTES_SUFFIX, Task, learn
from emosync.training.splits import N_FOLDS, seed_split, speaker_folds

# Predictions on speakers that were not heard, folds side by side; the temperature and the
# confusion matrix of the shipped model come from them.
HELD_OUT_FILE: Final = "speaker.npz"
MODEL_TYPES: Final = {
    "whisper": "Whisper tiny encoder, fine-tuned, linear head on mean and deviation of 4 layers",
    "cnn": "convolutional network, 1.7 million parameters, taught by whisper",
    "svm": "support vector machine (RBF) on 64 principal components",
    "random_forest": "random forest, 40 trees",
}
SCALERS: Final = {
    "whisper": "80 dB below the maximum, (x + 4) / 4",
    "cnn": "80 dB below the maximum, (x + 4) / 4",
    "svm": "StandardScaler",
    "random_forest": "StandardScaler",
}
N_FEATURES: Final = {
    "whisper": WHISPER_N_MELS,
    "cnn": WHISPER_N_MELS,
    "svm": len(CLIP_STATISTICS),
    "random_forest": 40,
}
PROTOCOL: Final = (
    "Split by speaker before anything is computed, grouped 5-fold: `speaker` holds the figures "
    "on voices that the model did not hear. `seed` is a random split with speakers on both "
    "sides, for comparison only. "
)
HEARD_ALL: Final = "The shipped model then heard all speakers, for as many epochs."
HEARD_AFTER: Final = (
    "The shipped model is that of fold {}, which then heard all speakers for some epochs more."
)
HEARD_FOLD: Final = (
    "The shipped model is that of fold {}: it heard the other four fifths of speakers."
)
INTENDED_USE: Final = (
    "Showing a person how a recording of a voice may sound to others; research. Not for "
    "decisions about people. The EU AI Act bans inferring emotions at work and at school."
)
LIMITS: Final = (
    "Learnt from actors who read short English and German sentences. Real feelings are mixed, "
    "weaker and shown differently by each person, language and culture; other languages, "
    "children, noise and music were not measured. Listeners themselves agree with the acted "
    "emotion in about half of CREMA-D."
)


def evaluate_speakers(
    method: str, root: Path, work: Path, *, folds: Iterable[int] = range(N_FOLDS)
) -> dict[str, Any]:
    """Judge a method on speakers whom it did not hear, fold by fold.

    Parameters
    ----------
    method : str
        See `recipes.learn`.
    root : Path
        Holds the corpora.
    work : Path
        For caches; what was trained before is not trained again.
    folds : iterable of int
        Which of the five folds; the figures say so if it is not all.

    Returns
    -------
    dict
        See `evaluation.accuracy_figures`, with `protocol` and `temperature`.
    """
    clips = read_speech(root)
    fold_of = speaker_folds(clips)
    parts = []
    for fold in folds:
        task = Task(clips, SPEECH_EMOTIONS, np.flatnonzero(fold_of != fold), f"fold{fold}", work)
        held_out = np.flatnonzero(fold_of == fold)
        parts.append((held_out, learn(method, task).logits[held_out]))
    heard = np.concatenate([indices for indices, _ in parts])
    logits = np.concatenate([part for _, part in parts])
    (work / method).mkdir(parents=True, exist_ok=True)
    np.savez(work / method / HELD_OUT_FILE, indices=heard, logits=logits)
    figures = _calibrated_figures([clips[i] for i in heard], logits)
    n_folds = len(parts)
    whole = "" if n_folds == N_FOLDS else f"; {n_folds} of the {N_FOLDS} folds"
    figures["protocol"] = f"no speaker on both sides, grouped {N_FOLDS}-fold{whole}"
    return _keep(figures, work / method / "speaker.json")


def evaluate_seed(method: str, root: Path, work: Path) -> dict[str, Any]:
    """Judge a method by the earlier projects' protocol, speakers on both sides.

    Parameters
    ----------
    method, root, work
        See `evaluate_speakers`.

    Returns
    -------
    dict
        See `evaluation.accuracy_figures`, with `protocol`.
    """
    clips = read_speech(root)
    train, test = seed_split(clips)
    task = Task(clips, SHARED_SPEECH_EMOTIONS, train, "seed", work)
    logits = learn(method, task).logits[test]
    figures = accuracy_figures([clips[i] for i in test], SHARED_SPEECH_EMOTIONS, softmax(logits))
    figures["protocol"] = (
        "RAVDESS, SAVEE, TESS and CREMA-D, six emotions, stratified random 80/20, seed 42; "
        "speakers stand on both sides"
    )
    return _keep(figures, work / method / "seed.json")


def ship(
    method: str,
    root: Path,
    models: Path,
    work: Path,
    *,
    fold: int | None = None,
    after_fold: int | None = None,
) -> Path:
    """Train a method on all speakers and write its folder below `models`.

    Parameters
    ----------
    method, root, work
        See `evaluate_speakers`, which must have run before: the calibration and the
        figures of the card come from it.
    models : Path
        The folder `models/`.
    fold : int, optional
        Ship the model of this fold, which did not hear its fifth of the speakers: no
        training is needed where the fold has been judged.
    after_fold : int, optional
        Let `whisper` go on from the model of this fold, which has been judged, instead of
        starting anew: a quarter of the time.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    RuntimeError
        If Keras runs on another backend than TensorFlow, which cannot export. The
        trained weights are kept; run again with KERAS_BACKEND=tensorflow.
    """
    clips = read_speech(root)
    train = np.arange(len(clips))
    if fold is not None:
        train = np.flatnonzero(speaker_folds(clips) != fold)
    name = "all" if fold is None else f"fold{fold}"
    start = "" if after_fold is None else f"fold{after_fold}"
    learnt = learn(method, Task(clips, SPEECH_EMOTIONS, train, name, work, start=start))
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError("trained; export it by the same command with KERAS_BACKEND=tensorflow")
    held_out = np.load(work / method / HELD_OUT_FILE)
    heard = [clips[i] for i in held_out["indices"]]
    truth = np.array(label_indices(heard))
    temperature = fit_temperature(held_out["logits"], truth)
    folder = models / "speech" / method
    learnt.export(folder, temperature)
    matrix = confusion(heard, SPEECH_EMOTIONS, held_out["logits"])
    picture = confusion_matrix(matrix, SPEECH_EMOTIONS, title=f"{method}: speakers not heard")
    (folder / "confusion_matrix.png").write_bytes(picture)
    card = _card(method, [clips[i] for i in train], name, temperature, work, start=start)
    write_card(folder, card)
    agreement = _served_agreement(folder, clips, learnt.logits)
    write_card(folder, {**card, "served_agreement": agreement})
    return folder


def _served_agreement(folder: Path, clips: Sequence[Clip], logits: FloatArray) -> float:
    """Give the share of clips for which the served file names the trained model's emotion.

    A twentieth of the clips is asked: what int8 weights change shows on any clip.
    """
    artifact = load_artifact(folder)
    extract = extractor(artifact.card["feature_type"], artifact.card["feature_settings"])
    same = []
    for clip, expected in zip(clips[::20], logits[::20].argmax(axis=1), strict=True):
        X = extract(read_voice(clip.path))[np.newaxis]
        same.append(artifact.run(X)[0].argmax() == expected)
    return round(float(np.mean(same)), 4)


def _calibrated_figures(clips: Sequence[Clip], logits: FloatArray) -> dict[str, Any]:
    """Give the figures, each half of the speakers calibrated on the other half."""
    truth = np.array(label_indices(clips))
    speakers = sorted({clip.speaker for clip in clips})
    first = np.isin([clip.speaker for clip in clips], speakers[::2])
    probabilities = np.empty_like(logits)
    for half in (first, ~first):
        temperature = fit_temperature(logits[~half], truth[~half])
        probabilities[half] = softmax(logits[half] / temperature)
    return accuracy_figures(clips, SPEECH_EMOTIONS, probabilities)


def _card(
    method: str,
    clips: Sequence[Clip],
    split: str,
    temperature: float,
    work: Path,
    *,
    start: str,
) -> dict[str, Any]:
    folder = work / method
    protocols = {name: folder / f"{name}.json" for name in ("speaker", "seed")}
    return {
        "task": "speech",
        "method": method,
        "model_type": MODEL_TYPES[method],
        "labels": list(SPEECH_EMOTIONS),
        "feature_type": FEATURES[method],
        "feature_settings": {},
        "n_features": N_FEATURES[method],
        "scaler": SCALERS[method],
        "temperature": round(temperature, 4),
        "trained_on": _trained_on(clips),
        "protocol": PROTOCOL + _heard(split, start),
        "figures": {
            name: json.loads(path.read_text("utf-8"))
            for name, path in protocols.items()
            if path.exists()
        },
        "training_minutes": _training_minutes(method, {split, start or split}, work),
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "licence": "research; the corpora's licences forbid commercial use",
    }


def _heard(split: str, start: str) -> str:
    """Tell whom the shipped model heard."""
    if start:
        return HEARD_AFTER.format(start.removeprefix("fold"))
    return HEARD_ALL if split == "all" else HEARD_FOLD.format(split.removeprefix("fold"))


def _training_minutes(method: str, splits: Iterable[str], work: Path) -> float:
    """Add up what the stages of the shipped model took."""
    notes = [n for split in splits for n in work.glob(f"{method}*/{split}{MINUTES_SUFFIX}")]
    return round(sum(float(note.read_text()) for note in notes), 1)


def _trained_on(clips: Sequence[Clip]) -> list[dict[str, Any]]:
    parts = []
    for key, corpus in SPEECH_CORPORA.items():
        speakers = [clip.speaker for clip in clips if clip.corpus == key]
        if speakers:
            parts.append(
                {
                    "name": corpus.title,
                    "licence": corpus.licence,
                    "citation": corpus.citation,
                    "clips": len(speakers),
                    "speakers": len(set(speakers)),
                }
            )
    return parts


def _keep(figures: dict[str, Any], path: Path) -> dict[str, Any]:
    path.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return figures
