"""The colour of each of a song's emotions: its hue turns with the angle on the circle.

Colours are set in OKLCH [1]_, where equal steps look equal: neighbours on the circle are
alike, opposites are far apart. Pleasant emotions are lighter than unpleasant ones, which
tells them apart without colour vision too.

References
----------
.. [1] Ottosson (2020), "A perceptual color space for image processing".
"""

import math
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from emosync.labels import (
    SONG_ANGLES_DEG,
    SONG_COMPLETED,
    SONG_INNER_EMOTIONS,
    SONG_NEUTRAL,
)

# The hue falls as the angle rises: yellow for happy, red for angry, blue for bored, green for
# relaxed. Held back around 120 degrees, or anger would be pink.
FIRST_HUE_DEG: Final = 104.0
HELD_BACK_DEG, HELD_BACK_AT_DEG = 36.0, 120.0
LIGHTEST_DEG: Final = 35.0
# As much chroma as screens show all round the circle, light enough for dark letters.
OUTER_LIGHTNESS, OUTER_CHROMA, OUTER_SWING = 0.74, 0.115, 0.075
INNER_LIGHTNESS, INNER_CHROMA, INNER_SWING = 0.845, 0.065, 0.045
NEUTRAL_LIGHTNESS: Final = 0.90

_TO_LMS: Final = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR_RGB: Final = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

Rgb = npt.NDArray[np.float64]


def rgb_of_oklch(lightness: float, chroma: float, hue_deg: float) -> Rgb:
    """Convert a colour from OKLCH to sRGB.

    Parameters
    ----------
    lightness : float in [0, 1]
        0 is black, 1 is white.
    chroma : float >= 0
        0 is grey.
    hue_deg : float
        In degrees.

    Returns
    -------
    ndarray of shape (3,)
        sRGB; a part outside [0, 1] means that no screen shows the colour.
    """
    hue = math.radians(hue_deg)
    lab = np.array([lightness, chroma * math.cos(hue), chroma * math.sin(hue)])
    linear = _TO_LINEAR_RGB @ (_TO_LMS @ lab) ** 3
    curved = 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    rgb: Rgb = np.where(linear <= 0.0031308, 12.92 * linear, curved)
    return rgb


def _colour(emotion: str) -> Rgb:
    """Give the colour of an emotion on the circle."""
    angle_deg = SONG_ANGLES_DEG[emotion]
    hue_deg = FIRST_HUE_DEG - angle_deg
    hue_deg += HELD_BACK_DEG * (1 + _cosine(angle_deg - HELD_BACK_AT_DEG)) / 2
    light = _cosine(angle_deg - LIGHTEST_DEG)
    if emotion in SONG_INNER_EMOTIONS:
        return rgb_of_oklch(INNER_LIGHTNESS + INNER_SWING * light, INNER_CHROMA, hue_deg)
    return rgb_of_oklch(OUTER_LIGHTNESS + OUTER_SWING * light, OUTER_CHROMA, hue_deg)


def _cosine(angle_deg: float) -> float:
    return math.cos(math.radians(angle_deg))


def _hexadecimal(rgb: Rgb) -> str:
    """Write a colour as #rrggbb."""
    red, green, blue = np.rint(255 * np.clip(rgb, 0.0, 1.0)).astype(int).tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


EMOTION_COLOURS: Final = MappingProxyType(
    {
        SONG_NEUTRAL: _hexadecimal(rgb_of_oklch(NEUTRAL_LIGHTNESS, 0.0, 0.0)),
        **{emotion: _hexadecimal(_colour(emotion)) for emotion in SONG_ANGLES_DEG},
        SONG_COMPLETED: "#ffffff",
    }
)
# Of the quarters of the circle that the moods stand for.
MOOD_COLOURS: Final = MappingProxyType(
    {
        "Calm": EMOTION_COLOURS["Relaxed"],
        "Energetic": EMOTION_COLOURS["Tense"],
        "Happy": EMOTION_COLOURS["Happy"],
        "Sad": EMOTION_COLOURS["Depressed"],
    }
)
