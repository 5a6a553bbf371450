"""A prediction as a PDF that a person can read, file and question."""

import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import cm
from reportlab.platypus import (
    Flowable,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from emosync import clock, report_figures, sheet, typeface
from emosync.history import Entry
from emosync.playback import applied_settings
from emosync.report_picture import Section, picture
from emosync.results import Window
from emosync.sheet import MUTED, WIDTH

WINDOWS_PER_COLUMN: Final = 16
WINDOW_COLUMNS: Final = 3
# Between two columns of windows, in points.
GAP: Final = 12

NO_DECISIONS: Final = (
    "Do not base decisions about people on this report. In the European Union the AI Act "
    "(Regulation 2024/1689, Article 5) bans systems that infer emotions at work and in "
    "education, except for medical or safety reasons."
)
HOW_TO_READ: Final = (
    "The model listens to how a voice sounds, not to the words, and compares it with recordings "
    "that people labelled, most of them spoken by actors. Its answer names the label that the "
    "sound resembles most. It does not say what the person feels.",
    "Emotion told from a voice is uncertain. Expect more errors than were measured with other "
    "languages, everyday speech, noise, music, several speakers, children or a hoarse voice. A "
    "low confidence, or two bars of like length, means that the model could not decide.",
    NO_DECISIONS,
)


@dataclass(frozen=True)
class ReportData:
    """What a report says about one prediction.

    Attributes
    ----------
    filename : str
        Name as uploaded; any text.
    audio_file : str
        Unique name under which the service keeps the recording.
    timestamp : str
        When the prediction was made, as it shall be printed.
    emotion : str
        The most probable label.
    confidence : float in [0, 1]
        Its probability.
    probabilities : mapping of str to float in [0, 1]
        Highest first.
    method : str
        Which model answered.
    duration_s : float
        Length of the recording; 0 for a picture.
    windows : sequence of Window
        Parts of a long recording, in order of time; shown if there are several.
    card : mapping
        The model's card; its `figures` are shown if it has any.
    task : str
        What was told: the task of the entry.
    settings : str
        How the answer was made of what the models said, where a request may choose.
    """

    filename: str
    audio_file: str
    timestamp: str
    emotion: str
    confidence: float
    probabilities: Mapping[str, float]
    method: str
    duration_s: float
    windows: Sequence[Window] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    settings: str = ""

    @classmethod
    def of(cls, entry: Entry, *, card: Mapping[str, Any] | None = None) -> Self:
        """Take what a report says from an entry of the history."""
        return cls(
            filename=entry.filename,
            audio_file=entry.audio_file,
            timestamp=entry.time_text,
            emotion=entry.emotion,
            confidence=entry.confidence,
            probabilities=entry.probabilities,
            method=entry.method,
            duration_s=entry.duration_s,
            windows=entry.windows,
            card=card or {},
            task=entry.task,
            settings=str(applied_settings(entry.details) or ""),
        )


def speech_report(data: ReportData, *, panels: bytes) -> bytes:
    """Lay the prediction out on A4 pages.

    Parameters
    ----------
    data : ReportData
        What to print; no text in it is read as markup.
    panels : bytes
        PNG of `plots.recording_panels`.

    Returns
    -------
    bytes
        A PDF of one or two pages; its text can be searched and copied.
    """
    return laid_out(
        itertools.chain(
            result(data),
            picture(
                panels, itertools.chain(_windows(data), figures(data), how_to_read(HOW_TO_READ))
            ),
        ),
        filename=data.filename,
        head="Speech emotion report",
        foot="A model's estimate, not a finding about a person.",
    )


def laid_out(story: Iterable[Flowable], *, filename: str, head: str, foot: str) -> bytes:
    """Lay a report out on A4 pages.

    Parameters
    ----------
    story : iterable of Flowable
        What to print, in order; taken when the typeface is there.
    filename : str
        Name as uploaded; becomes part of the document's title.
    head, foot : str
        A few words for the head and the foot of every page.

    Returns
    -------
    bytes
        A PDF.
    """
    sheet.register_fonts()
    pdf = io.BytesIO()
    side = sheet.MARGIN - sheet.FRAME_PADDING
    document = SimpleDocTemplate(
        pdf, pagesize=A4, leftMargin=side, rightMargin=side, topMargin=2.0 * cm,
        bottomMargin=1.6 * cm, title=f"{head}: {typeface.legible(filename)}",
        author="EmoSync", lang="en", invariant=1,
    )  # fmt: skip
    frame = partial(sheet.page_frame, head=head, foot=foot)
    document.build(list(story), onFirstPage=frame, onLaterPages=frame)
    return pdf.getvalue()


def result(
    data: ReportData,
    *,
    measure: str = "confidence",
    colours: Mapping[str, str] = MappingProxyType({}),
    bars_of: str = "",
) -> Iterator[Flowable]:
    """Yield the name, the answer, and the probabilities behind it.

    Parameters
    ----------
    data : ReportData
        What to print.
    measure : str
        What the emotion's share is a share of.
    colours : mapping of str to str
        As for `sheet.probability_bars`.
    bars_of : str
        What the bars show, where that is not plain.
    """
    yield sheet.text(typeface.legible(data.filename, max_chars=80), 15, bold=True, spaceAfter=9)
    share = f"{sheet.percent(data.confidence)} {measure}"
    answer = [
        sheet.text(data.emotion.capitalize(), 22, bold=True),
        *([sheet.text(share, 10, textColor=MUTED)] if data.probabilities else []),
        Spacer(0, 8),
        _facts(data),
    ]
    left = 8.6 * cm
    # 24 points are the box's own padding, left and right.
    bars = sheet.probability_bars(data.probabilities, width=WIDTH - left - 24, colours=colours)
    said = [sheet.text(bars_of, 8, textColor=MUTED, spaceAfter=4)] if bars_of else []
    yield Table([[answer, [*said, bars]]], colWidths=(left, WIDTH - left), style=sheet.BOX)
    yield Spacer(0, 0.4 * cm)


def _facts(data: ReportData) -> Table:
    """List what was analysed, when and how."""
    facts = {
        "Analysed": f"{data.timestamp} UTC",
        **({"Duration": clock.duration(data.duration_s)} if data.duration_s else {}),
        "Method": data.method,
        **({"Settings": data.settings} if data.settings else {}),
        "File": data.audio_file,
    }
    rows = [
        [sheet.text(name, 7, textColor=MUTED), sheet.text(value, 7)]
        for name, value in facts.items()
    ]
    return Table(rows, colWidths=(1.6 * cm, 6.15 * cm), style=sheet.FACTS, hAlign="LEFT")


def _windows(data: ReportData) -> Iterator[Section]:
    """Yield how the answer changes over a long recording."""
    if len(data.windows) < 2:
        return
    strip = sheet.strip(_spans(data), width=WIDTH)
    table = window_table(data.windows)
    yield [sheet.heading("Over time"), strip, Spacer(0, 8), *table]


def _spans(data: ReportData) -> list[tuple[float, float, str]]:
    """Join neighbouring windows of one emotion to (start_s, end_s, emotion)."""
    groups = itertools.groupby(data.windows, key=lambda window: window.emotion)
    starts = [(next(windows).start_s, emotion) for emotion, windows in groups]
    ends_s = [*(start_s for start_s, _ in starts[1:]), data.duration_s]
    return [
        (start_s, end_s, emotion) for (start_s, emotion), end_s in zip(starts, ends_s, strict=True)
    ]


def window_table(
    windows: Sequence[Window], *, label: str = "Emotion", measure: str = "Confidence"
) -> Iterator[Flowable]:
    """Yield a list of the first windows, in columns side by side, and how many more there are.

    Parameters
    ----------
    windows : sequence of Window
        In order of time.
    label, measure : str
        What they are told to be, and what their confidence is: heads of the columns.
    """
    shown = windows[: WINDOWS_PER_COLUMN * WINDOW_COLUMNS]
    starts = clock.exact_minutes([window.start_s for window in shown])
    yield side_by_side(list(zip(starts, shown, strict=True)), ("Start", label, measure))
    if len(windows) > len(shown):
        note = f"The strip shows {len(windows) - len(shown)} more."
        yield sheet.text(note, 8, textColor=MUTED, spaceBefore=4)


def side_by_side(told: Sequence[tuple[str, Window]], head: tuple[str, str, str]) -> Table:
    """Set a list in columns side by side, no more of them than it takes.

    Parameters
    ----------
    told : sequence of (str, Window), not empty
        What each is called, its emotion, and how sure that is.
    head : tuple of str
        Above each of the three.

    Returns
    -------
    Table
    """
    n_rows = -(-len(told) // WINDOW_COLUMNS)
    n_columns = -(-len(told) // n_rows)
    right = {"alignment": TA_RIGHT, "rightIndent": GAP}
    cells = [
        [
            sheet.text(name, 8),
            sheet.text(window.emotion, 8),
            sheet.text(sheet.percent(window.confidence), 8, **right),
        ]
        for name, window in told
    ]
    cells += [["", "", ""]] * (n_rows * n_columns - len(cells))
    heads = [sheet.text(word, 7.5, textColor=MUTED) for word in head[:2]]
    heads.append(sheet.text(head[2], 7.5, textColor=MUTED, **right))
    rows = [list(itertools.chain(*cells[row::n_rows])) for row in range(n_rows)]
    widths = [share * WIDTH / WINDOW_COLUMNS for share in (0.25, 0.33, 0.42)]
    table = [heads * n_columns, *rows]
    return Table(table, colWidths=widths * n_columns, style=sheet.LIST, hAlign="LEFT")


def figures(data: ReportData) -> Iterator[Section]:
    """Yield how often the model is right, if its card tells."""
    yield from report_figures.accuracy(data.task, data.method, data.card.get("figures") or {})


def how_to_read(paragraphs: Iterable[str]) -> Iterator[Section]:
    """Yield what the figures mean and what they must not be used for.

    Parameters
    ----------
    paragraphs : iterable of str
        Our own words.
    """
    texts = [sheet.text(paragraph, spaceAfter=6) for paragraph in paragraphs]
    yield [sheet.heading("How to read this"), *texts]
