"""A song as pictures: its course, its emotions, its path through the plane, and the circle.

Every emotion has the colour that `song_colours` gives it, in each panel.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Wedge
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from emosync import clock
from emosync.canvas import DPI, INK, MUTED, RULE, drawing, head, open_frame, png
from emosync.labels import (
    SONG_ANGLES_DEG,
    SONG_INNER_EMOTIONS,
    SONG_INNER_RADIUS,
    SONG_NEUTRAL,
    SONG_NEUTRAL_RADIUS,
    SONG_OUTER_EMOTIONS,
)
from emosync.song_colours import EMOTION_COLOURS

SIZE_IN: Final = (9.2, 9.6)
LEFT: Final = 0.085
RIGHT: Final = 0.955
CIRCLE_SIDE_IN: Final = 6.6
# Blue and orange of Okabe and Ito, told apart with any kind of colour vision.
VALENCE: Final = "#0072b2"
AROUSAL: Final = "#d55e00"
# Dark enough at both ends to stand on the sectors.
PATH_MAP: Final = LinearSegmentedColormap.from_list("path", ["#4b2991", "#c0369d", "#fa7876"])
UNKNOWN_COLOUR: Final = "#dedede"
# From the least distance of ticks that leaves at most so many.
TICKS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MAX_TICKS: Final = 12
# Shorter songs are drawn on an axis of this length.
SHORTEST_AXIS_S: Final = 1.0
# White lines between the parts of the strip, unless the parts are so many that little else is left.
MAX_SEPARATED_PARTS: Final = 80
# A longer song is drawn by the means of about so many stretches, or its lines hide each other.
MAX_COURSE_STRETCHES: Final = 880
MAX_PATH_STRETCHES: Final = 600

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Part:
    """A stretch of one emotion."""

    start_s: float
    end_s: float
    emotion: str


@dataclass(frozen=True)
class _Song:
    """What is drawn of a song; arrays of shape (n_steps,)."""

    time_s: Floats
    valence: Floats
    arousal: Floats
    parts: list[_Part]

    @property
    def axis_s(self) -> tuple[float, float]:
        """Where the axis of time begins and ends."""
        start_s, end_s = float(self.time_s[0]), float(self.time_s[-1])
        return start_s, max(end_s, start_s + SHORTEST_AXIS_S)


def song_panels(
    time_s: npt.ArrayLike,
    valence: npt.ArrayLike,
    arousal: npt.ArrayLike,
    emotions: Sequence[tuple[float, str]],
    *,
    title: str,
) -> bytes:
    """Draw how a song's emotion moves: over time, as labels, and through the plane.

    Parameters
    ----------
    time_s : array-like of shape (n_steps,), n_steps > 0
        In seconds, ascending.
    valence, arousal : array-like of shape (n_steps,)
        Drawn on axes of [-1, 1]; what lies beyond is drawn at the edge.
    emotions : sequence of (float, str)
        The playback sequence: start in seconds and emotion; the last one only ends it.
    title : str
        Any text, such as the name of the song; never read as markup.

    Returns
    -------
    bytes
        A PNG of 1012 x 1056 pixels.
    """
    parts = [
        _Part(start_s, end_s, emotion)
        for (start_s, emotion), (end_s, _) in itertools.pairwise(emotions)
    ]
    song = _Song(
        np.asarray(time_s, dtype=np.float64),
        np.clip(np.asarray(valence, dtype=np.float64), -1.0, 1.0),
        np.clip(np.asarray(arousal, dtype=np.float64), -1.0, 1.0),
        parts,
    )
    with drawing():
        return png(_panels(song, title))


def label_circle() -> bytes:
    """Draw the circle of all emotions that a song's sequence can name.

    Returns
    -------
    bytes
        A PNG of 726 x 726 pixels.
    """
    with drawing():
        return png(_circle())


def _panels(song: _Song, title: str) -> Figure:
    """Lay out the course and the strip above the plane and the list of emotions."""
    figure = Figure(figsize=SIZE_IN, dpi=DPI)
    start_s, end_s = float(song.time_s[0]), float(song.time_s[-1])
    head(figure, title, _facts(song, end_s - start_s), left=LEFT, right=RIGHT)
    course = figure.add_axes((LEFT, 0.715, RIGHT - LEFT, 0.18))
    strip = figure.add_axes((LEFT, 0.64, RIGHT - LEFT, 0.06))
    width, height = 0.5, 0.5 * SIZE_IN[0] / SIZE_IN[1]
    plane = figure.add_axes((LEFT, 0.055, width, height))
    bar = figure.add_axes((LEFT + width + 0.01, 0.055, 0.011, height))
    shares = figure.add_axes((0.772, 0.055, RIGHT - 0.772, height))
    _draw_course(course, song)
    _draw_strip(strip, song)
    _draw_plane(plane, bar, song)
    _draw_shares(shares, song.parts)
    return figure


def _facts(song: _Song, duration_s: float) -> str:
    """Say how long the song is and how often its emotion changes."""
    n_parts, n_emotions = len(song.parts), len({part.emotion for part in song.parts})
    parts = f"{n_parts:,} part{'s' * (n_parts != 1)}"
    return f"{clock.duration(duration_s)}, {parts}, {n_emotions} emotion{'s' * (n_emotions != 1)}"


def _draw_course(ax: Axes, song: _Song) -> None:
    """Draw valence and arousal over time."""
    starts = _stretches(song, MAX_COURSE_STRETCHES)
    times_s = _means(song.time_s, starts)
    ax.axhline(0.0, color=RULE, linewidth=0.8)
    for name, values, colour in (
        ("valence", song.valence, VALENCE),
        ("arousal", song.arousal, AROUSAL),
    ):
        if starts.size < values.size:
            low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
            ax.fill_between(times_s, low, high, color=colour, alpha=0.25, linewidth=0)
        ax.plot(
            times_s, _means(values, starts), color=colour, label=name,
            linewidth=1.6 if starts.size < 500 else 1.0, marker="o" if starts.size < 2 else None,
        )  # fmt: skip
    ax.set_title("Valence and arousal")
    ax.set_ylim(-1.05, 1.05)
    ax.yaxis.set_major_locator(MultipleLocator(0.5))
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, frameon=False,
        fontsize=8, labelcolor=MUTED, handlelength=1.4, borderpad=0.2, columnspacing=1.2,
    )  # fmt: skip
    open_frame(ax)
    _time_axis(ax, song)
    ax.tick_params(labelbottom=False)


def _draw_strip(ax: Axes, song: _Song) -> None:
    """Draw the emotions as a strip, each named where its name fits."""
    for part in song.parts:
        ax.axvspan(part.start_s, part.end_s, color=_colour(part.emotion), linewidth=0)
    if len(song.parts) <= MAX_SEPARATED_PARTS:
        ax.vlines([part.start_s for part in song.parts[1:]], 0, 1, color="white", linewidth=1.0)
    ax.set_ylim(0.0, 1.0)
    ax.set_yticks([])
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel("Time (min:s)")
    _time_axis(ax, song)
    ax.tick_params(length=3)
    for part in song.parts:
        _write_where_it_fits(ax, part)


def _write_where_it_fits(ax: Axes, part: _Part) -> None:
    """Name a part of the strip along its length, or upright, or not at all."""
    corners = ax.transData.transform([(part.start_s, 0.0), (part.end_s, 1.0)])
    width_px, height_px = corners[1] - corners[0]
    if width_px < 10:
        return
    name = ax.text((part.start_s + part.end_s) / 2, 0.5, part.emotion, ha="center", va="center")
    for size, rotation in ((8.0, 0), (7.0, 0), (7.0, 90), (6.0, 90)):
        name.set(fontsize=size, rotation=rotation)
        box = name.get_window_extent()
        if box.width < width_px - 3 and box.height < height_px - 2:
            return
    name.remove()


def _time_axis(ax: Axes, song: _Song) -> None:
    """Count the time in minutes and seconds."""
    start_s, end_s = song.axis_s
    ax.set_xlim(start_s, end_s)
    ax.xaxis.set_major_locator(_ticks(end_s - start_s))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda time_s, _: clock.minutes(time_s)))


def _ticks(length_s: float) -> MultipleLocator | MaxNLocator:
    """Place the ticks at round times."""
    for step_s in TICKS_S:
        if length_s / step_s <= MAX_TICKS:
            return MultipleLocator(step_s)
    return MaxNLocator(MAX_TICKS)


def _draw_plane(ax: Axes, bar: Axes, song: _Song) -> None:
    """Draw the way through the plane over the sectors of the circle."""
    _draw_sectors(ax, outer_radius=1.5, alpha=0.30)
    for name in _write_names(ax, outer_radius=0.84, size=7.0):
        name.set(color=MUTED, alpha=0.75)
    path = _draw_path(ax, song)
    path.set_clim(*song.axis_s)
    ax.set_title("Path through the plane")
    ax.set_xlim(-1.0, 1.0)
    ax.set_ylim(-1.0, 1.0)
    ax.xaxis.set_major_locator(MultipleLocator(0.5))
    ax.yaxis.set_major_locator(MultipleLocator(0.5))
    ax.set_xlabel("Valence")
    ax.set_ylabel("Arousal")
    ax.tick_params(length=3)
    times = Colorbar(bar, path, label="Time (min:s)")
    bar.yaxis.labelpad = 8
    times.outline.set_visible(False)
    bar.yaxis.set_major_locator(_ticks(song.axis_s[1] - song.axis_s[0]))
    bar.yaxis.set_major_formatter(FuncFormatter(lambda time_s, _: clock.minutes(time_s)))
    bar.tick_params(length=0, labelsize=8)


def _stretches(song: _Song, max_stretches: int) -> npt.NDArray[np.intp]:
    """Give the first step of each of so many stretches of equal length, or of each step."""
    n_steps = song.time_s.size
    return np.arange(0, n_steps, -(-n_steps // max_stretches))


def _means(values: Floats, starts: npt.NDArray[np.intp]) -> Floats:
    """Average each stretch."""
    means: Floats = np.add.reduceat(values, starts) / np.diff([*starts, values.size])
    return means


def _draw_path(ax: Axes, song: _Song) -> LineCollection:
    """Draw the path in the colours of time, with its beginning and its end."""
    starts = _stretches(song, MAX_PATH_STRETCHES)
    axes = (song.valence, song.arousal)
    places = np.column_stack([_means(axis, starts) for axis in axes])
    # However much is averaged, the song begins and ends where it does.
    places[[0, -1]] = np.column_stack([axis[[0, -1]] for axis in axes])
    crowded = starts.size < song.time_s.size
    path = LineCollection(
        list(np.stack([places[:-1], places[1:]], axis=1)), cmap=PATH_MAP,
        array=song.time_s[starts[:-1]], capstyle="round", zorder=3,
        linewidth=1.0 if crowded else 1.6, alpha=0.75 if crowded else 0.9,
    )  # fmt: skip
    ax.add_collection(path, autolim=False)
    _mark(ax, places[0], "start", face="white", edge=PATH_MAP(0.0), rise=-1)
    _mark(ax, places[-1], "end", face=PATH_MAP(1.0), edge="white", rise=1)
    return path


def _mark(ax: Axes, place: Floats, word: str, *, face: Any, edge: Any, rise: int) -> None:
    """Mark an end of the path, its name above or below and always inside the plane."""
    ax.plot(
        *place, "o", markersize=7, markerfacecolor=face, markeredgecolor=edge,
        markeredgewidth=1.6, zorder=5, clip_on=False,
    )  # fmt: skip
    rise = -rise if abs(place[1] + 0.1 * rise) > 1 else rise
    side = -1 if place[0] > 0.8 else 1
    name = ax.annotate(
        word, (float(place[0]), float(place[1])), (6 * side, 8 * rise),
        textcoords="offset points", size=8, weight="bold",
        ha="left" if side > 0 else "right", va="center", zorder=6,
    )  # fmt: skip
    name.set_path_effects([withStroke(linewidth=2.5, foreground="white", alpha=0.8)])


def _draw_shares(ax: Axes, parts: Sequence[_Part]) -> None:
    """List the emotions with the time they take, the longest first: the key of the colours."""
    totals_s: dict[str, float] = {}
    for part in parts:
        totals_s[part.emotion] = totals_s.get(part.emotion, 0.0) + part.end_s - part.start_s
    ranked = sorted(totals_s.items(), key=lambda item: -item[1])
    names = [name for name, _ in ranked]
    lengths_s = [total_s for _, total_s in ranked]
    ax.barh(names, lengths_s, height=0.72, color=[_colour(name) for name in names])
    longest_s = max([*lengths_s, SHORTEST_AXIS_S])
    for row, total_s in enumerate(lengths_s):
        ax.text(
            total_s + 0.03 * longest_s, row, clock.minutes(total_s),
            size=7.5, color=MUTED, va="center",
        )  # fmt: skip
    ax.set_xlim(0.0, 1.3 * longest_s)
    # Few rows are not stretched over the height; all of them fit into it.
    ax.set_ylim(max(len(names), 16) - 0.4, -0.6)
    ax.set_title("Time in each emotion")
    ax.set_xticks([])
    ax.tick_params(length=0, labelsize=8, labelcolor=INK)
    ax.spines[:].set_visible(False)


def _circle() -> Figure:
    """Lay out the circle in a square."""
    figure = Figure(figsize=(CIRCLE_SIDE_IN, CIRCLE_SIDE_IN), dpi=DPI)
    ax = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    _draw_sectors(ax, outer_radius=1.0, alpha=1.0)
    for name in _write_names(ax, outer_radius=0.8, size=9.5):
        name.set(color=INK)
    for x, y, word, rotation in (
        (1.06, 0.0, "high valence", -90),
        (-1.06, 0.0, "low valence", 90),
        (0.0, 1.06, "high arousal", 0),
        (0.0, -1.06, "low arousal", 0),
    ):
        ax.text(x, y, word, size=10, color=MUTED, ha="center", va="center", rotation=rotation)
    ground = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.2"}
    for radius in (SONG_NEUTRAL_RADIUS, SONG_INNER_RADIUS):
        ax.text(
            radius, 0, f"{radius:g}", size=7, color=MUTED, ha="center", va="center", bbox=ground
        )
    ax.set_xlim(-1.13, 1.13)
    ax.set_ylim(-1.13, 1.13)
    ax.axis("off")
    return figure


def _draw_sectors(ax: Axes, *, outer_radius: float, alpha: float) -> None:
    """Draw the two rings and the centre in the colours of their emotions."""
    style: dict[str, Any] = {"edgecolor": "white", "linewidth": 1.2, "alpha": alpha, "zorder": 0}
    rings = (
        (SONG_OUTER_EMOTIONS, SONG_INNER_RADIUS, outer_radius),
        (SONG_INNER_EMOTIONS, SONG_NEUTRAL_RADIUS, SONG_INNER_RADIUS),
    )
    for emotions, inside, outside in rings:
        half_deg = 180.0 / len(emotions)
        for emotion in emotions:
            middle_deg = SONG_ANGLES_DEG[emotion]
            ends_deg = middle_deg - half_deg, middle_deg + half_deg
            colour = _colour(emotion)
            ax.add_patch(
                Wedge((0, 0), outside, *ends_deg, width=outside - inside, facecolor=colour, **style)
            )
    ax.add_patch(Circle((0, 0), SONG_NEUTRAL_RADIUS, facecolor=_colour(SONG_NEUTRAL), **style))


def _write_names(ax: Axes, *, outer_radius: float, size: float) -> Iterator[Text]:
    """Write each emotion's name in its sector."""
    style: dict[str, Any] = {"size": size, "ha": "center", "va": "center", "zorder": 1}
    inner_radius = (SONG_NEUTRAL_RADIUS + SONG_INNER_RADIUS) / 2
    for emotion, angle_deg in SONG_ANGLES_DEG.items():
        radius = inner_radius if emotion in SONG_INNER_EMOTIONS else outer_radius
        angle = np.radians(angle_deg)
        yield ax.text(radius * np.cos(angle), radius * np.sin(angle), emotion, **style)
    yield ax.text(0.0, 0.0, SONG_NEUTRAL, **style)


def _colour(emotion: str) -> str:
    """Give an emotion's colour; a stored sequence may name one that is not ours."""
    return EMOTION_COLOURS.get(emotion, UNKNOWN_COLOUR)
