"""The protocols that speech models are judged by, and the models that are shipped."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import keras
import numpy as np

from emosync.artifacts import load_artifact, read_card
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
    share,
    softmax,
)
from emosync.training.export import write_card
from emosync.training.finetuning import MAX_JUDGED_FRAMES, SHARES
from emosync.training.recipes import CLASSICAL, FEATURES, Task, learn, training_minutes
from emosync.training.splits import N_FOLDS, seed_split, speaker_folds

# Whose model the shipped `whisper` goes on from. The mean of several folds' weights was tried:
# it answers worse than each of them, while the mean of their answers is better.
ORIGIN_FOLD: Final = 0
# Predictions on speakers that were not heard, folds side by side; the temperature and the
# confusion matrix of the shipped model come from them.
HELD_OUT_SUFFIX: Final = ".npz"
FIGURES_SUFFIX: Final = ".json"
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
    "sides, for comparison only."
)
# What the figures cannot show by themselves, and what was shipped.
CHOSEN: Final = (
    "Rate and number of epochs were chosen among a few by the speakers of fold 0; the other folds "
    "chose nothing."
)
CHOSEN_TAUGHT: Final = (
    "The network's form and how it is taught were chosen by the speakers of fold 0; the other "
    "folds chose nothing."
)
HEARD_ALL: Final = "The shipped model then heard all speakers, for as many epochs."
HEARD_AFTER: Final = (
    f"The shipped model is that of fold {ORIGIN_FOLD}, which then heard all speakers for some "
    "epochs more, so nobody is left to judge it by: the figures, and the temperature, are those "
    "of the folds' models."
)
HEARD_FOLD: Final = (
    "The shipped model is that of fold {}: it heard the other four fifths of speakers."
)
HEARD_CLASSICAL: Final = (
    "The shipped model learnt from clips of all speakers: `trained_on` counts them. Its "
    "probabilities are calibrated on speakers that it keeps from itself."
)
INTENDED_USE: Final = (
    "Showing a person how a recording of a voice may sound to others; research. Not for "
    "decisions about people. The EU AI Act bans inferring emotions at work and at school."
)
LIMITS: Final = (
    "Learnt from actors who read short English and German sentences. Real feelings are mixed, "
    "weaker and shown differently by each person, language and culture; other languages, "
    "children, noise and music were not measured. In 46 % of CREMA-D's clips most listeners hear "
    "what was acted."
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
        Which of the five folds to learn. Those that were learnt before count as well; the
        figures say so if that is not all.

    Returns
    -------
    dict
        See `evaluation.accuracy_figures`, with `by_fold` (accuracy) and `protocol`.
    """
    clips, wanted = read_speech(root), set(folds)
    parts = {}
    for fold in range(N_FOLDS):
        task = _fold_task(clips, fold, work)
        if fold in wanted or task.answers(method).exists():
            parts[fold] = task.asked, learn(method, task).logits
    heard = np.concatenate([indices for indices, _ in parts.values()])
    logits = np.concatenate([part for _, part in parts.values()])
    judged = _judged_task(clips, work)
    np.savez(judged.file(method, HELD_OUT_SUFFIX), indices=heard, logits=logits)
    figures = _calibrated_figures(method, [clips[i] for i in heard], logits)
    truth = np.array(label_indices(clips))
    figures["by_fold"] = {
        str(fold): share((part.argmax(axis=1) == truth[held_out]).mean())
        for fold, (held_out, part) in parts.items()
    }
    whole = "" if len(parts) == N_FOLDS else f"; {len(parts)} of the {N_FOLDS} folds"
    figures["protocol"] = f"no speaker on both sides, grouped {N_FOLDS}-fold{whole}"
    return _keep(figures, judged.file(method, FIGURES_SUFFIX))


def _everyone_task(
    clips: Sequence[Clip], name: str, work: Path, *, start: Task | None = None
) -> Task:
    """Hear everyone; a twentieth of the clips shows whether served files are the model's own."""
    everyone = np.arange(len(clips))
    return Task(clips, SPEECH_EMOTIONS, everyone, everyone[::20], name, work, start=start)


