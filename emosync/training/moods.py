"""Mood models of tracks: which features, how good on artists not known, and what is shipped."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emosync.framing import FloatArray
from emosync.labels import MOODS
from emosync.training.classical import build_mood_forest
from emosync.training.evaluation import calibration_error, fit_temperature, share, softmax
from emosync.training.export import export_classical, export_plain, export_tflite, write_card
from emosync.training.mood_network import scaled, set_temperature, train_network
from emosync.training.mood_table import TRACK_FEATURES, MoodTable, read_mood_table

MOOD_METHODS: Final = ("network", "random_forest")
N_CHOSEN: Final = 5
N_FOLDS: Final = 10
# Ten folds are dealt this often: one deal alone is half a point off, by luck.
N_DEALS: Final = 3
# Of ten folds, within the training artists, when the features are chosen.
CHOICE_DEALS: Final = (0, 1)
# Known to whoever has Spotify's features, but often left out by others: its median then.
MAY_LACK: Final = ("duration_ms",)
MODEL_TYPES: Final = {
    "network": "network 5 - 64 - 32 - 4, its scaler within",
    "random_forest": "extremely randomised trees, 60",
}
SCALERS: Final = {
    "network": "logarithm of crowded features, then StandardScaler; in the graph",
    "random_forest": "StandardScaler",
}
PROTOCOL: Final = (
    "No artist on both sides, nor anyone who played with them; ten folds, dealt three times, "
    "mean of the deals. The shipped model then learnt from all tracks."
)
INTENDED_USE: Final = (
    "Sorting tracks and filling playlists by mood; research. It tells in which of four "
    "playlists a track would stand, not what it does to one person."
)
LIMITS: Final = (
    "686 tracks, mostly Western popular, electronic and piano music, labelled by the playlist "
    "that they stood in. Calm and Sad are hard to tell apart by such features, and a claim of "
    "98.9 % elsewhere was made on labels that were computed from the features themselves."
)
Probabilities = Callable[[FloatArray], FloatArray]


def judge_moods(method: str, table: MoodTable) -> tuple[dict[str, Any], float]:
    """Judge a method on artists that it did not know.

    Parameters
    ----------
    method : {"network", "random_forest"}
        Which.
    table : MoodTable
        All tracks.

    Returns
    -------
    figures : dict
        Shares in [0, 1]: `accuracy`, `by_deal`, `unweighted_accuracy`, `by_mood` (recall),
        `calibration_error`, `without` (accuracy where what may be lacking is lacking), and
        `confusion` of the first deal. For the network `features` are those that were chosen
        by all tracks, and `nested_accuracy` is that of a choice made anew by the training
        artists of each fold of the first deal: the honest figure of the choice.
    temperature : float
        What the network's logits are best divided by.
    """
    names = features_of(method, table)
    deals = [_held_out(method, table, names, seed) for seed in range(N_DEALS)]
    temperature = 1.0
    if method == "network":
        temperature = float(np.mean([fit_temperature(deal.known, table.labels) for deal in deals]))
        deals = [_calibrated(deal, table.labels) for deal in deals]
    figures = _figures([deal.known for deal in deals], table.labels)
    figures["without"] = {
        name: share(np.mean([_right(deal.lacking, table.labels) for deal in deals]))
        for name in MAY_LACK
        if name in names
    }
    if method == "network":
        figures |= {"features": list(names), "nested_accuracy": _nested_accuracy(table)}
    return figures, temperature


def ship_moods(method: str, root: Path, models: Path) -> Path:
    """Judge a method, train it on all tracks, and write `mood/METHOD`.

    Parameters
    ----------
    method : {"network", "random_forest"}
        Which.
    root : Path
        Holds `data_moods.csv`.
    models : Path
        The folder `models/`.

    Returns
    -------
    Path
        The model's folder.
    """
    table = read_mood_table(root)
    names = features_of(method, table)
    folder = models / "mood" / method
    figures, temperature = judge_moods(method, table)
    X = table.columns(names)
    if method == "network":
        model = train_network(names, X, table.labels)
        set_temperature(model, temperature)
        export_plain(model, folder)
        export_tflite(model, folder)
    else:
        export_classical(build_mood_forest(0).fit(X, table.labels), X, folder)
    write_card(folder, _card(method, names, table, figures))
    return folder


def features_of(method: str, table: MoodTable) -> tuple[str, ...]:
    """Name what a method sees: the best five for the network, all for the forest."""
    everything = np.arange(len(table.labels))
    return choose_features(table, everything) if method == "network" else TRACK_FEATURES


def choose_features(table: MoodTable, train: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Choose five features by cross-validation among training tracks.

    One after the other is added that helps a support vector machine most: it learns as
    smooth a boundary as the network does, in a hundredth of the time.

    Parameters
    ----------
    table : MoodTable
        All tracks.
    train : ndarray
        Numbers of those that may be seen.

    Returns
    -------
    tuple of str
        In the order of `TRACK_FEATURES`.
    """
    X, labels = scaled(table.names, table.X)[train], table.labels[train]
    deals = [_folds(seed).split(X, labels, table.artists[train]) for seed in CHOICE_DEALS]
    machine = make_pipeline(StandardScaler(), SVC(C=1.0, gamma=0.2))
    selector = SequentialFeatureSelector(
        machine, n_features_to_select=N_CHOSEN, cv=list(chain(*deals))
    )
    chosen = selector.fit(X, labels).get_support()
    return tuple(name for name, is_in in zip(table.names, chosen, strict=True) if is_in)


