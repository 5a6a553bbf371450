"""How often a model is right, as a report tells it: a few sentences and small tables.

The figures are those of the models' cards, in the words of README.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from reportlab.lib.enums import TA_RIGHT
from reportlab.platypus import Table

from emosync import sheet
from emosync.report_picture import Section
from emosync.sheet import MUTED, WIDTH

Figures = Mapping[str, Any]

# A table's first column, in points, where names stand in it.
NAMES_WIDTH: Final = 90.0
QUADRANTS: Final = MappingProxyType(
    {
        "Q1": "Q1 (Happy, Energetic)",
        "Q2": "Q2 (Energetic)",
        "Q3": "Q3 (Sad)",
        "Q4": "Q4 (Calm)",
    }
)


@dataclass(frozen=True)
class Told:
    """What a report says of a model's figures.

    Attributes
    ----------
    sentences : sequence of str
        Our own words.
    tables : sequence of sequence of sequence of str
        Each with its head as the first row; the first column of a table of several rows has
        names.
    heading : str
        Of the section.
    """

    sentences: Sequence[str]
    tables: Sequence[Sequence[Sequence[str]]] = ()
    heading: str = "How often {method} is right"


def accuracy(task: str, method: str, figures: Figures) -> Iterator[Section]:
    """Yield how often a model was right about what it had never seen or heard.

    Parameters
    ----------
    task, method : str
        Which model it is.
    figures : mapping
        Of its card; a part that is missing is left out.
    """
    told = _TELLERS[task](figures) if task in _TELLERS else None
    if told is None:
        return
    yield [
        sheet.heading(told.heading.format(method=method)),
        *(sheet.text(words, 8.5, textColor=MUTED, spaceAfter=6) for words in told.sentences),
        *(_table(rows) for rows in told.tables if rows[0]),
    ]


def _speech(figures: Figures) -> Told | None:
    """Tell it of people whose voices were not learnt from, else that it is not known."""
    unheard, mixed = figures.get("speaker", {}), figures.get("seed", {})
    if "accuracy" not in unheard:
        if "accuracy" not in mixed:
            return None
        share = sheet.percent(mixed["accuracy"])
        return Told(
            [
                f"{share} of recordings in a random split, where the model knew the speakers. "
                "Figures for people whose voices it had never heard are not known, and would "
                "be lower."
            ]
        )
    corpora = {**unheard.get("by_corpus", {}), "All": unheard}
    by_corpus = [
        (name, _count(found.get("clips")), _share(found, "accuracy"),
         _share(found, "unweighted_accuracy"))
        for name, found in corpora.items()
    ]  # fmt: skip
    head = ("Corpus", "Clips", "Accuracy", "Mean over emotions")
    return Told(
        [
            "Measured on people whose voices the model had never heard: the share of recordings "
            "that were told right, by corpus and by emotion. " + _calibration(unheard)
        ],
        [[head, *by_corpus], _columns(unheard.get("by_emotion", {}))],
    )


def _song(figures: Figures) -> Told | None:
    corpora = {
        name: found["described"]
        for name, found in figures.items()
        if isinstance(found, Mapping) and "described" in found
    }
    if not corpora:
        return None
    rows = [
        (name, _count(found["songs"]), *(f"{found[axis]['pearson_r']:.2f}" for axis in _AXES))
        for name, found in corpora.items()
    ]
    sentences = [
        "Measured on artists that the models had never heard: how well the mean of a song's curve "
        "agrees with what people said of the song, as Pearson's correlation r (1 is perfect, 0 is "
        "chance). How the curve moves within a song was not measured."
    ]
    quadrants = figures.get("4Q", {}).get("quadrants")
    if quadrants:
        sentences.append(
            f"Of {_count(quadrants['clips'])} clips of 4Q, {sheet.percent(quadrants['quadrant'])} "
            "fell into the quadrant that listeners chose."
        )
    head = ("Corpus", "Songs", "Valence r", "Arousal r")
    return Told(sentences, [[head, *rows]], "How far the curve agrees with people")


def _genre(figures: Figures) -> Told | None:
    found = figures.get("track", {})
    if "accuracy" not in found:
        return None
    within = f", {sheet.percent(found['top_3'])} within three genres" if "top_3" in found else ""
    return Told(
        [
            f"Of {_count(found.get('tracks'))} tracks of GTZAN that the model did not learn from, "
            f"{sheet.percent(found['accuracy'])} were told right{within}; below, by genre. "
            f"{_calibration(found)} With artists that it does not know expect less."
        ],
        [_columns(found.get("by_genre", {}))],
    )


def _mood(figures: Figures) -> Told | None:
    if "accuracy" not in figures:
        return None
    quadrants = {
        QUADRANTS.get(name, name): share for name, share in figures.get("by_quadrant", {}).items()
    }
    return Told(
        [
            f"Of {_count(figures.get('clips'))} excerpts of 4Q by artists that the model did not "
            f"learn from, {sheet.percent(figures['accuracy'])} got a mood that fits the quadrant "
            f"which listeners chose; below, by quadrant. {_calibration(figures)}"
        ],
        [_columns(quadrants)],
        "How often the mood is right",
    )


def _face(figures: Figures) -> Told | None:
    found = figures.get("public_test", {})
    if "accuracy" not in found:
        return None
    return Told(
        [
            f"Of {_count(found.get('pictures'))} pictures of FER2013's PublicTest, none of which "
            f"the model learned from, {sheet.percent(found['accuracy'])} were told right; below, "
            f"by emotion. {_calibration(found)}"
        ],
        [_columns(found.get("by_emotion", {}))],
    )


_AXES: Final = ("valence", "arousal")
_TELLERS: Final[Mapping[str, Callable[[Figures], Told | None]]] = MappingProxyType(
    {"speech": _speech, "song": _song, "genre": _genre, "mood": _mood, "face": _face}
)


def _calibration(found: Figures) -> str:
    if "calibration_error" not in found:
        return ""
    share = sheet.percent(found["calibration_error"])
    return f"Confidence and accuracy differ by {share} on average (calibration error)."


def _columns(shares: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Set shares side by side, each below its name."""
    return [tuple(shares), tuple(sheet.percent(share) for share in shares.values())]


def _share(found: Figures, name: str) -> str:
    return sheet.percent(found[name]) if name in found else ""


def _count(number: int | None) -> str:
    return "some" if number is None else f"{number:,}"


def _table(rows: Sequence[Sequence[str]]) -> Table:
    """Set a table over the whole width: names at the left, figures at the right."""
    n_columns = len(rows[0])
    has_names = len(rows) > 2 or rows[0][0] == "Corpus"
    rest = (WIDTH - NAMES_WIDTH) / max(1, n_columns - 1)
    named = [NAMES_WIDTH, *[rest] * (n_columns - 1)]
    widths = named if has_names else [WIDTH / n_columns] * n_columns
    cells = [
        [
            sheet.text(
                words, 8 if row else 7.5,
                alignment=TA_RIGHT if column and has_names else 0,
                textColor=sheet.INK if row else MUTED,
            )
            for column, words in enumerate(line)
        ]
        for row, line in enumerate(rows)
    ]  # fmt: skip
    return Table(cells, colWidths=widths, style=sheet.FIGURES, spaceAfter=8)
