"""A song as a picture: its mood, its course, its emotions, and its path through the plane.

Every emotion has the colour that `song_colours` gives it, in each panel.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MultipleLocator
from matplotlib.transforms import Bbox

from emosync import clock
from emosync.canvas import (
    DPI,
    INK,
    MUTED,
    RULE,
    TIME_LABEL,
    drawing,
    head,
    open_frame,
    png,
    time_axis,
)
from emosync.song_circle import colour_of, draw_sectors, write_names
from emosync.song_colours import MOOD_COLOURS

WIDTH_IN: Final = 9.2
HEIGHT_IN: Final = 9.6
# By so much a picture with moods is higher.
MOODS_IN: Final = 1.5
LEFT: Final = 0.085
RIGHT: Final = 0.955
# Blue and orange of Okabe and Ito, told apart with any kind of colour vision.
VALENCE: Final = "#0072b2"
AROUSAL: Final = "#d55e00"
# Dark enough at both ends to stand on the sectors.
PATH_MAP: Final = LinearSegmentedColormap.from_list("path", ["#4b2991", "#c0369d", "#fa7876"])
# In points; a report prints the picture at three quarters of its size.
SMALL, SMALLEST = 8.5, 8.0
OUTLINE: Final = withStroke(linewidth=2.5, foreground="white", alpha=0.8)
MIN_ROWS: Final = 6
MARK_PX: Final = 10
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

    @property
    def places(self) -> Floats:
        """The way through the plane, (n_steps, 2).

        What lies beyond the plane is drawn towards the middle, and so stays in its sector.
        """
        places = np.column_stack([self.valence, self.arousal])
        reach: Floats = np.maximum(1.0, np.abs(places).max(axis=1, keepdims=True))
        return np.asarray(places / reach)

    @property
    def length_s(self) -> float:
        """How long the axis of time is."""
        return self.axis_s[1] - self.axis_s[0]


def song_panels(
    time_s: npt.ArrayLike,
    valence: npt.ArrayLike,
    arousal: npt.ArrayLike,
    emotions: Sequence[tuple[float, str]],
    *,
    title: str,
    settings: str = "",
    moods: Mapping[str, float] = MappingProxyType({}),
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
    settings : str
        How the curve became the sequence, in our own words.
    moods : mapping of str to float in [0, 1]
        Of the whole song, the likeliest first; drawn above the rest if there are any.

    Returns
    -------
    bytes
        A PNG of 1012 x 1056 pixels, or of 1012 x 1221 with moods.
    """
    parts = [
        _Part(start_s, end_s, emotion)
        for (start_s, emotion), (end_s, _) in itertools.pairwise(emotions)
    ]
    song = _Song(
        np.asarray(time_s, dtype=np.float64),
        np.asarray(valence, dtype=np.float64),
        np.asarray(arousal, dtype=np.float64),
        parts,
    )
    with drawing():
        return png(_panels(song, title, settings, moods))


def _panels(song: _Song, title: str, settings: str, moods: Mapping[str, float]) -> Figure:
    """Lay out moods, course and strip above the plane and the list of emotions."""
    height_in = HEIGHT_IN + MOODS_IN * bool(moods)
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI)
    head(figure, title, _facts(song, settings), left=LEFT, right=RIGHT)

    def panel(left: float, bottom_in: float, width: float, panel_in: float) -> Axes:
        return figure.add_axes((left, bottom_in / height_in, width, panel_in / height_in))

    if moods:
        _draw_moods(panel(LEFT, HEIGHT_IN - 0.7, RIGHT - LEFT, MOODS_IN - 0.45), moods)
    _draw_course(panel(LEFT, 6.9, RIGHT - LEFT, 1.7), song)
    _draw_strip(panel(LEFT, 6.1, RIGHT - LEFT, 0.65), song)
    side = 0.5
    _draw_plane(
        panel(LEFT, 0.55, side, side * WIDTH_IN),
        panel(LEFT + side + 0.01, 0.55, 0.011, side * WIDTH_IN),
        song,
    )
    _draw_shares(panel(0.785, 0.55, RIGHT - 0.785, side * WIDTH_IN), song.parts)
    return figure


