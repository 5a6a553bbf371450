"""A song's playback sequence as a PDF that a person can read and file."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from reportlab.platypus import Flowable, KeepTogether

from emosync import sheet
from emosync.report import ReportData, how_to_read, laid_out, picture, result, window_table

# More than these, and the box would push the picture to the next page.
MAX_BARS: Final = 6

HOW_TO_READ: Final = (
    "The models listen to the sound of the song, not to its words, and tell twice a second how "
    "pleasant (valence) and how lively (arousal) people found music that sounds alike. The place "
    "in the plane of the two gives the emotion its name.",
    "The curve is smoothed, and stretches that are too short to follow are joined with their "
    "neighbours. What fits is the share of a stretch whose own emotion is the one that it was "
    "given: a low share means that the music changes more than the sequence shows.",
    "Listeners differ, more about pleasant or sad than about lively or calm. The sequence is an "
    "estimate of what many would say of the music, not of what anyone feels.",
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
        A PDF; its text can be searched and copied.
    """
    return laid_out(
        itertools.chain(
            result(data, measure="probability"),
            picture(panels),
            _sequence(data),
            how_to_read(HOW_TO_READ),
        ),
        filename=data.filename,
        head="Song mood report",
        foot="A model's estimate of what listeners would say.",
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
    return laid_out(
        itertools.chain(
            result(shown, measure="of the time"),
            picture(panels),
            _sequence(data),
            how_to_read(HOW_TO_READ),
        ),
        filename=data.filename,
        head="Song emotion report",
        foot="A model's estimate of what listeners would say.",
    )


def _longest(shares: Mapping[str, float]) -> dict[str, float]:
    return dict(itertools.islice(shares.items(), MAX_BARS))


def _sequence(data: ReportData) -> Iterator[Flowable]:
    """Yield the rows of the sequence, but for the last: the song's length stands above."""
    heading = sheet.heading("Playback sequence")
    yield KeepTogether([heading, *window_table(data.windows[:-1], measure="Fits")])
