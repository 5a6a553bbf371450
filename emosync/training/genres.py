"""The protocol that genre models are judged by, and the models that are shipped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from emosync.framing import FloatArray
from emosync.genre_slices import GENRE_N_MELS, GENRE_SLICE_S, GENRE_SR_HZ, GENRE_WINDOW_S
from emosync.labels import GENRES
from emosync.musicnn import N_FRAME_FEATURES
from emosync.plots import confusion_matrix
from emosync.training.evaluation import softmax
from emosync.training.export import write_card
from emosync.training.genre_corpora import (
    GenreTrack,
    genre_sources,
    read_genres,
    track_folds,
)
from emosync.training.genre_evaluation import (
    fit_track_temperature,
    genre_confusion,
    genre_figures,
    share,
    track_probabilities,
)
from emosync.training.genre_head import HeadLessons, fit_head
from emosync.training.genre_recipes import (
    GenreMaterial,
    learn_genres,
    read_genre_material,
)
from emosync.training.genre_repeats import repeat_groups
from emosync.training.genre_table import evaluate_table, ship_table
from emosync.training.splits import N_FOLDS, Indices

WORK_FOLDER: Final = "genre"
FIGURES_FILE: Final = "track.json"
HELD_OUT_FILE: Final = "track.npz"
RANDOM_SLICES_TEST_SHARE: Final = 0.2
MODEL_TYPES: Final = {
    "musicnn": "linear discriminant analysis on musicnn's pooled features, one covariance",
    "cnn": "convolutional network, 0.6 million parameters, taught by musicnn's head",
}
FEATURE_TYPES: Final = {"musicnn": "musicnn_windows", "cnn": "genre_log_mel"}
SCALERS: Final = {
    "musicnn": "the mean of music taken off; deviations are in the weights",
    "cnn": "80 dB below the slice's maximum, x / 4 + 1",
}
N_FEATURES: Final = {"musicnn": 2 * N_FRAME_FEATURES, "cnn": GENRE_N_MELS}
SIGNALS: Final = {
    "musicnn": {"slice_s": GENRE_SLICE_S, "window_s": GENRE_WINDOW_S},
    "cnn": {"slice_s": GENRE_SLICE_S, "sr_hz": GENRE_SR_HZ},
}
STANDINGS: Final = {
    "musicnn": "the best of the three methods on tracks not learnt from, and so the default",
    "cnn": "our own small network, for those who want no pretrained weights",
}
PROTOCOL: Final = (
    "first 15 s of each track, split by track before slicing, repeats of a song on one side, "
    "stratified grouped 5-fold; probabilities are averaged over a track's slices, with a "
    "temperature from the other folds. `emotify` holds another collection's classical and "
    "rock, never learnt from, told by the model that learnt all of GTZAN."
)
RANDOM_SLICES: Final = (
    "slices of every track on both sides, random 80/20; for comparison only, since others "
    "quote such figures"
)
INTENDED_USE: Final = (
    "A first guess at the genre of a recording, for browsing and light shows; research. Genres "
    "overlap, and people disagree about them."
)
LIMITS: Final = (
    "Ten genres as GTZAN knew them in 2000: what is none of them is called one all the same. "
    "Where the data folder holds a part of GTZAN only, most genres stand on a dozen tracks of "
    "few artists. Figures are by track, and artists stand on both sides: with new artists "
    "expect less. The Million Song Dataset, from which the backbone learnt its tags, may hold "
    "some of the same songs, without these labels."
)


def evaluate_genre(method: str, root: Path, work: Path, models: Path) -> dict[str, Any]:
    """Judge a method on tracks that it did not learn from.

    Parameters
    ----------
    method : {"musicnn", "cnn", "features"}
        Which; `features` learns from the table of GTZAN's statistics, see `genre_table`.
    root : Path
        Holds `gtzan/`, and perhaps `4q/` and `emotify/`; or is GTZAN's own folder.
    work : Path
        For caches; what was trained before is not trained again.
    models : Path
        The folder `models/`, with the music backbone.

    Returns
    -------
    dict
        See `genre_evaluation.genre_figures`, with `protocol`, `emotify` and, for musicnn,
        `random_slices`; for features see `genre_table.evaluate_table`.
    """
    if method == "features":
        return evaluate_table(root, work / WORK_FOLDER)
    material = _read(root, work, models)
    taught = material.of("gtzan")
    truth = material.numbers[taught]
    logits, fold_of = _held_out(method, material)
    probabilities = np.zeros((len(taught), len(GENRES)), np.float32)
    for fold in range(N_FOLDS):
        others, own = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        temperature = fit_track_temperature([logits[i] for i in others], truth[others])
        probabilities[own] = track_probabilities([logits[i] for i in own], temperature)
    figures = {"protocol": PROTOCOL, **genre_figures(probabilities, truth)}
    if len(material.of("emotify")):
        temperature = fit_track_temperature(logits, truth)
        figures["emotify"] = _another_collection(method, material, temperature)
    if method == "musicnn":
        figures["random_slices"] = _random_slices(material)
    folder = material.work / method
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / HELD_OUT_FILE, probabilities=probabilities, truth=truth)
    (folder / FIGURES_FILE).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return figures


def ship_genre(method: str, root: Path, work: Path, models: Path) -> Path:
    """Train a method on all tracks and write its folder below `models`.

    Parameters
    ----------
    method, root, work, models
        See `evaluate_genre`, which must have run before: the figures of the card come from it.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    RuntimeError
        If Keras runs on another backend than TensorFlow, which cannot export. The trained
        weights are kept; run again with KERAS_BACKEND=tensorflow.
    """
    if method == "features":
        return ship_table(root, models, work / WORK_FOLDER)
    material = _read(root, work, models)
    judged = material.work / method
    if not (judged / FIGURES_FILE).exists():
        raise RuntimeError(f"judge it first: evaluate genre --method {method}")
    learnt = learn_genres(method, material, material.of("gtzan"), "all")
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError("trained; export it by the same command with KERAS_BACKEND=tensorflow")
    logits, _ = _held_out(method, material)
    temperature = fit_track_temperature(logits, material.numbers[material.of("gtzan")])
    folder = models / "genre" / method
    learnt.export(folder, temperature)
    held_out = np.load(judged / HELD_OUT_FILE)
    matrix = genre_confusion(held_out["probabilities"], held_out["truth"])
    picture = confusion_matrix(matrix, GENRES, title=f"{method}: tracks not learnt from")
    (folder / "confusion_matrix.png").write_bytes(picture)
    figures = json.loads((judged / FIGURES_FILE).read_text("utf-8"))
    write_card(folder, _card(method, material.tracks, figures, temperature))
    return folder


def _read(root: Path, work: Path, models: Path) -> GenreMaterial:
    tracks = read_genres(root, repeat_groups)
    return read_genre_material(tracks, models, work / WORK_FOLDER)


def _held_out(method: str, material: GenreMaterial) -> tuple[list[FloatArray], Indices]:
    """Give the logits of each of GTZAN's tracks by a model that did not hear it, and its fold."""
    taught = material.of("gtzan")
    fold_of = track_folds([material.tracks[i] for i in taught])
    logits: dict[int, FloatArray] = {}
    for fold in range(N_FOLDS):
        learnt = learn_genres(method, material, taught[fold_of != fold], f"fold{fold}")
        logits |= {i: learnt.logits[i] for i in taught[fold_of == fold].tolist()}
    return [logits[i] for i in taught.tolist()], fold_of


