"""The genre of a recording as a PDF that a person can read and file."""

import itertools
from collections.abc import Iterator
from typing import Final

from reportlab.platypus import Flowable, KeepTogether

from emosync import sheet
from emosync.report import ReportData, how_to_read, laid_out, picture, result, window_table

HOW_TO_READ: Final = (
    "The model listens to one slice after the other and compares each with recordings that were "
    "sorted into ten genres. The answer is the mean over all slices that are not silent.",
    "Genres have no sharp borders: rock, pop, country and disco share much, and people sort the "
    "same recording differently. Music of none of the ten genres gets the one that it resembles "
    "most, often with a low probability; so does speech.",
)


def genre_report(data: ReportData, *, panels: bytes) -> bytes:
    """Lay the genre of a recording out on A4 pages.

    Parameters
    ----------
    data : ReportData
        What to print; no text in it is read as markup.
    panels : bytes
        PNG of `genre_plots.genre_panels`.

    Returns
    -------
    bytes
        A PDF of one or two pages; its text can be searched and copied.
    """
    return laid_out(
        itertools.chain(result(data), picture(panels), _slices(data), how_to_read(HOW_TO_READ)),
        filename=data.filename,
        head="Genre report",
        foot="A model's estimate of what people would call the music.",
    )


def _slices(data: ReportData) -> Iterator[Flowable]:
    """Yield the genre of each slice of a recording that has several."""
    if len(data.windows) < 2:
        return
    heading = sheet.heading("Slices")
    table = window_table(data.windows, label="Genre")
    yield KeepTogether([heading, *table])
