"""Pictures of every kind that is sent, and of the kinds that are refused."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from known_warnings import DAMAGED_EXIF
from PIL import Image as pillow

from emosync.errors import EmoSyncError, ImageTooLarge, UnreadableMedia, UnsupportedMedia
from emosync.images import ORIENTATION_TAG, decode_image

RED, GREEN, BLUE, WHITE = (250, 0, 0), (0, 250, 0), (0, 0, 250), (255, 255, 255)
# Rows and columns of the test picture: red above left, green above right, blue below.
SHAPE = (40, 60)
# JPEG and WebP keep colours about.
TOLERANCE = 12


def corners() -> pillow.Image:
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    rgb[:20, :30], rgb[:20, 30:], rgb[20:] = RED, GREEN, BLUE
    return pillow.fromarray(rgb)


def encoded(picture: pillow.Image, kind: str, **settings: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **settings)
    return content.getvalue()


def assert_corners(rgb: npt.NDArray[np.uint8]) -> None:
    assert rgb.shape == (*SHAPE, 3)
    assert rgb.dtype == np.uint8
    for (row, column), colour in {(5, 5): RED, (5, 55): GREEN, (35, 30): BLUE}.items():
        np.testing.assert_allclose(rgb[row, column].astype(int), colour, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
    ],
)
def test_every_kind_is_read(kind: str, settings: dict[str, Any]) -> None:
    image = decode_image(encoded(corners(), kind, **settings))
    assert_corners(image.rgb)
    assert (image.width, image.height) == (60, 40)
    assert image.scale == (1.0, 1.0)


@pytest.mark.parametrize("mode", ["RGBA", "P", "PA"])
def test_palettes_and_opaque_alpha_keep_their_colours(mode: str) -> None:
    picture = corners().convert("P" if mode == "PA" else mode)
    assert_corners(decode_image(encoded(picture.convert(mode).convert("RGBA"), "PNG")).rgb)
    assert_corners(decode_image(encoded(picture, "PNG")).rgb)


def test_cmyk_becomes_rgb() -> None:
    content = encoded(corners().convert("CMYK"), "JPEG", quality=95, subsampling=0)
    assert_corners(decode_image(content).rgb)


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_and_black_and_white_become_rgb(mode: str) -> None:
    grey = pillow.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 10, axis=1))
    rgb = decode_image(encoded(grey.convert(mode), "PNG")).rgb
    assert rgb.shape == (1, 20, 3)
    assert (rgb[0, :10] == 0).all()
    assert (rgb[0, 10:] == 255).all()


def test_sixteen_bits_are_brought_to_eight_not_cut_off() -> None:
    levels = np.array([[0, 0x4000, 0x8000, 0xFFFF]], np.uint16)
    rgb = decode_image(encoded(pillow.fromarray(levels), "PNG")).rgb
    assert rgb[0, :, 0].tolist() == [0, 0x40, 0x80, 0xFF]


def test_what_is_transparent_shows_white() -> None:
    picture = pillow.new("RGBA", (4, 4), (200, 0, 0, 0))
    assert (decode_image(encoded(picture, "PNG")).rgb == WHITE).all()
    palette = pillow.new("P", (4, 4), 0)
    palette.putpalette([200, 0, 0])
    assert (decode_image(encoded(palette, "PNG", transparency=0)).rgb == WHITE).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_brought_upright(orientation: int, kind: str) -> None:
    undo: dict[int, Callable[[pillow.Image], pillow.Image]] = {
        1: lambda p: p,
        2: lambda p: p.transpose(pillow.Transpose.FLIP_LEFT_RIGHT),
        3: lambda p: p.transpose(pillow.Transpose.ROTATE_180),
        4: lambda p: p.transpose(pillow.Transpose.FLIP_TOP_BOTTOM),
        5: lambda p: p.transpose(pillow.Transpose.TRANSPOSE),
        6: lambda p: p.transpose(pillow.Transpose.ROTATE_90),
        7: lambda p: p.transpose(pillow.Transpose.TRANSVERSE),
        8: lambda p: p.transpose(pillow.Transpose.ROTATE_270),
    }
    exif = pillow.Exif()
    exif[ORIENTATION_TAG] = orientation
    settings = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"lossless": True}
    stored = undo[orientation](corners())
    image = decode_image(encoded(stored, kind, exif=exif, **settings))
    assert_corners(image.rgb)
    assert (image.width, image.height) == (60, 40)


@DAMAGED_EXIF
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_exif_does_not_matter(exif: bytes) -> None:
    content = encoded(corners(), "JPEG", quality=95, subsampling=0, exif=exif)
    assert_corners(decode_image(content).rgb)


def test_an_unknown_orientation_is_upright() -> None:
    exif = pillow.Exif()
    exif[ORIENTATION_TAG] = 0
    assert_corners(decode_image(encoded(corners(), "PNG", exif=exif)).rgb)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("side", [399, 400, 1201])
def test_a_large_picture_is_reduced_to_between_once_and_twice_the_side(
    kind: str, side: int
) -> None:
    picture = corners().resize((side, side // 2))
    image = decode_image(encoded(picture, kind), kept_side_px=200)
    assert 200 <= image.rgb.shape[1] < 400
    assert (image.width, image.height) == (side, side // 2)
    assert image.scale[0] == pytest.approx(image.scale[1], rel=0.02)
    np.testing.assert_allclose(image.rgb[10, 10].astype(int), RED, atol=TOLERANCE)
    np.testing.assert_allclose(image.rgb[-10, -10].astype(int), BLUE, atol=TOLERANCE)


def test_of_an_animated_gif_the_first_frame_is_taken() -> None:
    second = pillow.new("RGB", SHAPE[::-1])
    content = encoded(corners(), "GIF", save_all=True, append_images=[second])
    assert_corners(decode_image(content).rgb)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_other_animations_are_refused(kind: str) -> None:
    second = pillow.new("RGB", SHAPE[::-1])
    content = encoded(corners(), kind, save_all=True, append_images=[second])
    with pytest.raises(UnsupportedMedia, match="animated"):
        decode_image(content)


def test_a_second_picture_in_a_jpeg_is_no_animation() -> None:
    settings = {"quality": 95, "subsampling": 0}
    second = pillow.new("RGB", SHAPE[::-1])
    content = encoded(corners(), "MPO", save_all=True, append_images=[second], **settings)
    assert_corners(decode_image(content).rgb)


@pytest.mark.parametrize(
    "content",
    [
        b"hello, I am a text",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WAVEfmt ",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg/>',
    ],
)
def test_what_is_no_photograph_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        decode_image(content)


def test_svg_is_named() -> None:
    with pytest.raises(UnsupportedMedia, match="SVG"):
        decode_image(b"<svg>")


def test_formats_that_pillow_knows_but_we_do_not_are_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        decode_image(encoded(corners(), "BMP"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_truncated_file_is_unreadable(kind: str, rng: np.random.Generator) -> None:
    noise = pillow.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8))
    content = encoded(noise, kind)
    for kept in (12, 30, len(content) // 2):
        with pytest.raises(UnreadableMedia):
            decode_image(content[:kept])


def test_nothing_is_unreadable() -> None:
    with pytest.raises(UnreadableMedia, match="empty"):
        decode_image(b"")


def png_header(width: int, height: int) -> bytes:
    """Claim a size, with hardly any data behind it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(7072, 7072), (10_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge, match="50 megapixels") as caught:
        decode_image(png_header(*size))
    assert (caught.value.status, caught.value.code) == (413, "image_too_large")


def test_no_pixels_is_unreadable() -> None:
    with pytest.raises(UnreadableMedia):
        decode_image(png_header(0, 5))


def test_one_pixel_is_a_picture() -> None:
    assert decode_image(encoded(pillow.new("RGB", (1, 1)), "PNG")).rgb.shape == (1, 1, 3)


@DAMAGED_EXIF
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_damage_anywhere_is_read_or_refused(kind: str, rng: np.random.Generator) -> None:
    whole = encoded(corners(), kind)
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), 4):
            content[place] = rng.integers(0, 256)
        try:
            decode_image(bytes(content))
        except EmoSyncError as exc:
            assert exc.status in {413, 415, 422}
