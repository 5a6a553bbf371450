"""Faces cut out, levelled and brought to one brightness."""

import numpy as np
import pytest

from emosync.face_crops import (
    BOX_MIDDLE,
    CROP_PER_BOX,
    FACE_SIZE_PX,
    crop_faces,
    eyes_angle,
    face_input,
    whole_face,
)
from emosync.faces import Face
from emosync.images import Image

SIDE = 200


def drawn_face(angle: float, *, middle: tuple[float, float] = (300, 250)) -> tuple[Image, Face]:
    """Draw a bright square with two dark eyes and a dark mouth, turned clockwise."""
    rows, columns = np.indices((500, 600))
    right = (columns - middle[0]) * np.cos(angle) + (rows - middle[1]) * np.sin(angle)
    down = (rows - middle[1]) * np.cos(angle) - (columns - middle[0]) * np.sin(angle)
    grey = np.where((abs(right) < SIDE / 2) & (abs(down) < SIDE / 2), 220, 40)
    grey[(np.hypot(abs(right) - 45, down + 40) < 14)] = 0
    grey[(abs(right) < 40) & (abs(down - 50) < 8)] = 0
    rgb = np.repeat(grey.astype(np.uint8)[..., np.newaxis], 3, axis=-1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    eyes = np.array([[-45, -40], [45, -40]]) @ turn + middle
    box = (middle[0] - SIDE / 2, middle[1] - SIDE / 2, SIDE, SIDE)
    face = Face(*box, score=1.0, middle=middle, side=SIDE, eyes=eyes.astype(np.float32))
    return Image(rgb, 600, 500), face


def test_the_box_lies_in_the_crop_as_in_fer2013() -> None:
    image, face = drawn_face(0.0)
    (crop,) = crop_faces(image, [face])
    assert crop.shape == (FACE_SIZE_PX, FACE_SIZE_PX)
    assert crop.dtype == np.uint8
    bright = np.flatnonzero((crop > 130).any(axis=1))
    assert len(bright) == pytest.approx(FACE_SIZE_PX / CROP_PER_BOX, abs=1.5)
    assert bright.mean() + 0.5 == pytest.approx(BOX_MIDDLE * FACE_SIZE_PX, abs=1)
    bright = np.flatnonzero((crop > 130).any(axis=0))
    assert bright.mean() + 0.5 == pytest.approx(FACE_SIZE_PX / 2, abs=1)


@pytest.mark.parametrize("degrees", [-90, -45, -20, 10, 45, 90, 180])
def test_eyes_are_levelled(degrees: float) -> None:
    (upright,) = crop_faces(*_listed(drawn_face(0.0)))
    image, face = drawn_face(np.deg2rad(degrees))
    assert np.cos(eyes_angle(face) - np.deg2rad(degrees)) == pytest.approx(1, abs=1e-4)
    (levelled,) = crop_faces(image, [face])
    difference = np.abs(levelled[2:-2, 2:-2].astype(int) - upright[2:-2, 2:-2])
    # Edges are drawn without smoothing, so they differ; what lies between must not.
    assert np.median(difference) <= 2
    assert difference.mean() < 8


def test_a_reduced_picture_gives_the_same_crop() -> None:
    image, face = drawn_face(0.2)
    reduced = Image(image.rgb[::2, ::2], image.width, image.height)
    whole, half = crop_faces(image, [face]), crop_faces(reduced, [face])
    assert np.abs(whole.astype(int) - half).mean() < 6


@pytest.mark.parametrize("middle", [(0.0, 0.0), (600.0, 250.0), (300.0, 560.0)])
def test_beyond_the_picture_its_edge_goes_on(middle: tuple[float, float]) -> None:
    image, face = drawn_face(0.3, middle=middle)
    (crop,) = crop_faces(image, [face])
    assert crop.shape == (FACE_SIZE_PX, FACE_SIZE_PX)


def test_a_face_of_one_pixel_can_be_cut_out() -> None:
    image, _ = drawn_face(0.0)
    tiny = Face(300, 250, 1, 1, 1.0, (300.5, 250.5), 1.0, np.zeros((2, 2), np.float32))
    assert crop_faces(image, [tiny]).shape == (1, FACE_SIZE_PX, FACE_SIZE_PX)


def test_no_faces_give_no_crops() -> None:
    assert crop_faces(drawn_face(0)[0], []).shape == (0, FACE_SIZE_PX, FACE_SIZE_PX)
    assert face_input(crop_faces(drawn_face(0)[0], [])).shape == (0, 48, 48, 1)


@pytest.mark.parametrize("shape", [(48, 48), (300, 200), (10, 400), (1, 1)])
def test_a_whole_picture_becomes_one_face(shape: tuple[int, int]) -> None:
    rgb = np.full((*shape, 3), 90, np.uint8)
    crop = whole_face(Image(rgb, shape[1], shape[0]))
    assert crop.shape == (1, FACE_SIZE_PX, FACE_SIZE_PX)
    assert (crop == 90).all()


def test_a_picture_of_the_right_size_is_taken_as_it_is(rng: np.random.Generator) -> None:
    grey = rng.integers(0, 256, (FACE_SIZE_PX, FACE_SIZE_PX, 1), np.uint8)
    image = Image(np.repeat(grey, 3, axis=-1), FACE_SIZE_PX, FACE_SIZE_PX)
    assert (whole_face(image)[0] == grey[..., 0]).all()


def test_brightness_and_contrast_do_not_reach_the_network(rng: np.random.Generator) -> None:
    face = rng.uniform(0, 255, (1, 48, 48)).astype(np.float32)
    X = face_input(face)
    assert X.shape == (1, 48, 48, 1)
    assert X.dtype == np.float32
    assert X.mean() == pytest.approx(0, abs=1e-5)
    assert X.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(face_input(0.3 * face + 40), X, atol=1e-3)


def test_a_flat_face_is_not_blown_up_to_noise() -> None:
    flat = np.full((1, 48, 48), 77, np.uint8)
    flat[0, 0, 0] = 78
    assert np.abs(face_input(flat)).max() <= 0.5


def _listed(drawn: tuple[Image, Face]) -> tuple[Image, list[Face]]:
    return drawn[0], [drawn[1]]
