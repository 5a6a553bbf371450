"""What kind of recording the bytes are, whatever their name says."""

import re
from collections.abc import Iterator
from struct import Struct
from typing import Final

from emosync.errors import UnreadableMedia, UnsupportedMedia

# The first bytes decide the demuxer. FFmpeg's own guess would also pick playlists
# (hls, concat), which read other files and URLs of the server.
SIGNATURES: Final = tuple(
    (re.compile(pattern, re.DOTALL), container, demuxer)
    for pattern, container, demuxer in (
        (rb"RIFF....WAVE|RF64....WAVE", "wav", "wav"),
        (rb"RIFF....AVI ", "avi", "avi"),
        (rb"FORM....AIF[FC]", "aiff", "aiff"),
        (rb"fLaC", "flac", "flac"),
        (rb"OggS", "ogg", "ogg"),
        (rb"\x1aE\xdf\xa3.{0,60}webm", "webm", "matroska"),
        (rb"\x1aE\xdf\xa3", "mkv", "matroska"),
        (rb"....(ftyp|moov|mdat|wide|free|skip)", "mp4", "mov"),
        (rb"\xff[\xf0\xf1\xf8\xf9]", "aac", "aac"),
        (rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][^\xf0-\xff]", "mp3", "mp3"),
        (rb"#!AMR", "amr", "amr"),
        (rb"\.snd", "au", "au"),
        (rb"caff", "caf", "caf"),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma", "asf"),
        (rb"FLV\x01", "flv", "flv"),
        (rb"\x47.{187}\x47", "ts", "mpegts"),
    )
)


def identify(data: bytes) -> tuple[str, str]:
    """Tell the container of a recording, and FFmpeg's demuxer for it.

    Parameters
    ----------
    data : bytes
        The whole file, or at least its beginning with all tags.

    Returns
    -------
    container : str
        Usable as a file extension ("wav", "mp4").
    demuxer : str
        Its name in FFmpeg.

    Raises
    ------
    UnreadableMedia
        If there is nothing.
    UnsupportedMedia
        If the bytes are of no known audio or video container.
    """
    if not data:
        raise UnreadableMedia("The file is empty.")
    head = bytes(after_id3(data)[:256])
    for pattern, container, demuxer in SIGNATURES:
        if pattern.match(head):
            return container, demuxer
    if data.startswith(b"ID3"):
        return "mp3", "mp3"  # some writers pad the tag beyond its stated length
    raise UnsupportedMedia(
        "The file is no audio or video that can be read; "
        "send wav, mp3, m4a, aac, flac, ogg, opus, webm or mp4."
    )


def after_id3(data: bytes) -> memoryview:
    """Skip a leading ID3v2 tag, whose size is stored with 7 bits per byte."""
    if not data.startswith(b"ID3") or len(data) < 10:
        return memoryview(data)
    a, b, c, d = data[6:10]
    return memoryview(data)[10 + (a << 21 | b << 14 | c << 7 | d) :]


def chunks(
    data: bytes, position: int, head: Struct, *, even: bool
) -> Iterator[tuple[bytes, int, int]]:
    """Walk over a file that is made of chunks, each with its name and size ahead of it.

    Parameters
    ----------
    data : bytes
        The file.
    position : int
        Where the first chunk begins.
    head : Struct
        Layout of name and size.
    even : bool
        Whether a chunk of odd size is followed by a byte of padding.

    Yields
    ------
    name : bytes
    size : int
        As stated; the file may end before.
    start : int
        Where the content begins.
    """
    while position + head.size <= len(data):
        name, size = head.unpack_from(data, position)
        position += head.size
        yield name, size, position
        if size < 0:
            return
        position += size + (size % 2 if even else 0)


def container_of(data: bytes) -> str:
    """Tell the container of a recording alone; see `identify`."""
    return identify(data)[0]
