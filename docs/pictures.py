"""The pictures that README.md shows, drawn by the code that draws the answers."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from docs.song_example import heard
from docs.tables import ROOT
from emosync.song_circle import label_circle

PICTURES_PATH: Final = ROOT / "docs" / "pictures"
CIRCLE: Final = "label_circle.png"
SONG: Final = "rain_and_sun.png"
N_COLOURS: Final = 256
# Another version of the fonts' renderer changes edges by less than this, of 255, and few of
# them by more; a label or a line that moved changes a larger share of the pixels.
CLEAR: Final = 24
TOLERANCE: Final = 0.008


def pictures() -> dict[str, bytes]:
    """Make the pictures of the page.

    Returns
    -------
    dict of str to bytes
        File name to a PNG of few colours, which is a third as large.
    """
    return {CIRCLE: small(label_circle()), SONG: small(heard().panels)}


def outdated(drawn: Mapping[str, bytes], folder: Path = PICTURES_PATH) -> dict[str, bytes]:
    """Choose the pictures that a folder lacks, or holds in a form that looks different.

    Parameters
    ----------
    drawn : mapping of str to bytes
        File name to PNG.
    folder : Path
        Where they are kept.

    Returns
    -------
    dict of str to bytes
    """
    return {name: png for name, png in drawn.items() if not _is_there(png, folder / name)}


def small(png: bytes) -> bytes:
    """Write a PNG with 256 colours."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(N_COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _is_there(png: bytes, path: Path) -> bool:
    if not path.exists():
        return False
    now, before = _pixels(png), _pixels(path.read_bytes())
    if now.shape != before.shape:
        return False
    clear = (np.abs(now - before) > CLEAR).any(axis=-1)
    return float(clear.mean()) <= TOLERANCE


def _pixels(png: bytes) -> npt.NDArray[np.int16]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"), np.int16)
