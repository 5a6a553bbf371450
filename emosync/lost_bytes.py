"""Bytes that a recording lacks at its end, by what its container states of itself.

FFmpeg reads these containers to wherever they end and then calls that their length, so that a
recording whose upload broke off would pass for a whole one.

References
----------
.. [1] RFC 3533, "The Ogg Encapsulation Format Version 0", section 6.
.. [2] Apple, "Core Audio Format Specification 1.0", the audio data chunk.
.. [3] Microsoft, "Advanced Systems Format (ASF) Specification", section 3.2.
"""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from emosync.containers import chunks

_OGG_HEADER_BYTES: Final = 27
_MAX_SEGMENTS: Final = 255
# What writers add or leave out at the end of these, and no loss of sound.
_PADDING_BYTES: Final = MappingProxyType({"avi": 100, "caf": 100, "wma": 100})
_RIFF_STREAMED: Final = 0xFFFF_FFFF
_CAF_HEADER_BYTES: Final = 8
_CAF_CHUNK: Final = struct.Struct(">4sq")
_CAF_UNKNOWN: Final = -1
_ASF_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
# From the object's beginning: its own identifier and size, then the file's identifier.
_ASF_FILE_SIZE_AT: Final = 40
_ASF_FLAGS_AT: Final = 88
_ASF_BROADCAST: Final = 1


def lost_bytes(container: str, data: bytes) -> int:
    """Tell how many bytes are missing at the end of a file.

    Parameters
    ----------
    container : str
        See `containers.identify`.
    data : bytes
        What came of the file.

    Returns
    -------
    int
        0 for containers that state no length, or whose length the decoder holds to itself.
    """
    lost = _LOST.get(container)
    try:
        n_bytes = lost(data) if lost else 0
    except struct.error:
        return 0  # the header itself is cut, which the decoder tells
    return n_bytes if n_bytes > _PADDING_BYTES.get(container, 0) else 0


def _lost_of_ogg(data: bytes) -> int:
    """Look at the last page, which states its own length only; without its end it is not read."""
    start = data.rfind(b"OggS")
    lacing = data[start + _OGG_HEADER_BYTES : start + _OGG_HEADER_BYTES + _MAX_SEGMENTS]
    n_segments = data[start + _OGG_HEADER_BYTES - 1] if lacing else 0
    stated = _OGG_HEADER_BYTES + n_segments + sum(lacing[:n_segments])
    return start + stated - len(data)


def _lost_of_caf(data: bytes) -> int:
    """Look for the chunk of the audio; recorders that are not done state -1."""
    for name, size, start in chunks(data, _CAF_HEADER_BYTES, _CAF_CHUNK, even=False):
        if name == b"data":
            return 0 if size == _CAF_UNKNOWN else start + size - len(data)
    return 0  # it is broken, which the decoder tells


def _lost_of_asf(data: bytes) -> int:
    """Read the size of the file, which broadcasts do not know."""
    start = data.find(_ASF_FILE_PROPERTIES)
    if start < 0:
        return 0
    (size,) = struct.unpack_from("<Q", data, start + _ASF_FILE_SIZE_AT)
    (flags,) = struct.unpack_from("<I", data, start + _ASF_FLAGS_AT)
    return 0 if flags & _ASF_BROADCAST else size - len(data)


def _lost_of_avi(data: bytes) -> int:
    """Read the size of the first RIFF chunk, which recorders that are not done leave at 0."""
    (size,) = struct.unpack_from("<I", data, 4)
    return 0 if size == _RIFF_STREAMED else 8 + size - len(data)


_LOST: Final[Mapping[str, Callable[[bytes], int]]] = MappingProxyType(
    {"ogg": _lost_of_ogg, "caf": _lost_of_caf, "wma": _lost_of_asf, "avi": _lost_of_avi}
)
