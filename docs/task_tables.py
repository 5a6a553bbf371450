"""Tables in Markdown of the models of genres, moods and faces, from their cards."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from docs.tables import DASH, ROOT, percent, table
from emosync.artifacts import CARD_FILE, ONNX_FILE, read_card
from emosync.labels import FACE_EMOTIONS, GENRES, MOODS
from predictor import METHODS

MODELS_PATH: Final = ROOT / "models"
TASKS: Final = ("genre", "mood", "face")
KB: Final = 1_000

# Method to card; a method without a model is absent.
Cards = Mapping[str, Mapping[str, Any]]


def task_cards(task: str, models_path: Path = MODELS_PATH) -> dict[str, dict[str, Any]]:
    """Read the cards of a task's models.

    Parameters
    ----------
    task : str
        One of `TASKS`.
    models_path : Path
        The folder `models/`.

    Returns
    -------
    dict of str to dict
        Method to card, the default method first.
    """
    folders = {method: models_path / task / method for method in METHODS[task]}
    return {m: read_card(folder) for m, folder in folders.items() if (folder / CARD_FILE).exists()}


def task_models(cards: Cards) -> str:
    """Tell what each model is and how large its file."""
    rows = [
        (f"`{method}`", card["model_type"], _size(card.get("size_bytes", {}).get(ONNX_FILE)))
        for method, card in cards.items()
    ]
    return table(("Method", "Model", "File"), rows)


def genre_accuracy(cards: Cards) -> str:
    """Give the share of tracks that were filed right, and how the figure changes elsewhere."""
    rows = []
    for method, card in cards.items():
        figures = card["figures"]
        track = figures["track"]
        elsewhere = track.get("emotify") or figures.get("emotify", {}).get("by_genre", {})
        others = track.get("random_slices") or figures.get("random", {})
        rows.append(
            (
                f"`{method}`",
                f"{track['tracks']:,}",
                *(percent(track[name]) for name in ("accuracy", "mean_recall", "top_3")),
                percent(track["calibration_error"]),
                *(percent(elsewhere.get(genre)) for genre in ("classical", "rock")),
                percent(others.get("accuracy")),
            )
        )
    own = ("Tracks", "Accuracy", "Mean recall", "Within three", "Calibration error")
    others_head = ("Emotify, classical", "Emotify, rock", "Random split")
    return table(("Method", *own, *others_head), rows)


def genre_recalls(cards: Cards) -> str:
    """Give the share of each genre's tracks that was filed right."""
    rows = [
        (
            f"`{method}`",
            *(percent(card["figures"]["track"]["by_genre"].get(genre)) for genre in GENRES),
        )
        for method, card in cards.items()
    ]
    return table(("Method", *GENRES), rows)


def mood_accuracy(cards: Cards) -> str:
    """Give the share of tracks, by artists not learnt from, whose mood was told right."""
    rows = [
        (
            f"`{method}`",
            f"{figures['tracks']:,}",
            percent(figures["accuracy"]),
            *(percent(figures["by_mood"].get(mood)) for mood in MOODS),
            percent(figures["calibration_error"]),
        )
        for method, figures in _judged(cards, "by_mood")
    ]
    return table(("Method", "Tracks", "Accuracy", *MOODS, "Calibration error"), rows)


def recording_mood_accuracy(cards: Cards) -> str:
    """Give the share of recordings whose mood fits their quadrant."""
    quadrants = ("Q1", "Q2", "Q3", "Q4")
    rows = [
        (
            f"`{method}`",
            f"{figures['clips']:,}",
            percent(figures["accuracy"]),
            *(percent(figures["by_quadrant"].get(name)) for name in quadrants),
            percent(figures["calibration_error"]),
        )
        for method, figures in _judged(cards, "by_quadrant")
    ]
    heads = ("Q1 (Happy, Energetic)", "Q2 (Energetic)", "Q3 (Sad)", "Q4 (Calm)")
    return table(("Method", "Clips", "Accuracy", *heads, "Calibration error"), rows)


def face_accuracy(cards: Cards) -> str:
    """Give the share of FER2013's PublicTest that was told right."""
    rows = [
        (
            f"`{method}`",
            f"{figures['pictures']:,}",
            percent(figures["accuracy"]),
            *(percent(figures["by_emotion"].get(emotion)) for emotion in FACE_EMOTIONS),
            percent(figures["calibration_error"]),
        )
        for method, figures in _judged(cards, "by_emotion", within="public_test")
    ]
    return table(("Method", "Pictures", "Accuracy", *FACE_EMOTIONS, "Calibration error"), rows)


def protocols(cards: Cards) -> str:
    """State the protocols and the limits in the words of the cards, with their methods."""
    methods: dict[tuple[str, str], list[str]] = {}
    for head, member in (("Protocol", "protocol"), ("Limits", "limits")):
        for method, card in cards.items():
            if text := card.get(member):
                methods.setdefault((head, text.strip()), []).append(f"`{method}`")
    lines = [f"- {head} of {', '.join(which)}: {text}" for (head, text), which in methods.items()]
    for method, card in cards.items():
        nested = card.get("figures", {}).get("nested_accuracy")
        if nested is not None:
            chosen = "the features were chosen by all tracks; chosen anew in each fold, they give"
            lines.append(f"- Accuracy of `{method}`: {chosen} {percent(nested)}")
    return "\n".join(lines)


def _judged(
    cards: Cards, member: str, *, within: str = ""
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield the methods whose figures have a member, with those figures."""
    for method, card in cards.items():
        figures = card.get("figures", {})
        figures = figures.get(within, {}) if within else figures
        if member in figures:
            yield method, figures


def _size(n_bytes: int | None) -> str:
    if n_bytes is None:
        return DASH
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / KB:.0f} kB"
