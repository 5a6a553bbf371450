"""Where the faces of a picture are: BlazeFace on the whole picture, and on parts of a large one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image as pillow

from emosync.artifacts import Runner, load_artifact
from emosync.framing import FloatArray
from emosync.images import Image

Pixels = npt.NDArray[np.uint8]

# Of the full range model [1]_: a square of 192 pixels, one anchor in the middle of every 4 x 4.
DETECTOR_SIZE_PX: Final = 192
STRIDE_PX: Final = 4
# The eyes, the tip of the nose, the mouth, the ears.
N_POINTS: Final = 6
# Per anchor: middle and size of the box, the points, the logit.
N_NUMBERS: Final = 4 + 2 * N_POINTS + 1
MIN_SCORE: Final = 0.5
# MediaPipe's overlap (intersection over union) from which two boxes are one face.
SAME_FACE_OVERLAP: Final = 0.3
# A picture with a longer side of so many pixels is searched in parts as well: 3 x 3 squares of two
# fifths of it. In a crowd with faces of 2 to 3 % of the width that finds three in four instead of
# one in six; 4 x 4 parts would find nearly all, and take nearly twice as long.
MIN_PARTED_SIDE_PX: Final = 1000
PART_SHARE: Final = 0.4
PARTS_PER_SIDE: Final = 3
# What only a part shows must be surer, and small: the whole picture shows larger faces.
MIN_PART_SCORE: Final = 0.6
MAX_PART_FACE: Final = 0.12
# A found box that covers so much of another, or is covered by it, is the same face.
SAME_FACE_COVER: Final = 0.3


@dataclass(frozen=True)
class Face:
    """A face in a picture; all positions in pixels of the upright whole picture.

    Attributes
    ----------
    left, top, width, height : float
        Its box from the brows to the chin, clipped to the picture.
    score : float in [0, 1]
        How sure the detector is.
    middle : tuple of float
        x and y of the box's middle before it was clipped.
    side : float
        The longer side of the box before it was clipped.
    eyes : ndarray of shape (2, 2)
        x and y of the eyes; in an upright face the first is the left one of the picture.
    """

    left: float
    top: float
    width: float
    height: float
    score: float
    middle: tuple[float, float]
    side: float
    eyes: FloatArray


def load_detector(folder: Path, *, threads: int = 1) -> Runner:
    """Load the detector, for which there is no other runtime than ONNX.

    Parameters
    ----------
    folder : Path
        models/face/detector.
    threads : int
        Threads of one call.

    Returns
    -------
    callable
        From (1, 192, 192, 3) in [-1, 1] to (1, 2304, 17).

    Raises
    ------
    ModelUnavailable
        If a file is missing, broken, or not the one that the card describes.
    """
    return load_artifact(folder, threads=threads).run


def find_faces(image: Image, run: Runner) -> list[Face]:
    """Find the faces of a picture.

    Parameters
    ----------
    image : Image
        Upright.
    run : callable
        From `load_detector`.

    Returns
    -------
    list of Face
        The largest first.

    References
    ----------
    .. [1] Bazarevsky et al. (2019), "BlazeFace: Sub-millisecond Neural Face Detection on
       Mobile GPUs"; MediaPipe's `face_detection_full_range`.
    """
    found = _merged(_detections(image.rgb, run, MIN_SCORE))
    small = [_small_faces(image.rgb, run, *part) for part in _parts(image.rgb.shape)]
    if small:
        more = _merged(np.concatenate(small))
        found = np.concatenate([found, more[~_covers(more, found)]])
    faces = [_face(numbers, image) for numbers in found]
    kept = [face for face in faces if face.width >= 1 and face.height >= 1]
    return sorted(kept, key=lambda face: face.width * face.height, reverse=True)


def _parts(shape: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Give top, left and side of the squares that a large picture is searched in."""
    rows, columns = shape[:2]
    if max(rows, columns) < MIN_PARTED_SIDE_PX:
        return
    side = int(PART_SHARE * max(rows, columns))
    for top in np.unique(np.linspace(0, max(0, rows - side), PARTS_PER_SIDE).astype(int)):
        for left in np.unique(np.linspace(0, max(0, columns - side), PARTS_PER_SIDE).astype(int)):
            yield int(top), int(left), side


def _small_faces(rgb: Pixels, run: Runner, top: int, left: int, side: int) -> FloatArray:
    """Find what the whole picture is too coarse for; the neighbours find what is cut here."""
    part = rgb[top : top + side, left : left + side]
    found = _detections(part, run, MIN_PART_SCORE)
    sizes = found[:, 2:4].max(axis=1)
    low, high = found[:, :2] - found[:, 2:4] / 2, found[:, :2] + found[:, 2:4] / 2
    ends = np.array(part.shape[1::-1])
    begins_inside = np.array([left > 0, top > 0])
    ends_inside = np.array([left + side < rgb.shape[1], top + side < rgb.shape[0]])
    cut = ((low < 0) & begins_inside) | ((high > ends) & ends_inside)
    kept = np.asarray(found[~cut.any(axis=1) & (sizes < MAX_PART_FACE * max(rgb.shape))])
    kept[:, :2] += left, top
    _points(kept)[:] += left, top
    return kept


