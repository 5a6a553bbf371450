"""The detector on photographs, and the way to it and back on drawn squares."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow

from emosync import faces
from emosync.artifacts import Runner
from emosync.faces import DETECTOR_SIZE_PX, N_NUMBERS, STRIDE_PX, Face, find_faces, load_detector
from emosync.framing import FloatArray
from emosync.images import Image, decode_image

ROOT = Path(__file__).parent.parent
DETECTOR = ROOT / "models" / "face" / "detector"
DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "faces" / "photos"
LISTED = (DATA / "manifest.csv").read_text("utf-8").splitlines() if DATA.is_dir() else []
MANIFEST = list(csv.DictReader(LISTED))
ROTATED = sorted(DATA.glob("derived_exif__*.jpg"))
needs_photos = pytest.mark.skipif(
    not MANIFEST, reason=f"no photographs at {DATA}; EMOSYNC_DATA says where the data is"
)
CELLS = DETECTOR_SIZE_PX // STRIDE_PX
# Larger than any logit that matters, smaller than what overflows.
SURE, NEVER = 10.0, -30.0


@pytest.fixture(scope="module")
def detector() -> Runner:
    return load_detector(DETECTOR)


def finds_white_squares(X: FloatArray) -> FloatArray:
    """Stand for the detector: every white pixel's cell tells of the square it belongs to.

    The eyes are reported at the square's upper corners.
    """
    numbers = np.zeros((1, CELLS * CELLS, N_NUMBERS), np.float32)
    numbers[..., -1] = NEVER
    white = X[0].min(axis=-1) > 0.9
    if white.any():
        rows, columns = np.nonzero(white)
        low = np.array([columns.min(), rows.min()], float)
        high = np.array([columns.max(), rows.max()], float) + 1
        middle, size = (low + high) / 2, high - low
        for row, column in np.unique(np.stack([rows, columns], axis=1) // STRIDE_PX, axis=0):
            anchor = (np.array([column, row]) + 0.5) * STRIDE_PX
            cell = numbers[0, row * CELLS + column]
            cell[:2], cell[2:4] = middle - anchor, size
            cell[4:8] = *(low - anchor), *([high[0], low[1]] - anchor)
            cell[-1] = SURE
    return numbers


def white_square(width: int, height: int, *, left: int, top: int, side: int) -> Image:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[max(0, top) : top + side, max(0, left) : left + side] = 255
    return Image(rgb, width, height)


@pytest.mark.parametrize("size", [(192, 192), (600, 300), (300, 600), (97, 640), (40, 30)])
def test_boxes_and_eyes_are_in_pixels_of_the_picture(size: tuple[int, int]) -> None:
    side = min(size) // 2
    image = white_square(*size, left=side // 2, top=side // 3, side=side)
    (face,) = find_faces(image, finds_white_squares)
    a_cell = 2 * max(1.0, max(size) / DETECTOR_SIZE_PX)
    assert face.left == pytest.approx(side // 2, abs=a_cell)
    assert face.top == pytest.approx(side // 3, abs=a_cell)
    assert (face.width, face.height) == pytest.approx((side, side), abs=2 * a_cell)
    expected = [[face.left, face.top], [face.left + face.width, face.top]]
    np.testing.assert_allclose(face.eyes, expected, atol=0.01)
    assert face.score == pytest.approx(1.0, abs=1e-3)


def test_a_reduced_picture_has_boxes_of_the_whole_one() -> None:
    small = white_square(300, 200, left=60, top=60, side=80)
    (face,) = find_faces(small, finds_white_squares)
    (large,) = find_faces(Image(small.rgb, 1200, 800), finds_white_squares)
    assert large.left == pytest.approx(4 * face.left)
    assert large.height == pytest.approx(4 * face.height)
    np.testing.assert_allclose(large.eyes, 4 * face.eyes, rtol=1e-5)
    assert large.side == pytest.approx(4 * face.side)


def test_a_box_is_clipped_to_the_picture_but_keeps_its_middle() -> None:
    def beyond(X: FloatArray) -> FloatArray:
        numbers = finds_white_squares(X)
        numbers[..., 2:4] *= 3
        return numbers

    image = white_square(200, 200, left=0, top=10, side=60)
    (face,) = find_faces(image, beyond)
    assert (face.left, face.top) == (0, 0)
    assert face.left + face.width <= 200
    assert face.middle == pytest.approx((30, 40), abs=2)
    assert face.side == pytest.approx(180, abs=6)


def test_no_face_is_an_empty_list(detector: Runner) -> None:
    for rgb in (np.zeros((50, 80, 3), np.uint8), np.full((1200, 900, 3), 255, np.uint8)):
        assert find_faces(Image(rgb, rgb.shape[1], rgb.shape[0]), detector) == []


def test_noise_and_stripes_hold_no_face(detector: Runner, rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (1100, 1100, 3)).astype(np.uint8)
    stripes = np.repeat((np.indices((600, 800))[1] // 20 % 2 * 255)[..., None], 3, -1)
    for rgb in (noise, stripes.astype(np.uint8)):
        assert find_faces(Image(rgb, rgb.shape[1], rgb.shape[0]), detector) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (2000, 2), (5000, 40)])
def test_any_shape_can_be_searched(detector: Runner, size: tuple[int, int]) -> None:
    rgb = np.full((size[1], size[0], 3), 120, np.uint8)
    assert find_faces(Image(rgb, *size), detector) == []


def test_a_small_face_is_found_in_a_part_only_once() -> None:
    seen = []

    def finds_small_ones_when_near(X: FloatArray) -> FloatArray:
        numbers = finds_white_squares(X)
        seen.append(numbers[..., 2].max())
        numbers[numbers[..., 2] < 8, -1] = NEVER
        return numbers

    image = white_square(1500, 1000, left=700, top=450, side=40)
    (face,) = find_faces(image, finds_small_ones_when_near)
    assert len(seen) == 1 + faces.PARTS_PER_SIDE**2
    assert seen[0] < 8
    assert (face.left, face.top) == pytest.approx((700, 450), abs=8)


def test_a_small_picture_is_searched_once() -> None:
    seen = []

    def counts(X: FloatArray) -> FloatArray:
        seen.append(X.shape)
        return finds_white_squares(X)

    find_faces(white_square(999, 700, left=100, top=100, side=200), counts)
    assert seen == [(1, DETECTOR_SIZE_PX, DETECTOR_SIZE_PX, 3)]


@needs_photos
@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
def test_photographs_show_as_many_faces_as_they_have(row: dict[str, str], detector: Runner) -> None:
    found = find_faces(decode_image((DATA / row["file"]).read_bytes()), detector)
    assert int(row["faces_min"]) <= len(found) <= int(row["faces_max"])
    areas = [face.width * face.height for face in found]
    assert areas == sorted(areas, reverse=True)


@needs_photos
def test_faces_lie_within_the_picture(detector: Runner) -> None:
    for row in MANIFEST:
        image = decode_image((DATA / row["file"]).read_bytes())
        for face in find_faces(image, detector):
            assert 0 <= face.left < face.left + face.width <= image.width
            assert 0 <= face.top < face.top + face.height <= image.height


def overlap(one: Face, other: Face) -> float:
    """Give intersection over union."""
    low = np.maximum([one.left, one.top], [other.left, other.top])
    high = np.minimum(
        [one.left + one.width, one.top + one.height],
        [other.left + other.width, other.top + other.height],
    )
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (one.width * one.height + other.width * other.height - shared)


@needs_photos
def test_every_rotation_of_one_picture_shows_the_same_face(detector: Runner) -> None:
    found = [find_faces(decode_image(path.read_bytes()), detector) for path in ROTATED]
    assert [len(of_picture) for of_picture in found] == [1] * 8
    assert min(overlap(found[0][0], of_picture[0]) for of_picture in found) > 0.95


@needs_photos
def test_a_crowd_is_counted_without_inventing_anyone(detector: Runner) -> None:
    names = ["face-api.js__examples__images__bbt4.jpg", "facenet-pytorch__data__multiface.jpg"]
    photos = [pillow.open(DATA / name).convert("RGB").resize((600, 400)) for name in names]
    crowd = pillow.new("RGB", (1800, 1200))
    for i in range(9):
        crowd.paste(photos[i % 2], (i % 3 * 600, i // 3 * 400))
    found = find_faces(Image(np.asarray(crowd), 1800, 1200), detector)
    assert 0.7 * 54 <= len(found) <= 54
