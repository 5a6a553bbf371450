"""The faces of a picture as a PDF that a person can read, file and question."""

import itertools
from collections.abc import Iterator
from typing import Final

from reportlab.platypus import Flowable

from emosync import sheet
from emosync.report import (
    NO_DECISIONS,
    ReportData,
    figures,
    how_to_read,
    laid_out,
    result,
    side_by_side,
)
from emosync.report_picture import Section, picture

# More would fill the next page with numbers.
MAX_FACES: Final = 24
# A photograph may be shrunk to so much of its height for the sake of one page.
LEAST_SHARE: Final = 0.35
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
        itertools.chain(_largest(data), _marked(data, panels)),
        filename=data.filename,
        head="Face emotion report",
        foot="A model's estimate, not a finding about a person.",
    )


def _largest(data: ReportData) -> Iterator[Flowable]:
    """Yield the answer, which is that of the largest face."""
    if len(data.windows) > 1:
        return result(data, measure="confidence, face 1 (the largest)", bars_of="Face 1")
    return result(data)


def _marked(data: ReportData, panels: bytes) -> Iterator[Flowable]:
    """Yield the picture, and what is to be said of it."""
    below = itertools.chain(_faces(data), figures(data), how_to_read(HOW_TO_READ))
    return picture(panels, below, least_share=LEAST_SHARE, headless=False)


def _faces(data: ReportData) -> Iterator[Section]:
    """Yield the emotion of each face of a picture that shows several."""
    if len(data.windows) < 2:
        return
    faces = [(f"Face {n}", face) for n, face in enumerate(data.windows[:MAX_FACES], start=1)]
    table = side_by_side(faces, ("", "Emotion", "Confidence"))
    yield [sheet.heading("Faces, the largest first"), table]