def _detections(rgb: Pixels, run: Runner, min_score: float) -> FloatArray:
    """Give every anchor's box and points in pixels of `rgb`, and its score, (n, 17)."""
    letterboxed, corner, scale = _letterbox(rgb)
    anchors, numbers = _anchors(), np.array(run(letterboxed)[0])
    # The logit's limit is MediaPipe's.
    scores = 1 / (1 + np.exp(-np.clip(numbers[:, -1], -80, 80)))
    sure = scores >= min_score
    numbers, anchors = np.asarray(numbers[sure]), anchors[sure]
    numbers[:, :2] = (numbers[:, :2] + anchors - corner) * scale
    numbers[:, 2:4] *= scale
    _points(numbers)[:] = (_points(numbers) + anchors[:, np.newaxis] - corner) * scale
    numbers[:, -1] = scores[sure]
    return numbers


def _letterbox(rgb: Pixels) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit a picture into the square, in [-1, 1]; give where it begins and what a pixel is."""
    rows, columns, _ = rgb.shape
    ratio = DETECTOR_SIZE_PX / max(rows, columns)
    width, height = max(1, round(columns * ratio)), max(1, round(rows * ratio))
    fitted = pillow.fromarray(rgb).resize((width, height), pillow.Resampling.BILINEAR)
    left, top = (DETECTOR_SIZE_PX - width) // 2, (DETECTOR_SIZE_PX - height) // 2
    square = np.full((1, DETECTOR_SIZE_PX, DETECTOR_SIZE_PX, 3), -1.0, np.float32)
    square[0, top : top + height, left : left + width] = np.asarray(fitted) / 127.5 - 1.0
    corner = np.array([left, top], np.float32)
    return square, corner, np.array([columns / width, rows / height], np.float32)


def _anchors() -> FloatArray:
    """Give x and y of the anchors, row by row, (2304, 2)."""
    middles = (np.arange(DETECTOR_SIZE_PX // STRIDE_PX, dtype=np.float32) + 0.5) * STRIDE_PX
    columns, rows = np.meshgrid(middles, middles)
    return np.stack([columns.ravel(), rows.ravel()], axis=1)


def _points(numbers: FloatArray) -> FloatArray:
    """View the points among the numbers, (n, 6, 2)."""
    return numbers[:, 4:-1].reshape(len(numbers), N_POINTS, 2)


def _merged(found: FloatArray) -> FloatArray:
    """Average boxes of one face by their scores (MediaPipe's weighted suppression)."""
    found = found[np.argsort(-found[:, -1], kind="stable")]
    faces = []
    while len(found):
        same = _overlap(found[:1], found)[0] > SAME_FACE_OVERLAP
        same[0] = True
        face = np.average(found[same], axis=0, weights=found[same, -1])
        face[-1] = found[0, -1]
        faces.append(face)
        found = found[~same]
    return np.array(faces, np.float32).reshape(-1, N_NUMBERS)


def _covers(asked: FloatArray, others: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell for each box whether it shows a face that is among the others."""
    shared = _shared_area(asked, others)
    smaller = np.minimum(_area(asked)[:, np.newaxis], _area(others))
    return np.asarray((shared >= SAME_FACE_COVER * smaller).any(axis=1))


def _overlap(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """Give intersection over union of every pair, (n, m)."""
    shared = _shared_area(boxes, others)
    return np.asarray(shared / (_area(boxes)[:, np.newaxis] + _area(others) - shared))


def _shared_area(boxes: FloatArray, others: FloatArray) -> FloatArray:
    low = np.maximum(*(b[..., :2] - b[..., 2:4] / 2 for b in (boxes[:, np.newaxis], others)))
    high = np.minimum(*(b[..., :2] + b[..., 2:4] / 2 for b in (boxes[:, np.newaxis], others)))
    return np.asarray(np.prod(np.maximum(high - low, 0), axis=-1))


def _area(boxes: FloatArray) -> FloatArray:
    # Boxes without area would be divided by.
    return np.asarray(np.maximum(np.prod(boxes[:, 2:4], axis=1), 1e-6))


def _face(numbers: FloatArray, image: Image) -> Face:
    scale = np.array(image.scale)
    middle, size = numbers[:2] * scale, numbers[2:4] * scale
    limits = image.width, image.height
    low, high = np.clip(middle - size / 2, 0, limits), np.clip(middle + size / 2, 0, limits)
    width, height = high - low
    return Face(
        left=float(low[0]),
        top=float(low[1]),
        width=float(width),
        height=float(height),
        score=float(numbers[-1]),
        middle=(float(middle[0]), float(middle[1])),
        side=float(size.max()),
        eyes=np.asarray(_points(numbers[np.newaxis])[0, :2] * scale, np.float32),
    )
