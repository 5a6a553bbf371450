"""The genre of a recording as a picture: its probabilities, and how they change over time."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from emosync import clock
from emosync.canvas import DPI, INK, MUTED, TIME_LABEL, drawing, head, open_frame, png, time_axis
from emosync.genre_colours import GENRE_COLOURS
from emosync.results import Window

SIZE_IN: Final = (8.0, 5.6)
LEFT: Final = 0.11
RIGHT: Final = 0.955
OTHER_COLOUR: Final = "#dedede"


def genre_panels(
    probabilities: Mapping[str, float],
    windows: Sequence[Window],
    *,
    duration_s: float,
    part_s: float,
    title: str,
) -> bytes:
    """Draw the probability of each genre, and below it the genre of each part.

    Parameters
    ----------
    probabilities : mapping of str to float in [0, 1]
        Genre to probability, highest first.
    windows : sequence of Window
        The likeliest genre of each part and its probability, in order of time.
    duration_s : float > 0
        Length of the recording.
    part_s : float > 0
        How long the parts are that the model hears; the last may be shorter.
    title : str
        Any text.

    Returns
    -------
    bytes
        PNG.
    """
    with drawing():
        figure = Figure(figsize=SIZE_IN, dpi=DPI)
        parts = f"{len(windows)} part{'s' * (len(windows) != 1)} of {part_s:g} s"
        facts = f"{clock.duration(duration_s)}, {parts}"
        head(figure, title, facts, left=LEFT, right=RIGHT)
        grid = figure.add_gridspec(
            2, 1, height_ratios=(1.25, 1), left=LEFT, right=RIGHT, top=0.83, bottom=0.09, hspace=0.5
        )
        _draw_probabilities(figure.add_subplot(grid[0]), probabilities)
        _draw_course(figure.add_subplot(grid[1]), windows, duration_s)
        return png(figure)


def _draw_probabilities(ax: Axes, probabilities: Mapping[str, float]) -> None:
    names, shares = list(probabilities), list(probabilities.values())
    bars = ax.barh(names, shares, height=0.72, color=[_colour(name) for name in names])
    ax.bar_label(bars, [f"{share:.0%}" for share in shares], padding=4, color=INK, fontsize=8.5)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    ax.set_title("Probability of each genre")
    open_frame(ax)
    ax.grid(axis="y", visible=False)


def _draw_course(ax: Axes, windows: Sequence[Window], duration_s: float) -> None:
    """Draw a bar per part, as high as its probability, in the colour of its genre."""
    widths_s = list(_widths_s(windows, duration_s))
    for genre in dict.fromkeys(window.emotion for window in windows):
        told = [
            (window.start_s, window.confidence, width_s)
            for window, width_s in zip(windows, widths_s, strict=True)
            if window.emotion == genre
        ]
        starts_s, shares, lengths_s = zip(*told, strict=True)
        ax.bar(
            starts_s,
            shares,
            lengths_s,
            align="edge",
            color=_colour(genre),
            linewidth=0,
            label=genre,
        )
    ax.set_xlim(0, duration_s)
    ax.set_ylim(0, 1)
    time_axis(ax.xaxis, duration_s)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    ax.set_title("Likeliest genre of each part, and its probability", pad=22)
    ax.legend(
        loc="lower left", bbox_to_anchor=(-0.005, 0.98), ncols=len(GENRE_COLOURS), frameon=False,
        fontsize=8.5, labelcolor=MUTED, handlelength=1.0, borderpad=0.2, columnspacing=1.2,
    )  # fmt: skip
    ax.set_xlabel(TIME_LABEL)
    open_frame(ax)


def _widths_s(windows: Sequence[Window], duration_s: float) -> Iterator[float]:
    """Give the length of each part; silence between two is left white."""
    starts_s = [window.start_s for window in windows]
    steps_s = [later - start for start, later in itertools.pairwise(starts_s)]
    usual_s = min(steps_s, default=duration_s)
    for start_s, end_s in itertools.pairwise([*starts_s, duration_s]):
        yield max(0.0, min(end_s - start_s, usual_s))


def _colour(genre: str) -> str:
    return GENRE_COLOURS.get(genre, OTHER_COLOUR)
