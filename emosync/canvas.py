"""What every picture shares: the style, one drawing at a time, the head, the PNG.

Pictures are drawn on a `Figure` of their own, never with pyplot, which keeps every figure
in a global list.
"""

import gc
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from emosync import clock, typeface

DPI: Final = 110
TITLE_SIZE: Final = 13.0

# The title and the line below it lie above this, in inches.
HEAD_IN: Final = 0.6
# From the least distance of ticks that leaves at most so many.
TICKS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MAX_TICKS: Final = 12
TIME_LABEL: Final = "Time (min:s)"

INK: Final = "#1f2933"
MUTED: Final = "#52606d"
RULE: Final = "#cbd2d9"

# Set here whatever a matplotlibrc of the server could change: pictures are alike everywhere.
STYLE: Final[Mapping[Any, Any]] = MappingProxyType(
    {
        "font.family": [typeface.FAMILY],
        "font.size": 9.0,
        "text.color": INK,
        "text.usetex": False,
        "text.parse_math": False,
        "axes.edgecolor": RULE,
        "axes.facecolor": "white",
        "axes.labelcolor": MUTED,
        "axes.labelsize": 9.0,
        "axes.linewidth": 0.8,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": 10.0,
        "axes.titleweight": "bold",
        "xtick.color": RULE,
        "xtick.labelcolor": MUTED,
        "ytick.color": RULE,
        "ytick.labelcolor": MUTED,
        "figure.facecolor": "white",
        "savefig.bbox": None,
        "savefig.facecolor": "auto",
        "savefig.transparent": False,
    }
)

_lock = Lock()


@contextmanager
def drawing() -> Iterator[None]:
    """Draw one picture at a time, in the style of the house, and leave nothing in memory.

    The style is global to matplotlib and its drawing is not safe in threads.

    Yields
    ------
    None
        Figures made and rendered inside are alike on every machine.
    """
    with _lock, matplotlib.rc_context(dict(STYLE)):
        yield
        # Figure and axes refer to each other: without this, dead pictures pile up to 100 MB
        # before the collector comes round.
        gc.collect()


def head(figure: Figure, title: str, facts: str, *, left: float, right: float) -> None:
    """Write the title, shrunk where it would not fit, and a line of facts below it.

    Parameters
    ----------
    figure : Figure
        Its upper `HEAD_IN` inches are the head's.
    title : str
        Any text; never read as markup.
    facts : str
        Our own words.
    left, right : float in [0, 1]
        Where the lines may begin and end, in widths of the figure.
    """
    height_in = figure.get_figheight()
    line = figure.text(left, 1.0 - 0.3 / height_in, typeface.legible(title), weight="bold")
    line.set_fontsize(TITLE_SIZE)
    room = 0.96 * (right - left) * figure.bbox.width / max(1.0, line.get_window_extent().width)
    line.set_fontsize(TITLE_SIZE * min(1.0, room))
    figure.text(left, 1.0 - 0.53 / height_in, facts, color=MUTED)


def open_frame(ax: Axes) -> None:
    """Leave only the axes that carry figures, over a faint grid.

    Parameters
    ----------
    ax : Axes
        The panel.
    """
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=RULE, linewidth=0.5, alpha=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(length=3)


def time_axis(axis: Axis, length_s: float) -> None:
    """Count the time in minutes and seconds, at round times.

    Parameters
    ----------
    axis : Axis
        Of a panel or of a colour bar.
    length_s : float > 0
        Between its ends.
    """
    axis.set_major_locator(_ticks(length_s))
    axis.set_major_formatter(FuncFormatter(lambda time_s, _: clock.minutes(time_s)))


def _ticks(length_s: float) -> MultipleLocator | MaxNLocator:
    for step_s in TICKS_S:
        if length_s / step_s <= MAX_TICKS:
            return MultipleLocator(step_s)
    return MaxNLocator(MAX_TICKS)


def png(figure: Figure) -> bytes:
    """Render the figure, without the date and version that would make equal pictures differ.

    Parameters
    ----------
    figure : Figure
        What to render, inside `drawing`.

    Returns
    -------
    bytes
        A PNG with `DPI` pixels per inch.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    return picture.getvalue()
