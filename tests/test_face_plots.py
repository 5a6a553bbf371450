import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as pillow

from emosync.face_plots import BOX_COLOUR, MAX_SIDE_PX, MIN_SIDE_PX, Box, marked_faces
from emosync.images import Image

COLOUR = tuple(bytes.fromhex(BOX_COLOUR[1:]))


def grey(width: int, height: int) -> Image:
    return Image(np.full((height, width, 3), 128, np.uint8), width, height)


def face(left: float, top: float, side: float) -> Box:
    return left, top, side, side


def pixels(png: bytes) -> npt.NDArray[np.uint8]:
    with pillow.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def marked(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return np.asarray((picture == COLOUR).all(axis=-1))


def test_a_box_stands_where_the_face_is() -> None:
    picture = marked(pixels(marked_faces(grey(400, 300), [face(100, 120, 80)], ["happy 93 %"])))
    assert picture.shape == (300, 400)
    assert picture[160, 100]
    assert picture[160, 180]
    assert picture[200, 140]
    assert not picture[130:190, 110:170].any()
    assert not picture[205:].any()


def test_a_large_picture_is_shown_reduced() -> None:
    image = Image(grey(2000, 1000).rgb, 8000, 4000)
    picture = marked(pixels(marked_faces(image, [face(4000, 2000, 800)], ["sad 50 %"])))
    assert picture.shape == (MAX_SIDE_PX // 2, MAX_SIDE_PX)
    assert picture[round(2400 * 0.16), round(4000 * 0.16)]


def test_without_faces_the_picture_says_so_at_its_foot() -> None:
    picture = pixels(marked_faces(grey(400, 300), [], []))
    assert (picture[:250] == 128).all()
    assert marked(picture)[260:].any()


def test_a_small_picture_is_shown_enlarged() -> None:
    picture = marked(pixels(marked_faces(grey(50, 40), [face(0, 0, 40)], ["happy 93 %"])))
    assert picture.shape == (8 * 40, 8 * 50)
    assert picture.shape[1] >= MIN_SIDE_PX


def test_text_stays_off_the_brows_where_there_is_no_room_above() -> None:
    whole, high = (
        marked(pixels(marked_faces(grey(400, 400), [face(0, 0, side)], ["sad 50 %"])))
        for side in (400, 200)
    )
    assert not whole[10:350, 10:390].any()
    assert not high[10:195, 10:190].any()
    assert high[205:240, :60].any()


def test_several_faces_are_numbered() -> None:
    boxes = [face(50, 100, 90), face(250, 100, 90)]
    alone, both = (
        marked(pixels(marked_faces(grey(400, 300), boxes[:n], ["sad 50 %"] * n))) for n in (1, 2)
    )
    assert both[85, :200].sum() > alone[85, :200].sum()


@pytest.mark.parametrize("box", [(0, 0, 40), (360, 260, 40), (0, 0, 400), (399, 299, 1)])
def test_text_stays_within_the_picture(box: tuple[int, int, int]) -> None:
    picture = marked(pixels(marked_faces(grey(400, 300), [face(*box)], ["surprised 100 %"])))
    assert picture.sum() > 500


def test_one_caption_for_each_face() -> None:
    with pytest.raises(ValueError, match="zip"):
        marked_faces(grey(40, 40), [face(1, 1, 10)], [])


def test_the_picture_given_is_not_drawn_on() -> None:
    image = grey(100, 100)
    marked_faces(image, [face(10, 30, 50)], ["angry 70 %"])
    assert (image.rgb == 128).all()


def test_a_tiny_picture_can_be_marked() -> None:
    picture = pixels(marked_faces(grey(3, 2), [face(0, 0, 2)], ["neutral 99 %"]))
    assert picture.shape == (2 * 134, 3 * 134, 3)