def _another_collection(
    method: str, material: GenreMaterial, temperature: float
) -> dict[str, float]:
    """Give the share of Emotify's tracks that are called what Emotify calls them."""
    judging = material.of("emotify")
    learnt = learn_genres(method, material, material.of("gtzan"), "all")
    told = track_probabilities([learnt.logits[i] for i in judging], temperature).argmax(axis=1)
    truth = material.numbers[judging]
    return {GENRES[g]: share((told == g)[truth == g].mean()) for g in np.unique(truth)}


def _random_slices(material: GenreMaterial, *, seed: int = 0) -> dict[str, Any]:
    """Judge the head on slices of tracks whose other slices it learnt from."""
    taught = material.of("gtzan")
    X = np.concatenate([material.windows[i] for i in taught])
    numbers = np.repeat(material.numbers[taught], material.windows.lengths[taught])
    is_test = np.random.default_rng(seed).random(len(X)) < RANDOM_SLICES_TEST_SHARE
    head = fit_head(
        HeadLessons(X[~is_test], X[~is_test], numbers[~is_test], material.changes[taught])
    )
    figures = genre_figures(softmax(head.logits(X[is_test])), numbers[is_test])
    return {
        "protocol": RANDOM_SLICES,
        "slices": int(is_test.sum()),
        "accuracy": figures["accuracy"],
        "mean_recall": figures["mean_recall"],
    }


def _card(
    method: str, tracks: Sequence[GenreTrack], figures: dict[str, Any], temperature: float
) -> dict[str, Any]:
    return {
        "task": "genre",
        "method": method,
        "model_type": MODEL_TYPES[method],
        "labels": list(GENRES),
        "feature_type": FEATURE_TYPES[method],
        "feature_settings": {},
        "n_features": N_FEATURES[method],
        "scaler": SCALERS[method],
        "signal": SIGNALS[method],
        "temperature": round(temperature, 4),
        "trained_on": genre_sources(track for track in tracks if track.corpus != "emotify"),
        "protocol": f"{PROTOCOL} The shipped model then learnt from all of GTZAN's tracks.",
        "figures": {"track": figures},
        "standing": STANDINGS[method],
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "licence": "research; the corpora's licences forbid commercial use",
    }
