"""The typeface of pictures and reports, and what it can print."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

import matplotlib
from matplotlib.ft2font import FT2Font

# DejaVu Sans comes with matplotlib: the same letters on every machine, without a download.
FAMILY: Final = "DejaVu Sans"
PLACEHOLDER: Final = "\N{WHITE SQUARE}"
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
# Long enough for ".ogg" and the part of a name that tells two takes apart.
TAIL_CHARS: Final = 16


def font_path(*, bold: bool = False) -> Path:
    """Give the path of the TrueType file.

    Parameters
    ----------
    bold : bool
        The bold cut instead of the regular one.

    Returns
    -------
    Path
        A file inside the installed matplotlib.
    """
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


def legible(text: str, *, max_chars: int = 80) -> str:
    """Turn any text, such as an uploaded file's name, into one printable line.

    Control characters and marks that reverse the direction of writing go; a character
    that the typeface lacks becomes a white square; the middle of a long text becomes an
    ellipsis, so that a file's suffix stays.

    Parameters
    ----------
    text : str
        Anything, lone surrogates included.
    max_chars : int > 17
        Length above which the text is shortened.

    Returns
    -------
    str
        At most `max_chars` characters, each in the regular and the bold cut.
    """
    # Names from macOS come decomposed ("e" and an accent): composed, they print as one letter.
    composed = unicodedata.normalize("NFC", text)
    line = " ".join("".join(_printable(char) for char in composed).split())
    if len(line) <= max_chars:
        return line
    return line[: max_chars - TAIL_CHARS - 1] + ELLIPSIS + line[-TAIL_CHARS:]


def _printable(char: str) -> str:
    """Give the character, a space, a placeholder or nothing."""
    category = unicodedata.category(char)
    if category in {"Cc", "Zs", "Zl", "Zp"}:
        return " "
    if category == "Cf":
        return ""
    return char if ord(char) in _code_points() else PLACEHOLDER


@cache
def _code_points() -> frozenset[int]:
    """Collect the code points that both cuts have."""
    regular, bold = (FT2Font(str(font_path(bold=bold))).get_charmap() for bold in (False, True))
    return frozenset(regular) & frozenset(bold)