def _judged_task(clips: Sequence[Clip], work: Path) -> Task:
    """Stand for all folds together: what was found out about them is kept by its files."""
    return _everyone_task(clips, "speaker", work)


def _seed_task(clips: Sequence[Clip], work: Path) -> Task:
    """Hold out a fifth of the clips, whoever speaks."""
    return Task(clips, SHARED_SPEECH_EMOTIONS, *seed_split(clips), "seed", work)


def _fold_task(clips: Sequence[Clip], fold: int, work: Path) -> Task:
    """Hold out a fifth of the speakers, and ask about them."""
    fold_of = speaker_folds(clips)
    train, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
    return Task(clips, SPEECH_EMOTIONS, train, held_out, f"fold{fold}", work)


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
    task = _seed_task(clips, work)
    probabilities = softmax(learn(method, task).logits)
    asked = [clips[i] for i in task.asked]
    figures = accuracy_figures(asked, SHARED_SPEECH_EMOTIONS, probabilities)
    figures["protocol"] = (
        "RAVDESS, SAVEE, TESS and CREMA-D, six emotions, stratified random 80/20, seed 42; "
        "speakers stand on both sides"
    )
    return _keep(figures, task.file(method, FIGURES_SUFFIX))


def ship(
    method: str,
    root: Path,
    models: Path,
    work: Path,
    *,
    fold: int | None = None,
) -> Path:
    """Train a method on all speakers and write its folder below `models`.

    `whisper` goes on from the model of `ORIGIN_FOLD`: a quarter of the time.

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

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    FileNotFoundError
        If a model is missing that this one is made of or taught by.
    RuntimeError
        If Keras runs on another backend than TensorFlow, which cannot export. The
        trained weights are kept; run again with KERAS_BACKEND=tensorflow.
    """
    clips = read_speech(root)
    judged = _judged_task(clips, work).file(method, HELD_OUT_SUFFIX)
    if not judged.exists():
        raise FileNotFoundError(
            f"Judge it first: evaluate speech --method {method} --protocol speaker."
        )
    task = _shipped_task(method, clips, fold, work)
    learnt = learn(method, task)
    if method not in CLASSICAL and keras.backend.backend() != "tensorflow":
        raise RuntimeError("trained; export it by the same command with KERAS_BACKEND=tensorflow")
    held_out = np.load(judged)
    heard = [clips[i] for i in held_out["indices"]]
    temperature = _temperature(method, heard, held_out["logits"])
    folder = models / "speech" / method
    learnt.export(folder, temperature)
    matrix = confusion(heard, SPEECH_EMOTIONS, held_out["logits"])
    picture = confusion_matrix(matrix, SPEECH_EMOTIONS, title=f"{method}: speakers not heard")
    (folder / "confusion_matrix.png").write_bytes(picture)
    card = _card(method, task, [clips[i] for i in learnt.heard], temperature)
    write_card(folder, card)
    asked = [clips[i] for i in task.asked]
    agree = _served(folder, asked).argmax(axis=1) == learnt.logits.argmax(axis=1)
    card["served_agreement"] = share(agree.mean())
    if method not in CLASSICAL:
        card["figures"]["as_served"] = _as_served(method, clips, folder, temperature, work)
    write_card(folder, card)
    return folder


def _shipped_task(method: str, clips: Sequence[Clip], fold: int | None, work: Path) -> Task:
    """Tell what the shipped model learns: a fold, or everyone."""
    start = None if method in CLASSICAL else _fold_task(clips, ORIGIN_FOLD, work)
    everyone = _everyone_task(clips, "all", work, start=start)
    if fold is None:
        return everyone
    return replace(_fold_task(clips, fold, work), asked=everyone.asked)


def _temperature(method: str, clips: Sequence[Clip], logits: FloatArray) -> float:
    """Find what logits are divided by; 1 where probabilities are calibrated already.

    A corpus counts as much as in training, lest TESS's two speakers be half of two folds.
    """
    if method in CLASSICAL:
        return 1.0
    weights = np.array([SHARES[clip.corpus] for clip in clips])
    return fit_temperature(logits, np.array(label_indices(clips)), weights)


