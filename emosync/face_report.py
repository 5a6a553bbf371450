"""The faces of a picture as a PDF that a person can read, file and question."""

import itertools
from collections.abc import Iterator
from typing import Final

from reportlab.lib.enums import TA_RIGHT
from reportlab.platypus import Flowable, KeepTogether, Table

from emosync import sheet
from emosync.report import NO_DECISIONS, ReportData, how_to_read, laid_out, picture, result
from emosync.sheet import WIDTH

# More would fill the next page with numbers.
MAX_FACES: Final = 24
HOW_TO_READ: Final = (
    "The model compares each face with photographs that people labelled by the expression they "
    "saw. Its answer names the expression that the face resembles most. An expression is not a "
    "feeling: people smile when they are not happy, and are angry without showing it.",
    "Emotion told from a face is uncertain, and people agree about it in about two thirds of such "
    "pictures. Expect more errors from the side, in the dark, behind glasses, beards and masks.",
    NO_DECISIONS,
)


def face_report(data: ReportData, *, panels: bytes) -> bytes:
    """Lay the faces of a picture out on A4 pages.

    Parameters
    ----------
    data : ReportData
        What to print; no text in it is read as markup. The windows are the faces, the largest
        first, whose probabilities are shown.
    panels : bytes
        PNG of `face_plots.marked_faces`.

    Returns
    -------
    bytes
        A PDF of one or two pages; its text can be searched and copied.
    """
    return laid_out(
        itertools.chain(result(data), picture(panels), _faces(data), how_to_read(HOW_TO_READ)),
        filename=data.filename,
        head="Face emotion report",
        foot="A model's estimate, not a finding about a person.",
    )


def _faces(data: ReportData) -> Iterator[Flowable]:
    """Yield the emotion of each face of a picture that shows several."""
    if len(data.windows) < 2:
        return
    rows = [
        [
            sheet.text(f"Face {number}", 8),
            sheet.text(face.emotion, 8),
            sheet.text(sheet.percent(face.confidence), 8, alignment=TA_RIGHT),
        ]
        for number, face in enumerate(data.windows[:MAX_FACES], start=1)
    ]
    widths = [share * WIDTH for share in (0.3, 0.4, 0.3)]
    table = Table(rows, colWidths=widths, style=sheet.LIST)
    yield KeepTogether([sheet.heading("Faces, the largest first"), table])
