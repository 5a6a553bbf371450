"""The picture with its faces marked."""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from PIL import Image as pillow
from PIL import ImageDraw, ImageFont

from emosync import typeface
from emosync.canvas import INK
from emosync.images import Image

# Left, top, right, bottom.
Box = tuple[float, float, float, float]

# A larger picture is shown reduced, a smaller one enlarged: its letters would hide it.
MAX_SIDE_PX: Final = 1280
MIN_SIDE_PX: Final = 400
BOX_COLOUR: Final = "#ffb000"
NO_FACE: Final = "no face found"
# Share of the picture's longer side.
LINE_SHARE: Final = 0.003
# Height of the letters as a share of the box's width: "surprised 93 %" is then about as wide.
LETTER_SHARE: Final = 0.1
MIN_LETTER_PX, MAX_LETTER_PX = 11, 24
PADDING_SHARE: Final = 0.25


def marked_faces(image: Image, boxes: Sequence[Sequence[float]], captions: Sequence[str]) -> bytes:
    """Draw a box around every face, with a line of text.

    Parameters
    ----------
    image : Image
        Upright.
    boxes : sequence of (left, top, width, height)
        Of the faces in that picture.
    captions : sequence of str
        One for each face, such as "happy 93 %". Of several, each gets its number.

    Returns
    -------
    bytes
        A PNG, with a longer side of 400 to 1280 pixels.
    """
    shown = _shown(pillow.fromarray(image.rgb))
    draw = ImageDraw.Draw(shown)
    scale = max(shown.size) / max(image.width, image.height)
    corners = [_corners(box, scale) for box in boxes]
    for box in corners:
        draw.rectangle(box, outline=BOX_COLOUR, width=max(2, round(LINE_SHARE * max(shown.size))))
    if len(captions) > 1:
        captions = [f"{number} {caption}" for number, caption in enumerate(captions, start=1)]
    # The largest face's text last, so that no other covers it.
    pairs = zip(corners, captions, strict=True)
    for box, caption in sorted(pairs, key=lambda pair: _width(pair[0])):
        _write(draw, caption, box)
    if not captions:
        _write(draw, NO_FACE, (0.0, 0.0, float(shown.width), float(shown.height)))
    return _png(shown)


def _shown(picture: pillow.Image) -> pillow.Image:
    """Give the picture in the size in which it is shown."""
    side = max(picture.size)
    factor = -(-MIN_SIDE_PX // side)
    if factor > 1:
        return picture.resize((factor * picture.width, factor * picture.height))
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    return picture


def _corners(box: Sequence[float], scale: float) -> Box:
    left, top, width, height = (scale * number for number in box)
    return left, top, left + width, top + height


def _width(box: Box) -> float:
    return box[2] - box[0]


def _write(draw: ImageDraw.ImageDraw, caption: str, box: Box) -> None:
    """Write above the box, or below it, or at its foot; never beyond the picture."""
    letters = round(LETTER_SHARE * _width(box))
    font = _font(min(MAX_LETTER_PX, max(MIN_LETTER_PX, letters)))
    padding = PADDING_SHARE * font.size
    ascent, descent = font.getmetrics()
    width = draw.textlength(caption, font) + 2 * padding
    height = ascent + descent + padding
    columns, rows = draw.im.size
    x = max(0.0, min(box[0], columns - width))
    y = _caption_top(box, height, rows)
    draw.rectangle((x, y, x + width, y + height), fill=BOX_COLOUR)
    draw.text((x + padding, y + padding / 2), caption, fill=INK, font=font)


def _caption_top(box: Box, height: float, rows: int) -> float:
    """Leave brows and eyes free: at the foot of a box, text covers the chin."""
    if box[1] >= height:
        return box[1] - height
    return max(0.0, min(box[3], rows - 1.0 - height))


@lru_cache(maxsize=MAX_LETTER_PX - MIN_LETTER_PX + 1)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(typeface.font_path(bold=True)), size_px)


def _png(picture: pillow.Image) -> bytes:
    content = io.BytesIO()
    # Photographs hardly shrink further, and the highest level takes three times as long.
    picture.save(content, "PNG", compress_level=3)
    return content.getvalue()