def _served(folder: Path, clips: Sequence[Clip]) -> FloatArray:
    """Ask a model's served file about clips as they are judged: (n_clips, n_labels)."""
    artifact = load_artifact(folder)
    extract = extractor(artifact.card["feature_type"], artifact.card["feature_settings"])
    # Frames of the networks; of the others one vector, which is shorter.
    seen = (extract(read_voice(clip.path))[:MAX_JUDGED_FRAMES] for clip in clips)
    return np.stack([artifact.run(x[np.newaxis])[0] for x in seen])


def _as_served(
    method: str, clips: Sequence[Clip], folder: Path, temperature: float, work: Path
) -> dict[str, Any]:
    """Tell what int8 weights cost: the last fold that was judged, in float32 and as served."""
    judged = _judged_task(clips, work).file(method, FIGURES_SUFFIX)
    fold = max(map(int, json.loads(judged.read_text("utf-8"))["by_fold"]))
    task = _fold_task(clips, fold, work)
    held_out = [clips[i] for i in task.asked]
    learnt = learn(method, task)
    with TemporaryDirectory() as name:
        learnt.export(Path(name), temperature)
        write_card(Path(name), read_card(folder))
        served = _served(Path(name), held_out)
    truth = np.array(label_indices(held_out))
    return {
        "clips": len(held_out),
        "float32": share((learnt.logits.argmax(axis=1) == truth).mean()),
        "int8": share((served.argmax(axis=1) == truth).mean()),
        "protocol": f"the model of fold {fold} on speakers that it did not hear",
    }


def _calibrated_figures(method: str, clips: Sequence[Clip], logits: FloatArray) -> dict[str, Any]:
    """Give the figures, each half of the speakers calibrated on the other half."""
    speakers = sorted({clip.speaker for clip in clips})
    first = np.isin([clip.speaker for clip in clips], speakers[::2])
    probabilities = np.empty_like(logits)
    for half in (first, ~first):
        others = [clips[i] for i in np.flatnonzero(~half).tolist()]
        temperature = _temperature(method, others, logits[~half])
        probabilities[half] = softmax(logits[half] / temperature)
    return accuracy_figures(clips, SPEECH_EMOTIONS, probabilities)


def _card(method: str, task: Task, heard: Sequence[Clip], temperature: float) -> dict[str, Any]:
    judged = _judged_task(task.clips, task.work), _seed_task(task.clips, task.work)
    protocols = {part.name: part.file(method, FIGURES_SUFFIX) for part in judged}
    origin = task.start if method == "whisper" else None
    minutes = sum(training_minutes(part, method) for part in (origin, task) if part)
    return {
        "task": "speech",
        "method": method,
        "model_type": MODEL_TYPES[method],
        "labels": list(SPEECH_EMOTIONS),
        "feature_type": FEATURES[method],
        "feature_settings": {},
        "n_features": N_FEATURES[method],
        "scaler": SCALERS[method],
        **({} if method in CLASSICAL else {"temperature": round(temperature, 4)}),
        "trained_on": _trained_on(heard),
        "protocol": " ".join([PROTOCOL, _heard(method, task)]),
        "figures": {
            name: json.loads(path.read_text("utf-8"))
            for name, path in protocols.items()
            if path.exists()
        },
        "training_minutes": round(minutes, 1),
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "licence": "research; the corpora's licences forbid commercial use",
    }


def _heard(method: str, task: Task) -> str:
    """Tell whom the shipped model heard, and how the figures are its own."""
    if method in CLASSICAL:
        return HEARD_CLASSICAL
    chosen = CHOSEN if method == "whisper" else CHOSEN_TAUGHT
    if task.start:
        return " ".join([chosen, HEARD_AFTER if method == "whisper" else HEARD_ALL])
    return " ".join([chosen, HEARD_FOLD.format(task.name.removeprefix("fold"))])


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
