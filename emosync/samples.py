"""Decoded samples, of any format and number of channels, as one waveform."""

from types import MappingProxyType
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from emosync.errors import UnreadableMedia
from emosync.framing import FloatArray

ChannelArray = npt.NDArray[np.floating]  # (n_channels, n)

# Beyond these FFmpeg keeps a frame's planes elsewhere, where PyAV cannot count them.
_MAX_PLANES: Final = 8
# FFmpeg's sample formats.
_SAMPLE_TYPES: Final = MappingProxyType(
    {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
)


def joined(frames: list[av.AudioFrame]) -> ChannelArray:
    """Join frames of one sample format, layout and rate.

    Parameters
    ----------
    frames : list of AudioFrame
        At least one.

    Returns
    -------
    ndarray of shape (n_channels, n), floating
        With full scale at 1.

    Raises
    ------
    UnreadableMedia
        If there are more channels than can be told apart, or the format is unknown.
    """
    dtype = _SAMPLE_TYPES.get(frames[0].format.packed.name)
    if dtype is None:
        raise UnreadableMedia(
            "The recording's samples are of a kind that cannot be read; export it as 16-bit WAV."
        )
    values = _planar(frames, dtype) if frames[0].format.is_planar else _packed(frames, dtype)
    if values.dtype.kind == "f":
        return values
    info = np.iinfo(values.dtype)
    middle = (int(info.max) + int(info.min) + 1) // 2  # unsigned audio rests at 128
    half_range = (int(info.max) - int(info.min) + 1) / 2
    return (values.astype(np.float32) - np.float32(middle)) / np.float32(half_range)


def _packed(frames: list[av.AudioFrame], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Join frames whose channels take turns, sample by sample."""
    n_channels = frames[0].layout.nb_channels
    buffers: list[Any] = [frame.planes[0] for frame in frames]
    counts = [frame.samples * n_channels for frame in frames]
    views = [np.frombuffer(b, dtype, n) for b, n in zip(buffers, counts, strict=True)]
    return np.concatenate(views).reshape(-1, n_channels).T


def _planar(frames: list[av.AudioFrame], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Join what MP3, AAC and Opus decode to; thousands of small arrays are costly.

    PyAV counts planes up to the first null pointer. With eight and more there is none behind
    the last one, so what it counts beyond the channels must not be touched.
    """
    n_channels = frames[0].layout.nb_channels
    if n_channels > _MAX_PLANES:
        raise UnreadableMedia(
            f"The recording has {n_channels} channels; send one with at most {_MAX_PLANES}."
        )
    planes = zip(*(frame.planes[:n_channels] for frame in frames), strict=True)
    counts = [frame.samples for frame in frames]
    values = np.empty((n_channels, sum(counts)), dtype)
    for row, parts in zip(values, planes, strict=True):
        views = [np.frombuffer(p, dtype, n) for p, n in zip(parts, counts, strict=True)]
        np.concatenate(views, out=row)
    return values


def mono(channels: ChannelArray) -> FloatArray:
    """Mix channels to one by their mean.

    Parameters
    ----------
    channels : ndarray of shape (n_channels, n), floating
        With full scale at 1.

    Returns
    -------
    ndarray of shape (n,), float32 in [-1, 1]
        NaN counts as 0, and what is beyond full scale as full scale.
    """
    # Clipping comes first: a float64 far beyond full scale overflows float32.
    clipped = np.clip(channels, -1.0, 1.0).astype(np.float32, copy=False)
    if np.isnan(clipped.sum()):
        np.nan_to_num(clipped, copy=False)
    mixed: FloatArray = clipped[0]
    if len(clipped) > 1:
        mixed = np.add.reduce(clipped, axis=0)  # `mean` takes three times as long
        mixed /= len(clipped)
    return mixed
