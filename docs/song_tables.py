"""Tables in Markdown of the models that hear songs, from their cards."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docs.tables import DASH, ROOT, percent, table
from emosync.artifacts import CARD_FILE, ONNX_FILE, read_card
from emosync.training.affect_words import AFFECT_AXES
from predictor import METHODS

MODELS_PATH: Final = ROOT / "models"
TASKS: Final = ("music", "song")
# What the cards compare answers with, and how the page says it.
_COMPARED: Final = {
    "ratings": "listeners' ratings",
    "described": "words and feelings, placed on the circle",
}
_HEADS: Final = {
    "4q_quadrant": "4Q, quadrant",
    "gtzan_mean_recall": "GTZAN, genre (mean recall)",
    "gtzan_top_3": "GTZAN, within three genres",
}
_MEASURES: Final = ("pearson_r", "rmse", "ccc")

# Task and method to card; one without a model is absent.
SongCards = Mapping[tuple[str, str], Mapping[str, Any]]


def song_cards(models_path: Path = MODELS_PATH) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the cards of the models that hear songs.

    Parameters
    ----------
    models_path : Path
        The folder `models/`.

    Returns
    -------
    dict of (str, str) to dict
        Task and method to card.
    """
    places = [(task, method) for task in TASKS for method in METHODS[task]]
    return {
        (task, method): read_card(models_path / task / method)
        for task, method in places
        if (models_path / task / method / CARD_FILE).exists()
    }


def are_judged(cards: SongCards) -> bool:
    """Tell whether every model is there, and the song models have figures."""
    known = {(task, method) for task in TASKS for method in METHODS[task]}
    return cards.keys() == known and bool(_figures(cards))


def song_models(cards: SongCards) -> str:
    """Tell what each model is and how large its file."""
    rows = []
    for (task, method), card in cards.items():
        size = card.get("size_bytes", {}).get(ONNX_FILE)
        rows.append((f"`{task}/{method}`", card.get("model_type", DASH), _size(size)))
    return table(("Model", "What", "File"), rows)


def song_accuracy(cards: SongCards) -> str:
    """Give the agreement on each axis by corpus, and within songs where it was measured."""
    figures = _figures(cards)
    rows = [
        (corpus, words, _count(found[name]), *_axes(found[name]))
        for corpus, found in _corpora(figures)
        for name, words in _COMPARED.items()
        if name in found
    ]
    if "within_songs" in figures:
        within = figures["within_songs"]
        count = max(within[axis]["songs"] for axis in AFFECT_AXES)
        rows.append(("within songs", "listeners' ratings over time", f"{count:,}", *_axes(within)))
    heads = [f"{axis} {name}" for axis in ("Valence", "Arousal") for name in ("r", "RMSE", "CCC")]
    return table(("Corpus", "Compared with", "Songs", *heads), rows)


def song_quadrants(cards: SongCards) -> str:
    """Give the share of songs that were put on the right side of each axis, and in its quadrant."""
    rows = []
    for corpus, found in _corpora(_figures(cards)):
        shares = found.get("quadrants")
        if shares:
            own = shares["by_quadrant"]
            rows.append(
                (
                    f"{corpus} ({shares['clips']:,} clips)",
                    *(percent(shares[n]) for n in ("quadrant", "arousal_sign", "valence_sign")),
                    *(percent(own.get(name)) for name in ("Q1", "Q2", "Q3", "Q4")),
                )
            )
    sides = ("Quadrant", "Arousal's sign", "Valence's sign")
    own = ("Q1 (happy)", "Q2 (angry)", "Q3 (sad)", "Q4 (calm)")
    return table(("Corpus", *sides, *own), rows)


def backbone(cards: SongCards) -> str:
    """Give what simple heads on the backbone tell, before and after its conversion."""
    figures = cards.get(("music", "musicnn"), {}).get("figures", {})
    rows = [
        (words, *(percent(figures.get(name, {}).get(share)) for share in _HEADS))
        for name, words in (("as_published", "as published"), ("as_served", "as served"))
    ]
    note = f"\n\nProtocol: {figures['protocol']}." if "protocol" in figures else ""
    return table(("musicnn", *_HEADS.values()), rows) + note


def song_protocol(cards: SongCards) -> str:
    """State protocol, labels and limits in the words of the cards."""
    figures = _figures(cards)
    labels = figures.get("labels", {"different": 0, "shares": {}})
    first = list(labels["shares"].items())[:5]
    most = ", ".join(f"{label} {percent(share)}" for label, share in first)
    card = cards.get(("song", "valence"), {})
    return "\n".join(
        (
            f"- Protocol: {figures.get('protocol', DASH)}",
            f"- Labels: {labels['different']} different ones among all steps of these clips"
            + (f"; the most frequent are {most}." if most else "."),
            f"- Limits: {card.get('limits', DASH)}",
            f"- Limits of the backbone: {cards.get(('music', 'tags'), {}).get('limits', DASH)}",
        )
    )


def _figures(cards: SongCards) -> Mapping[str, Any]:
    """Return the figures, which both cards hold."""
    found: Mapping[str, Any] = cards.get(("song", "valence"), {}).get("figures", {})
    return found


def _corpora(figures: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, found in figures.items():
        if isinstance(found, Mapping) and ({*_COMPARED, "quadrants"} & found.keys()):
            yield name, found


def _count(found: Mapping[str, Any]) -> str:
    return f"{found['songs']:,}"


def _axes(found: Mapping[str, Any]) -> Sequence[str]:
    return [_number(found[axis].get(name)) for axis in AFFECT_AXES for name in _MEASURES]


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def _size(size_bytes: int | None) -> str:
    if not size_bytes:
        return DASH
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.0f} kB"
