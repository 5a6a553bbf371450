"""How a report looks: typeface, colours, the frame of a page, bars and strips."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Paragraph, TableStyle

from emosync import song_colours, typeface
from emosync.clock import duration
from emosync.genre_colours import GENRE_COLOURS

REGULAR: Final = "EmoSync"
BOLD: Final = "EmoSync-Bold"
MARGIN: Final = 1.8 * cm
WIDTH: Final = A4[0] - 2 * MARGIN
# reportlab keeps this much on each side inside the margins that it is given.
FRAME_PADDING: Final = 6

INK: Final = HexColor("#1f2933")
MUTED: Final = HexColor("#52606d")
RULE: Final = HexColor("#d9dee4")
PALE: Final = HexColor("#f3f6f9")
ACCENT: Final = HexColor("#2171b5")

# Okabe and Ito's palette, told apart with any kind of colour vision; grey is neutral. Songs
# have other emotions, in capitals; genres have their own colours.
EMOTION_COLOURS: Final = {
    **{emotion: HexColor(colour) for emotion, colour in song_colours.EMOTION_COLOURS.items()},
    **{genre: HexColor(colour) for genre, colour in GENRE_COLOURS.items()},
    "neutral": HexColor("#9aa5b1"),
    "calm": HexColor("#56b4e9"),
    "happy": HexColor("#e69f00"),
    "sad": HexColor("#0072b2"),
    "angry": HexColor("#d55e00"),
    "fearful": HexColor("#cc79a7"),
    "disgust": HexColor("#009e73"),
    "surprised": HexColor("#f0e442"),
}

FACTS: Final = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
)
BOX: Final = TableStyle(
    [
        ("BACKGROUND", (0, 0), (-1, -1), PALE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 12),
        ("RIGHTPADDING", (0, 0), (-1, -1), 12),
        ("TOPPADDING", (0, 0), (-1, -1), 10),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 10),
        ("ROUNDEDCORNERS", [6, 6, 6, 6]),
    ]
)
FIGURES: Final = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)
LIST: Final = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)


@cache
def register_fonts() -> None:
    """Make the typeface known to reportlab, once per process."""
    for name, bold in ((REGULAR, False), (BOLD, True)):
        pdfmetrics.registerFont(TTFont(name, str(typeface.font_path(bold=bold))))


def text(words: str, size: float = 9, *, bold: bool = False, **style: Any) -> Paragraph:
    """Set plain text.

    Parameters
    ----------
    words : str
        Any text; never read as markup, and shortened beyond 400 characters.
    size : float
        Height of the letters in points.
    bold : bool
        Whether to use the bold cut.
    **style
        Further settings of a reportlab `ParagraphStyle`.

    Returns
    -------
    Paragraph
    """
    settings = {
        "fontName": BOLD if bold else REGULAR,
        "fontSize": size,
        "leading": 1.4 * size,
        "textColor": INK,
    } | style
    words = escape(typeface.legible(words, max_chars=400))
    return Paragraph(words, ParagraphStyle("text", **settings))


def heading(words: str) -> Paragraph:
    """Set the heading of a section, kept on the page of what follows."""
    return text(words, 11, bold=True, spaceBefore=16, spaceAfter=6, keepWithNext=True)


def page_frame(canvas: Canvas, document: BaseDocTemplate, *, head: str, foot: str) -> None:
    """Draw the head and the foot of a page, with a few words in each."""
    top, bottom = A4[1] - 1.35 * cm, 1.1 * cm
    right = A4[0] - MARGIN
    canvas.saveState()
    canvas.setFillColor(ACCENT)
    canvas.setFont(BOLD, 9)
    canvas.drawString(MARGIN, top, "EmoSync")
    canvas.setFillColor(MUTED)
    canvas.setFont(REGULAR, 8)
    canvas.drawRightString(right, top, head)
    canvas.drawString(MARGIN, bottom, foot)
    canvas.drawRightString(right, bottom, f"Page {document.page}")
    canvas.setStrokeColor(RULE)
    canvas.line(MARGIN, top - 6, right, top - 6)
    canvas.restoreState()


def probability_bars(
    probabilities: Mapping[str, float],
    *,
    width: float,
    colours: Mapping[str, str] = MappingProxyType({}),
) -> Drawing:
    """Draw a horizontal bar per label, with its figure.

    Parameters
    ----------
    probabilities : mapping of str to float in [0, 1]
        In the order to draw, from the top.
    width : float
        Width of the drawing in points, names and figures included.
    colours : mapping of str to str
        Of labels that share their name with another's, as #rrggbb.

    Returns
    -------
    Drawing
    """
    row, name_width, figure_width = 17.0, 56.0, 38.0
    room = width - name_width - figure_width
    drawing = Drawing(width, row * len(probabilities))
    for place, (label, share) in enumerate(probabilities.items(), start=1):
        y = drawing.height - place * row
        cut = BOLD if place == 1 else REGULAR
        words = {"fontName": cut, "fontSize": 8.5, "fillColor": INK}
        drawing.add(String(name_width - 6, y + 5, label, textAnchor="end", **words))
        drawing.add(_bar(name_width, y + 3, room, RULE))
        colour = HexColor(colours[label]) if label in colours else colour_of(label)
        drawing.add(_bar(name_width, y + 3, room * share, colour))
        drawing.add(String(width, y + 5, percent(share), textAnchor="end", **words))
    return drawing


def strip(spans: Sequence[tuple[float, float, str]], *, width: float) -> Drawing:
    """Draw stretches of time as a row of colours, each with its label where it fits.

    Parameters
    ----------
    spans : sequence of (start_s, end_s, label), not empty
        In order of time.
    width : float
        Width of the drawing in points.

    Returns
    -------
    Drawing
    """
    begin_s, end_s = spans[0][0], spans[-1][1]
    drawing = Drawing(width, 30)
    for start_s, stop_s, label in spans:
        left, right = (width * (t - begin_s) / (end_s - begin_s) for t in (start_s, stop_s))
        drawing.add(Rect(left, 12, right - left, 18, fillColor=colour_of(label), strokeColor=None))
        if pdfmetrics.stringWidth(label, REGULAR, 7.5) + 6 < right - left:
            ink = _ink_on(colour_of(label))
            drawing.add(_words(label, (left + right) / 2, 18, color=ink, anchor="middle"))
    drawing.add(_words(duration(begin_s), 0, 1, color=MUTED, anchor="start"))
    drawing.add(_words(duration(end_s), width, 1, color=MUTED, anchor="end"))
    return drawing


def _words(words: str, x: float, y: float, *, color: Color, anchor: str) -> String:
    """Set a few words in a drawing."""
    return String(x, y, words, fontName=REGULAR, fontSize=7.5, fillColor=color, textAnchor=anchor)


def colour_of(label: str) -> Color:
    """Give the colour of an emotion; labels without one of their own share an accent."""
    return EMOTION_COLOURS.get(label, ACCENT)


def percent(share: float) -> str:
    """Print a share in [0, 1] as a percentage with one digit."""
    return f"{share:.1%}"


def _bar(x: float, y: float, length: float, colour: Color) -> Rect:
    """Draw a bar; a share too small to see still shows as a line."""
    return Rect(x, y, max(0.8, length), 9, rx=1.5, ry=1.5, fillColor=colour, strokeColor=None)


def _ink_on(colour: Color) -> Color:
    """Choose dark or white letters by the lightness of the ground (Rec. 709 weights)."""
    luma = 0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue
    return INK if luma > 0.45 else HexColor("#ffffff")
