"""The genre of a recording as a picture: its probabilities, and how they change over time."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from emosync import clock
from emosync.canvas import INK, MUTED, drawing, head, open_frame, png
from emosync.genre_colours import GENRE_COLOURS
from emosync.results import Window

SIZE_IN: Final = (9.2, 6.2)
LEFT: Final = 0.11
RIGHT: Final = 0.955
OTHER_COLOUR: Final = "#dedede"
MAX_TICKS: Final = 12


def genre_panels(
    probabilities: Mapping[str, float],
    windows: Sequence[Window],
    *,
    duration_s: float,
    title: str,
) -> bytes:
    """Draw the probability of each genre, and below it the genre of each slice.

    Parameters
    ----------
    probabilities : mapping of str to float in [0, 1]
        Genre to probability, highest first.
    windows : sequence of Window
        The likeliest genre of each slice and its probability, in order of time.
    duration_s : float > 0
        Length of the recording.
    title : str
        Any text.

    Returns
    -------
    bytes
        PNG.
    """
    with drawing():
        figure = Figure(figsize=SIZE_IN)
        n_slices = f"{len(windows)} slices" if len(windows) != 1 else "1 slice"
        facts = f"{clock.duration(duration_s)}, {n_slices}"
        head(figure, title, facts, left=LEFT, right=RIGHT)
        grid = figure.add_gridspec(
            2, 1, height_ratios=(1.25, 1), left=LEFT, right=RIGHT, top=0.86, bottom=0.09, hspace=0.4
        )
        _draw_probabilities(figure.add_subplot(grid[0]), probabilities)
        _draw_course(figure.add_subplot(grid[1]), windows, duration_s)
        return png(figure)


def _draw_probabilities(ax: Axes, probabilities: Mapping[str, float]) -> None:
    names, shares = list(probabilities), list(probabilities.values())
    bars = ax.barh(names, shares, height=0.72, color=[_colour(name) for name in names])
    ax.bar_label(bars, [f"{share:.0%}" for share in shares], padding=4, color=INK, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    ax.set_title("Probability of each genre")
    open_frame(ax)
    ax.grid(axis="y", visible=False)


def _draw_course(ax: Axes, windows: Sequence[Window], duration_s: float) -> None:
    """Draw a bar per slice, as high as its probability, in the colour of its genre."""
    for window, width_s in zip(windows, _widths_s(windows, duration_s), strict=True):
        ax.bar(
            window.start_s,
            window.confidence,
            width_s,
            align="edge",
            color=_colour(window.emotion),
            linewidth=0,
        )
    ax.set_xlim(0, duration_s)
    ax.set_ylim(0, 1)
    ax.xaxis.set_major_locator(MaxNLocator(MAX_TICKS, steps=[1, 1.5, 3, 6, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda time_s, _: clock.minutes(time_s)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    ax.set_title("Likeliest genre of each slice, and its probability")
    ax.set_xlabel("time (min:s)", color=MUTED)
    open_frame(ax)


def _widths_s(windows: Sequence[Window], duration_s: float) -> Iterator[float]:
    """Give the length of each slice; silence between two is left white."""
    starts_s = [window.start_s for window in windows]
    steps_s = [later - start for start, later in itertools.pairwise(starts_s)]
    usual_s = min(steps_s, default=duration_s)
    for start_s, end_s in itertools.pairwise([*starts_s, duration_s]):
        yield max(0.0, min(end_s - start_s, usual_s))


def _colour(genre: str) -> str:
    return GENRE_COLOURS.get(genre, OTHER_COLOUR)