def _draw_moods(ax: Axes, moods: Mapping[str, float]) -> None:
    """Draw the probability of each mood."""
    shares = list(moods.values())
    bars = ax.barh(list(moods), shares, height=0.72, color=[MOOD_COLOURS.get(m) for m in moods])
    ax.bar_label(bars, [f"{share:.0%}" for share in shares], padding=4, color=INK, size=SMALL)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xticks([])
    mood, share = next(iter(moods.items()))
    ax.set_title(f"Mood: {mood}, {share:.0%}")
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)


def _facts(song: _Song, settings: str) -> str:
    """Say how long the song is, how often its emotion changes, and how that was made out."""
    n_parts, n_emotions = len(song.parts), len({part.emotion for part in song.parts})
    facts = [
        clock.duration(float(song.time_s[-1] - song.time_s[0])),
        f"{n_parts:,} part{'s' * (n_parts != 1)}",
        f"{n_emotions} emotion{'s' * (n_emotions != 1)}",
    ]
    return ", ".join(facts) + (f"; {settings}" if settings else "")


def _draw_course(ax: Axes, song: _Song) -> None:
    """Draw valence and arousal over time."""
    starts = _stretches(song, MAX_COURSE_STRETCHES)
    times_s = _means(song.time_s, starts)
    ax.axhline(0.0, color=RULE, linewidth=0.8)
    for name, values, colour in (
        ("valence", np.clip(song.valence, -1.0, 1.0), VALENCE),
        ("arousal", np.clip(song.arousal, -1.0, 1.0), AROUSAL),
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
        fontsize=SMALL, labelcolor=MUTED, handlelength=1.4, borderpad=0.2, columnspacing=1.2,
    )  # fmt: skip
    open_frame(ax)
    ax.set_xlim(*song.axis_s)
    time_axis(ax.xaxis, song.length_s)
    ax.tick_params(labelbottom=False)


def _draw_strip(ax: Axes, song: _Song) -> None:
    """Draw the emotions as a strip, each named where its name fits."""
    for part in song.parts:
        ax.axvspan(part.start_s, part.end_s, color=colour_of(part.emotion), linewidth=0)
    if len(song.parts) <= MAX_SEPARATED_PARTS:
        ax.vlines([part.start_s for part in song.parts[1:]], 0, 1, color="white", linewidth=1.0)
    ax.set_ylim(0.0, 1.0)
    ax.set_yticks([])
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel(TIME_LABEL)
    ax.set_xlim(*song.axis_s)
    time_axis(ax.xaxis, song.length_s)
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
    for size, rotation in ((9.0, 0), (SMALL, 0), (SMALL, 90), (SMALLEST, 90)):
        name.set(fontsize=size, rotation=rotation)
        box = name.get_window_extent()
        if box.width < width_px - 3 and box.height < height_px - 2:
            return
    name.remove()


def _draw_plane(ax: Axes, bar: Axes, song: _Song) -> None:
    """Draw the way through the plane over the sectors of the circle."""
    ax.set_xlim(-1.0, 1.0)
    ax.set_ylim(-1.0, 1.0)
    draw_sectors(ax, outer_radius=1.5, alpha=0.30)
    names = list(write_names(ax, outer_radius=0.82, size=SMALL))
    for name in names:
        name.set(color=INK, alpha=0.85, zorder=4, path_effects=[OUTLINE])
    path = _draw_path(ax, song)
    path.set_clim(*song.axis_s)
    _mark_ends(ax, song, names)
    ax.set_title("Path through the plane")
    ax.xaxis.set_major_locator(MultipleLocator(0.5))
    ax.yaxis.set_major_locator(MultipleLocator(0.5))
    ax.set_xlabel("Valence")
    ax.set_ylabel("Arousal")
    ax.tick_params(length=3)
    times = Colorbar(bar, path, label=TIME_LABEL)
    bar.yaxis.labelpad = 8
    times.outline.set_visible(False)
    time_axis(bar.yaxis, song.length_s)
    bar.tick_params(length=0)


