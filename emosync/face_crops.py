"""Faces cut from a picture, as the network sees them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image as pillow

from emosync.faces import Face
from emosync.framing import FloatArray
from emosync.images import Image

Grey = npt.NDArray[np.uint8]

# FER2013's side.
FACE_SIZE_PX: Final = 48
# How FER2013 frames its faces, as the detector sees them (medians of 195 of its pictures): the
# box is 0.88 of the picture's side wide, and its middle lies 0.54 of the side from the top.
CROP_PER_BOX: Final = 1 / 0.88
BOX_MIDDLE: Final = 0.54
# Turned at twice the size, then halved: no pixel is left out.
TURNED_SIZE_PX: Final = 2 * FACE_SIZE_PX
# Deviation, in grey levels of 0 to 255, below which a face is flat: standardising would show noise.
MIN_DEVIATION: Final = 2.0


def crop_faces(image: Image, faces: Sequence[Face]) -> Grey:
    """Cut faces out as FER2013 frames them, their eyes level.

    Parameters
    ----------
    image : Image
        Upright.
    faces : sequence of Face
        In that picture.

    Returns
    -------
    ndarray of shape (n, 48, 48), uint8
        Grey levels; beyond the picture its edge goes on.
    """
    if not faces:
        return np.empty((0, FACE_SIZE_PX, FACE_SIZE_PX), np.uint8)
    grey = np.asarray(pillow.fromarray(image.rgb).convert("L"))
    # Both scales are alike but for the rounding of a reduced side.
    scale = image.scale[0]
    return np.stack([_crop(grey, face, scale) for face in faces])


def whole_face(image: Image) -> Grey:
    """Take a whole picture for one face that was cropped before.

    Parameters
    ----------
    image : Image
        Upright; a picture that is no square is made one by letting its edge go on.

    Returns
    -------
    ndarray of shape (1, 48, 48), uint8
    """
    grey = np.asarray(pillow.fromarray(image.rgb).convert("L"))
    rows, columns = grey.shape
    square = _square(grey, ((columns - 1) / 2, (rows - 1) / 2), max(rows, columns))
    size = (FACE_SIZE_PX, FACE_SIZE_PX)
    resized = pillow.fromarray(square).resize(size, pillow.Resampling.BILINEAR)
    return np.asarray(resized)[np.newaxis]


def face_input(faces: Grey | FloatArray) -> FloatArray:
    """Bring every face to the same brightness and contrast.

    Parameters
    ----------
    faces : ndarray of shape (n, rows, columns)
        Grey levels, 0 to 255.

    Returns
    -------
    ndarray of shape (n, rows, columns, 1), float32
        Each face with a mean of 0 and a deviation of 1; a flat one is all 0 or nearly.
    """
    grey = faces.astype(np.float32)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    deviation = grey.std(axis=(1, 2), keepdims=True)
    return np.asarray((grey / np.maximum(deviation, MIN_DEVIATION))[..., np.newaxis])


def _crop(grey: Grey, face: Face, scale: float) -> Grey:
    angle = eyes_angle(face)
    side = CROP_PER_BOX * face.side / scale
    # Along the face's own axis the crop lies higher than the box.
    up = (BOX_MIDDLE - 0.5) * side
    x = face.middle[0] / scale + up * np.sin(angle)
    y = face.middle[1] / scale - up * np.cos(angle)
    # The square around the crop, once it is turned.
    grown = abs(np.sin(angle)) + abs(np.cos(angle))
    around = pillow.fromarray(_square(grey, (x, y), max(2, round(side * grown))))
    size = 2 * round(TURNED_SIZE_PX * grown / 2)
    level = around.resize((size, size), pillow.Resampling.BICUBIC).rotate(
        float(np.rad2deg(angle)), pillow.Resampling.BILINEAR
    )
    margin = (size - TURNED_SIZE_PX) // 2
    box = (margin, margin, margin + TURNED_SIZE_PX, margin + TURNED_SIZE_PX)
    return np.asarray(level.crop(box).reduce(TURNED_SIZE_PX // FACE_SIZE_PX))


def eyes_angle(face: Face) -> float:
    """Give how far the line through the eyes falls to the right, in radians.

    Parameters
    ----------
    face : Face
        With its eyes.

    Returns
    -------
    float in [-pi, pi]
    """
    across, down = face.eyes[1] - face.eyes[0]
    return float(np.arctan2(down, across))


def _square(grey: Grey, middle: tuple[float, float], side: int) -> Grey:
    """Cut a square out, its edge pixels going on beyond the picture."""
    rows, columns = grey.shape
    offsets = np.arange(side) - (side - 1) / 2
    x = np.clip(np.rint(middle[0] + offsets).astype(int), 0, columns - 1)
    y = np.clip(np.rint(middle[1] + offsets).astype(int), 0, rows - 1)
    return np.asarray(grey[y[:, np.newaxis], x])
