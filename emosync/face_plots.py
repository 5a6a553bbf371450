"""The picture with its faces marked."""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from PIL import Image as pillow
from PIL import ImageDraw, ImageFont

from emosync import typeface
from emosync.canvas import INK
from emosync.faces import Face
from emosync.images import Image

# Left, top, right, bottom.
Box = tuple[float, float, float, float]

# A larger picture is shown reduced.
MAX_SIDE_PX: Final = 1280
BOX_COLOUR: Final = "#ffb000"
# Share of the picture's longer side.
LINE_SHARE: Final = 0.003
# Height of the letters as a share of the box's width: "surprised 93 %" is then about as wide.
LETTER_SHARE: Final = 0.13
MIN_LETTER_PX, MAX_LETTER_PX = 11, 24
PADDING_SHARE: Final = 0.25


def marked_faces(image: Image, faces: Sequence[Face], captions: Sequence[str]) -> bytes:
    """Draw a box around every face, with a line of text.

    Parameters
    ----------
    image : Image
        Upright.
    faces : sequence of Face
        In that picture.
    captions : sequence of str
        One for each face, such as "happy 93 %".

    Returns
    -------
    bytes
        A PNG, with a longer side of 1280 pixels or less.
    """
    shown = pillow.fromarray(image.rgb)
    shown.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    draw = ImageDraw.Draw(shown)
    scale = max(shown.size) / max(image.width, image.height)
    boxes = [_box(face, scale) for face in faces]
    for box in boxes:
        width = max(2, round(LINE_SHARE * max(shown.size)))
        draw.rectangle(box, outline=BOX_COLOUR, width=width)
    # The largest face's text last, so that no other covers it.
    for box, caption in sorted(zip(boxes, captions, strict=True), key=lambda pair: _width(pair[0])):
        letters = round(LETTER_SHARE * _width(box))
        _write(draw, caption, box, _font(min(MAX_LETTER_PX, max(MIN_LETTER_PX, letters))))
    return _png(shown)


def _box(face: Face, scale: float) -> Box:
    left, top = face.left * scale, face.top * scale
    return left, top, left + face.width * scale, top + face.height * scale


def _width(box: Box) -> float:
    return box[2] - box[0]


def _write(draw: ImageDraw.ImageDraw, caption: str, box: Box, font: ImageFont.FreeTypeFont) -> None:
    """Write above the box, or inside it where there is no room; never beyond the picture."""
    padding = PADDING_SHARE * font.size
    ascent, descent = font.getmetrics()
    width = draw.textlength(caption, font) + 2 * padding
    height = ascent + descent + padding
    columns, _ = draw.im.size
    x = max(0.0, min(box[0], columns - width))
    y = box[1] - height if box[1] >= height else box[1]
    draw.rectangle((x, y, x + width, y + height), fill=BOX_COLOUR)
    draw.text((x + padding, y + padding / 2), caption, fill=INK, font=font)


@lru_cache(maxsize=MAX_LETTER_PX - MIN_LETTER_PX + 1)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(typeface.font_path(bold=True)), size_px)


def _png(picture: pillow.Image) -> bytes:
    content = io.BytesIO()
    # Photographs hardly shrink further, and the highest level takes three times as long.
    picture.save(content, "PNG", compress_level=3)
    return content.getvalue()
