"""Photographs to measure with: one of 12 megapixels and a small one, as JPEG."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image as pillow

from bench.server import ROOT

DATA: Final = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data"))
# Two people, 2280 x 1588.
PHOTOGRAPH: Final = DATA / "faces" / "photos" / "deepface__tests__unit__dataset__couple.jpg"
LARGE_PIXELS: Final = 12_000_000
SMALL_SIDE_PX: Final = 640
# Enlarging makes smooth; with the noise of a sensor the file is as heavy as a camera's.
NOISE_LEVELS: Final = 6.0
QUALITY: Final = 90
# Drawn where there is no photograph: blurred noise, in which there is no face.
DRAWN_SHAPE: Final = (30, 40, 3)
DRAWN_SIZE: Final = (2280, 1588)


def make_photographs(folder: Path, source: Path = PHOTOGRAPH) -> Mapping[str, Path]:
    """Write a large and a small JPEG of the same photograph.

    Parameters
    ----------
    folder : Path
        Where to.
    source : Path
        The photograph; where it is not there, one is drawn.

    Returns
    -------
    mapping of str to Path
        `large` with 12 megapixels, `small` with 640 pixels on its longer side.
    """
    photograph = pillow.open(source).convert("RGB") if source.exists() else _drawn()
    small = photograph.copy()
    small.thumbnail((SMALL_SIDE_PX, SMALL_SIDE_PX))
    paths = {"large": folder / "large.jpg", "small": folder / "small.jpg"}
    _large(photograph).save(paths["large"], quality=QUALITY)
    small.save(paths["small"], quality=QUALITY)
    return paths


def _large(photograph: pillow.Image) -> pillow.Image:
    """Enlarge, and add noise to the light of each pixel."""
    ratio = (LARGE_PIXELS / (photograph.width * photograph.height)) ** 0.5
    size = round(photograph.width * ratio), round(photograph.height * ratio)
    rgb = np.asarray(photograph.resize(size, pillow.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(0).standard_normal(rgb.shape[:2], np.float32)
    return pillow.fromarray(
        np.clip(rgb + NOISE_LEVELS * noise[..., np.newaxis], 0, 255).astype(np.uint8)
    )


def _drawn() -> pillow.Image:
    levels = np.random.default_rng(0).integers(0, 256, DRAWN_SHAPE, dtype=np.uint8)
    return pillow.fromarray(levels).resize(DRAWN_SIZE, pillow.Resampling.BICUBIC)