def _stretches(song: _Song, max_stretches: int) -> npt.NDArray[np.intp]:
    """Give the first step of each of so many stretches of equal length, or of each step."""
    n_steps = song.time_s.size
    return np.arange(0, n_steps, -(-n_steps // max_stretches))


def _means(values: Floats, starts: npt.NDArray[np.intp]) -> Floats:
    """Average each stretch."""
    means: Floats = np.add.reduceat(values, starts) / np.diff([*starts, values.size])
    return means


def _draw_path(ax: Axes, song: _Song) -> LineCollection:
    """Draw the path in the colours of time."""
    starts = _stretches(song, MAX_PATH_STRETCHES)
    places = np.column_stack([_means(axis, starts) for axis in song.places.T])
    # However much is averaged, the song begins and ends where it does.
    places[[0, -1]] = song.places[[0, -1]]
    crowded = starts.size < song.time_s.size
    path = LineCollection(
        list(np.stack([places[:-1], places[1:]], axis=1)), cmap=PATH_MAP,
        array=song.time_s[starts[:-1]], capstyle="round", zorder=3,
        linewidth=1.0 if crowded else 1.6, alpha=0.75 if crowded else 0.9,
    )  # fmt: skip
    ax.add_collection(path, autolim=False)
    return path


def _mark_ends(ax: Axes, song: _Song, names: Sequence[Text]) -> None:
    """Mark where the path begins and ends, the words where they cover least of the names."""
    ends = [(float(valence), float(arousal)) for valence, arousal in song.places[[0, -1]]]
    colours = (("white", PATH_MAP(0.0)), (PATH_MAP(1.0), "white"))
    for (valence, arousal), (face, edge) in zip(ends, colours, strict=True):
        ax.plot(
            valence, arousal, "o", markersize=7, markerfacecolor=face, markeredgecolor=edge,
            markeredgewidth=1.6, zorder=5, clip_on=False,
        )  # fmt: skip
    taken = [name.get_window_extent() for name in names]
    corners = [ax.transData.transform(end) - MARK_PX / 2 for end in ends]
    taken += [Bbox.from_bounds(x, y, MARK_PX, MARK_PX) for x, y in corners]
    for word, end in zip(("start", "end"), ends, strict=True):
        taken.append(_write_beside(ax, word, end, taken))


def _write_beside(ax: Axes, word: str, place: tuple[float, float], taken: Sequence[Bbox]) -> Bbox:
    """Write a word beside a place, within the panel and off the boxes where that can be."""
    style: dict[str, Any] = {
        "textcoords": "offset points", "size": 9, "weight": "bold", "zorder": 6,
        "va": "center", "path_effects": [OUTLINE],
    }  # fmt: skip
    tried: list[tuple[float, int, Annotation, Bbox]] = []
    for side, rise in itertools.product((1, -1), (0, 9, -9, 18, -18)):
        offset = (8 * side, rise)
        name = ax.annotate(word, place, offset, ha="left" if side > 0 else "right", **style)
        box = name.get_window_extent()
        tried.append((_lost(box, ax.bbox, taken), len(tried), name, box))
    _, best, _, box = min(tried)
    for _, number, name, _ in tried:
        if number != best:
            name.remove()
    return box


def _lost(box: Bbox, panel: Bbox, taken: Sequence[Bbox]) -> float:
    """Measure what of a box lies outside the panel or on other boxes, in square pixels."""
    inside = _shared(box, panel)
    return box.width * box.height - inside + sum(_shared(box, other) for other in taken)


def _shared(box: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(box, other)
    return 0.0 if both is None else float(both.width * both.height)


def _draw_shares(ax: Axes, parts: Sequence[_Part]) -> None:
    """List the emotions with the time they take, the longest first: the key of the colours."""
    totals_s: dict[str, float] = {}
    for part in parts:
        totals_s[part.emotion] = totals_s.get(part.emotion, 0.0) + part.end_s - part.start_s
    ranked = sorted(totals_s.items(), key=lambda item: -item[1])
    names = [name for name, _ in ranked]
    lengths_s = [total_s for _, total_s in ranked]
    ax.barh(names, lengths_s, height=0.72, color=[colour_of(name) for name in names])
    longest_s = max([*lengths_s, SHORTEST_AXIS_S])
    times = clock.exact_minutes(lengths_s)
    for row, (total_s, words) in enumerate(zip(lengths_s, times, strict=True)):
        ax.text(total_s + 0.03 * longest_s, row, words, size=SMALL, color=MUTED, va="center")
    ax.set_xlim(0.0, 1.5 * longest_s)
    # A few rows fill the height; one or two are not stretched over it.
    ax.set_ylim(max(len(names), MIN_ROWS) - 0.4, -0.6)
    ax.set_title("Time in each emotion")
    ax.set_xticks([])
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
