"""The circle of a song's emotions as a picture, and as the ground of others.

Every emotion has the colour that `song_colours` gives it.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Wedge
from matplotlib.text import Text

from emosync.canvas import DPI, INK, MUTED, drawing, png
from emosync.labels import (
    SONG_ANGLES_DEG,
    SONG_INNER_EMOTIONS,
    SONG_INNER_RADIUS,
    SONG_NEUTRAL,
    SONG_NEUTRAL_RADIUS,
    SONG_OUTER_EMOTIONS,
)
from emosync.song_colours import EMOTION_COLOURS

CIRCLE_SIDE_IN: Final = 6.6
UNKNOWN_COLOUR: Final = "#dedede"


def label_circle() -> bytes:
    """Draw the circle of all emotions that a song's sequence can name.

    Returns
    -------
    bytes
        A PNG of 726 x 726 pixels.
    """
    with drawing():
        return png(_circle())


def draw_sectors(ax: Axes, *, outer_radius: float, alpha: float) -> None:
    """Draw the two rings and the centre in the colours of their emotions.

    Parameters
    ----------
    ax : Axes
        The plane.
    outer_radius : float
        Where the outer ring ends.
    alpha : float in [0, 1]
        1 for the colours as they are, less for a paler ground.
    """
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
            colour = colour_of(emotion)
            ax.add_patch(
                Wedge((0, 0), outside, *ends_deg, width=outside - inside, facecolor=colour, **style)
            )
    ax.add_patch(Circle((0, 0), SONG_NEUTRAL_RADIUS, facecolor=colour_of(SONG_NEUTRAL), **style))


def write_names(ax: Axes, *, outer_radius: float, size: float) -> Iterator[Text]:
    """Write each emotion's name in its sector.

    Parameters
    ----------
    ax : Axes
        The plane.
    outer_radius : float
        Where the names of the outer ring stand.
    size : float
        Of the letters, in points.

    Yields
    ------
    Text
        A name.
    """
    style: dict[str, Any] = {"size": size, "ha": "center", "va": "center", "zorder": 1}
    inner_radius = (SONG_NEUTRAL_RADIUS + SONG_INNER_RADIUS) / 2
    for emotion, angle_deg in SONG_ANGLES_DEG.items():
        radius = inner_radius if emotion in SONG_INNER_EMOTIONS else outer_radius
        angle = np.radians(angle_deg)
        yield ax.text(radius * np.cos(angle), radius * np.sin(angle), emotion, **style)
    yield ax.text(0.0, 0.0, SONG_NEUTRAL, **style)


def colour_of(emotion: str) -> str:
    """Give an emotion's colour; a stored sequence may name one that is not ours."""
    return EMOTION_COLOURS.get(emotion, UNKNOWN_COLOUR)


def _circle() -> Figure:
    """Lay out the circle in a square."""
    figure = Figure(figsize=(CIRCLE_SIDE_IN, CIRCLE_SIDE_IN), dpi=DPI)
    ax = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    draw_sectors(ax, outer_radius=1.0, alpha=1.0)
    for name in write_names(ax, outer_radius=0.8, size=9.5):
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
