"""From the bytes of an uploaded picture to its upright pixels.

Large pictures are reduced while they are read, so that a photograph of 12 megapixels costs
neither the time nor the memory of its pixels.
"""

import io
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image as pillow

from emosync.errors import ImageTooLarge, UnreadableMedia, UnsupportedMedia

# The first bytes decide, never the file's name; Pillow is asked for the one format only, so that
# its rarer readers are out of reach.
SIGNATURES: Final = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
)
SVG: Final = re.compile(rb"\s*(<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s>]", re.DOTALL)
MAX_PIXELS: Final = 50_000_000
# The longer side is reduced to between once and twice this: a face of a twentieth of it then still
# has the 48 pixels that the network sees.
KEPT_SIDE_PX: Final = 1000
ORIENTATION_TAG: Final = 0x0112
# How to turn what is stored upright, by EXIF's orientation.
UPRIGHT: Final = {
    2: pillow.Transpose.FLIP_LEFT_RIGHT,
    3: pillow.Transpose.ROTATE_180,
    4: pillow.Transpose.FLIP_TOP_BOTTOM,
    5: pillow.Transpose.TRANSPOSE,
    6: pillow.Transpose.ROTATE_270,
    7: pillow.Transpose.TRANSVERSE,
    8: pillow.Transpose.ROTATE_90,
}
# From here on width and height change places.
FIRST_TURNED: Final = 5
# Modes whose pixels can be averaged.
REDUCIBLE: Final = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
# What Pillow's readers raise on broken files.
READ_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Image:
    """An upright picture.

    Attributes
    ----------
    rgb : ndarray of shape (rows, columns, 3), uint8
        Its pixels, perhaps reduced; what is transparent shows white.
    width, height : int
        Of the whole picture, upright, in pixels.
    """

    rgb: npt.NDArray[np.uint8]
    width: int
    height: int

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the whole picture per pixel of `rgb`, across and down; at least 1."""
        rows, columns, _ = self.rgb.shape
        return self.width / columns, self.height / rows


def decode_image(data: bytes, *, kept_side_px: int = KEPT_SIDE_PX) -> Image:
    """Read a picture.

    Parameters
    ----------
    data : bytes
        A JPEG, PNG, WebP or GIF file; of an animated GIF the first frame is taken.
    kept_side_px : int
        A longer side of twice this and more is halved, quartered and so on.

    Returns
    -------
    Image

    Raises
    ------
    UnsupportedMedia
        If it is of another kind, or an animated WebP or PNG.
    UnreadableMedia
        If there is nothing, it is truncated or broken, or has no pixels.
    ImageTooLarge
        If it has more than 50 megapixels; it is not decoded then.
    """
    kind = _identify(data)
    try:
        with pillow.open(io.BytesIO(data), formats=(kind,)) as picture:
            _check_size(picture.size)
            if kind != "GIF" and _is_animated(picture):
                raise UnsupportedMedia("The picture is animated; send one frame of it.")
            return _upright(picture, kept_side_px)
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as exc:
        raise ImageTooLarge(_TOO_LARGE) from exc
    except READ_ERRORS as exc:
        raise UnreadableMedia(f"The {kind} file is truncated or broken.") from exc


def image_kind(data: bytes) -> str:
    """Name the kind of a picture that can be read, such as "jpeg"; usable as a file extension."""
    return _identify(data).lower()


_TOO_LARGE: Final = f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels."


def _identify(data: bytes) -> str:
    """Name the format as Pillow does."""
    if not data:
        raise UnreadableMedia("The file is empty.")
    for pattern, kind in SIGNATURES:
        if pattern.match(data):
            return kind
    if SVG.match(data[:4096].removeprefix(b"\xef\xbb\xbf")):
        raise UnsupportedMedia("SVG is a drawing; send a photograph as JPEG, PNG, WebP or GIF.")
    raise UnsupportedMedia("The file is no picture that can be read: send JPEG, PNG, WebP or GIF.")


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise ImageTooLarge(_TOO_LARGE)
    if not size[0] * size[1]:
        raise UnreadableMedia("The picture has no pixels.")


def _is_animated(picture: Any) -> bool:
    """Tell animations from JPEGs that hold a second picture, as some telephones write."""
    return picture.format in {"PNG", "WEBP"} and getattr(picture, "is_animated", False)


def _upright(picture: pillow.Image, kept_side_px: int) -> Image:
    width, height = picture.size
    orientation = _orientation(picture)
    factor = max(1, max(width, height) // kept_side_px)
    # JPEG's transform can be stopped at a half, a quarter or an eighth. The mode stays.
    picture.draft(None, (max(1, width // factor), max(1, height // factor)))
    left = max(1, round(max(width, height) / max(picture.size)))
    if picture.mode not in REDUCIBLE:
        picture = _plain_colours(picture)
    # Before colours are changed, which would take as much memory again.
    rgb = _plain_colours(picture.reduce(factor // left) if factor // left > 1 else picture)
    if orientation in UPRIGHT:
        rgb = rgb.transpose(UPRIGHT[orientation])
    if orientation >= FIRST_TURNED:
        width, height = height, width
    return Image(np.asarray(rgb), width, height)


def _orientation(picture: pillow.Image) -> int:
    """Give EXIF's orientation, 1 where it is missing, unknown or damaged."""
    try:
        orientation = picture.getexif().get(ORIENTATION_TAG, 1)
    except READ_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _plain_colours(picture: pillow.Image) -> pillow.Image:
    """Bring any mode to RGB: 16 bits to 8, palettes looked up, transparent parts white."""
    if picture.mode.startswith("I"):
        # Pillow would cut grey levels above 255 off.
        grey = np.asarray(picture).astype(np.int64) >> 8
        return pillow.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    opaque = pillow.new("RGB", picture.size, "white")
    with_alpha = picture.convert("RGBA")
    opaque.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return opaque
