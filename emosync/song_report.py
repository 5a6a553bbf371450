"""A song's playback sequence as a PDF that a person can read and file."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reportlab.platypus import Flowable

from emosync import sheet
from emosync.report import ReportData, figures, how_to_read, laid_out, result, window_table
from emosync.report_picture import Section, picture
from emosync.song_colours import MOOD_COLOURS

# More than these, and the box would push the picture to the next page.
MAX_BARS: Final = 6

CURVE: Final = (
    "The models listen to the sound of the song, not to its words, and tell twice a second how "
    "pleasant (valence) and how lively (arousal) people found music that sounds alike. The place "
    "in the plane of the two gives the emotion its name."
)
ESTIMATE: Final = (
    "Listeners differ, more about pleasant or sad than about lively or calm. All this is an "
    "estimate of what many would say of the music, not of what anyone feels."
)
HOW_TO_READ: Final = (
    CURVE,
    "The curve is smoothed and amplified as the settings say, which is how the picture shows it, "
    "and stretches that are too short to follow are joined with their neighbours. What fits is "
    "the share of a stretch whose own emotion is the one that it was given: a low share means "
    "that the music changes more than the sequence shows.",
    ESTIMATE,
)
MOOD_HOW_TO_READ: Final = (
    "A model of its own listens to the whole recording, and tells which of four moods people "
    "would file it under: Happy, Energetic, Sad or Calm. Two bars of like length mean that it "
    "could not decide. Sad and Calm are told apart least well.",
    "The mood is not made of the sequence, and may differ from its emotions. " + CURVE + " What "
    "fits is the share of a stretch whose own emotion is the one that it was given.",
    ESTIMATE,
)


def mood_report(data: ReportData, *, panels: bytes) -> bytes:
    """Lay the mood of a recording out on A4 pages, with its sequence of emotions.

    Parameters
    ----------
    data : ReportData
        What to print; no text in it is read as markup. The probabilities are those of moods,
        and the last of the windows ends the recording.
    panels : bytes
        PNG of `song_plots.song_panels`.

    Returns
    -------
    bytes
        A PDF of two pages, seldom three; its text can be searched and copied.
    """
    return _laid_out(
        data,
        result(data, colours=MOOD_COLOURS),
        panels,
        MOOD_HOW_TO_READ,
        head="Song mood report",
    )


def song_report(data: ReportData, *, panels: bytes) -> bytes:
    """Lay the sequence of a song out on A4 pages.

    Parameters
    ----------
    data : ReportData
        What to print; no text in it is read as markup. The probabilities are shares of the
        time, and the last of the windows ends the song.
    panels : bytes
        PNG of `song_plots.song_panels`.

    Returns
    -------
    bytes
        A PDF of two pages, seldom three; its text can be searched and copied.
    """
    shown = replace(data, probabilities=_longest(data.probabilities))
    return _laid_out(
        data,
        result(shown, measure="of the time"),
        panels,
        HOW_TO_READ,
        head="Song emotion report",
    )


def _laid_out(
    data: ReportData,
    answer: Iterator[Flowable],
    panels: bytes,
    paragraphs: Sequence[str],
    *,
    head: str,
) -> bytes:
    below = itertools.chain(_sequence(data), figures(data), how_to_read(paragraphs))
    return laid_out(
        itertools.chain(answer, picture(panels, below)),
        filename=data.filename,
        head=head,
        foot="A model's estimate of what listeners would say.",
    )


def _longest(shares: Mapping[str, float]) -> dict[str, float]:
    return dict(itertools.islice(shares.items(), MAX_BARS))


def _sequence(data: ReportData) -> Iterator[Section]:
    """Yield the rows of the sequence, but for the last: the song's length stands above."""
    if len(data.windows) < 2:
        return
    heading = sheet.heading("Playback sequence")
    yield [heading, *window_table(data.windows[:-1], measure="Fits")]