@dataclass(frozen=True)
class Deal:
    """What was told of tracks by models that do not know their artists.

    Attributes
    ----------
    known : ndarray of shape (n_tracks, n_moods)
        Logarithms of probabilities.
    lacking : ndarray of shape (n_tracks, n_moods)
        The same, where what may lack does.
    fold_of : ndarray of shape (n_tracks,)
        Which model was asked.
    """

    known: FloatArray
    lacking: FloatArray
    fold_of: npt.NDArray[np.int64]


def _held_out(method: str, table: MoodTable, names: tuple[str, ...], seed: int) -> Deal:
    X, n = table.columns(names), len(table.labels)
    known, lacking = np.zeros((2, n, len(MOODS)), np.float32)
    fold_of = np.zeros(n, np.int64)
    for fold, (train, test) in enumerate(_folds(seed).split(X, table.labels, table.artists)):
        tell = _fitted(method, table, names, train)
        known[test] = _log(tell(X[test]))
        lacking[test] = _log(tell(_without(X[test], names, feature_defaults(names, X[train]))))
        fold_of[test] = fold
    return Deal(known, lacking, fold_of)


def _fitted(
    method: str, table: MoodTable, names: tuple[str, ...], train: npt.NDArray[np.int64]
) -> Probabilities:
    X, labels = table.columns(names)[train], table.labels[train]
    if method == "network":
        return train_network(names, X, labels).predict_on_batch  # type: ignore[no-any-return]
    return build_mood_forest(0).fit(X, labels).predict_proba  # type: ignore[no-any-return]


def feature_defaults(names: tuple[str, ...], X: FloatArray) -> dict[str, float]:
    """Give the medians of the features that a request may lack."""
    return {name: float(np.median(X[:, names.index(name)])) for name in MAY_LACK if name in names}


def _without(X: FloatArray, names: tuple[str, ...], defaults: dict[str, float]) -> FloatArray:
    X = X.copy()
    for name, value in defaults.items():
        X[:, names.index(name)] = value
    return X


def _calibrated(deal: Deal, labels: npt.NDArray[np.int64]) -> Deal:
    """Divide each fold's logits by the temperature of the other folds."""
    calibrated = deal.known.copy()
    for fold in range(N_FOLDS):
        own = deal.fold_of == fold
        calibrated[own] /= fit_temperature(deal.known[~own], labels[~own])
    return replace(deal, known=calibrated)


def _nested_accuracy(table: MoodTable) -> float:
    right = np.zeros(len(table.labels), bool)
    for train, test in _folds(0).split(table.X, table.labels, table.artists):
        names = choose_features(table, train)
        moods = _fitted("network", table, names, train)(table.columns(names)[test])
        right[test] = moods.argmax(axis=1) == table.labels[test]
    return share(right.mean())


def _figures(deals: list[FloatArray], labels: npt.NDArray[np.int64]) -> dict[str, Any]:
    predicted = [deal.argmax(axis=1) for deal in deals]
    counts = [confusion_matrix(labels, each) for each in predicted]
    recalls = np.mean([np.diag(count) / count.sum(axis=1) for count in counts], axis=0)
    return {
        "tracks": len(labels),
        "accuracy": share(np.mean([_right(deal, labels) for deal in deals])),
        "by_deal": [share(_right(deal, labels)) for deal in deals],
        "unweighted_accuracy": share(recalls.mean()),
        "by_mood": {mood: share(r) for mood, r in zip(MOODS, recalls, strict=True)},
        "calibration_error": share(
            np.mean([calibration_error(softmax(deal), labels) for deal in deals])
        ),
        "confusion": counts[0].tolist(),
    }


def _card(
    method: str, names: tuple[str, ...], table: MoodTable, figures: dict[str, Any]
) -> dict[str, Any]:
    return {
        "task": "mood",
        "method": method,
        "model_type": MODEL_TYPES[method],
        "labels": list(MOODS),
        "feature_type": "track_features",
        "feature_settings": {},
        "n_features": len(names),
        "feature_names": list(names),
        "feature_defaults": feature_defaults(names, table.columns(names)),
        "scaler": SCALERS[method],
        "trained_on": [
            {
                "name": "Moods by Spotify's playlists",
                "licence": "features under the terms of Spotify's Web API",
                "citation": "public table data_moods.csv",
                "tracks": len(table.labels),
                "artists": len(np.unique(table.artists)),
            }
        ],
        "protocol": PROTOCOL,
        "figures": figures,
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "licence": "research; the table holds data of Spotify's Web API",
    }


def _folds(seed: int) -> StratifiedGroupKFold:
    return StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)


def _log(probabilities: FloatArray) -> FloatArray:
    return np.log(np.maximum(probabilities, 1e-7))


def _right(logits: FloatArray, labels: npt.NDArray[np.int64]) -> float:
    return float((logits.argmax(axis=1) == labels).mean())
