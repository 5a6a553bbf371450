"""The genre of a recording as a PDF that a person can read and file."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from emosync import sheet
from emosync.report import ReportData, figures, how_to_read, laid_out, result, window_table
from emosync.report_picture import Section, picture

# The picture has large letters, and is shrunk to so much of its height for the sake of one page.
LEAST_SHARE: Final = 0.72
# The picture shows all.
MAX_BARS: Final = 6
HOW_TO_READ: Final = (
    "The model listens to one part after the other and compares each with recordings that were "
    "sorted into ten genres. The answer is the mean over all parts that are not silent.",
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
    likeliest = data.probabilities.items()
    shown = replace(data, probabilities=dict(itertools.islice(likeliest, MAX_BARS)))
    return laid_out(
        itertools.chain(
            result(shown, bars_of=f"The likeliest of {len(data.probabilities)} genres"),
            picture(
                panels,
                itertools.chain(_slices(data), figures(data), how_to_read(HOW_TO_READ)),
                least_share=LEAST_SHARE,
            ),
        ),
        filename=data.filename,
        head="Genre report",
        foot="A model's estimate of what people would call the music.",
    )


def _slices(data: ReportData) -> Iterator[Section]:
    """Yield the genre of each part of a recording that has several."""
    if len(data.windows) < 2:
        return
    heading = sheet.heading("Over time")
    table = window_table(data.windows, label="Genre")
    yield [heading, *table]
