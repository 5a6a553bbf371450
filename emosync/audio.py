"""Bytes of a recording to a mono waveform, by content and within limits."""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
import soundfile as sf
import soxr
from av.container import InputContainer

from emosync.containers import after_id3, chunks, container_of, identify
from emosync.errors import NoAudioTrack, SilentAudio, TooLong, TooShort, UnreadableMedia
from emosync.framing import FloatArray
from emosync.lost_bytes import lost_bytes
from emosync.samples import joined, mono

Block = tuple[FloatArray, int]  # mono samples (n,) and their rate in Hz

# Three steps of 16-bit audio: dither may move a silent recording by that much.
_SILENCE_SPAN: Final = 1e-4
# Values per block read: 4 MiB of float32, whatever the number of channels.
_BLOCK_VALUES: Final = 1 << 20
_MIN_SR_HZ, _MAX_SR_HZ = 1_000, 768_000
# PCM, float, a-law and u-law by their number in a WAV header, and the extended header.
# The MP3 decoder in libsndfile crashed on a damaged file, and prints to stderr.
_PLAIN_FORMATS: Final = frozenset({0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE})
_RIFF_CHUNK: Final = struct.Struct("<4sI")
# Recorders that cannot seek back leave a huge or zero size in a WAV header.
_STREAMED_BYTES: Final = 0x7FFF_0000
# A cut of this much or less is padding or rounding, not a lost tail.
_TRUNCATION_S: Final = 0.05
# Tags and cover art between MP3 frames fail to decode, too; noise fails mostly.
_MAX_BROKEN_SHARE: Final = 0.2
# The first MP3 frame of most encoders states the number of frames.
_XING: Final = re.compile(rb"Xing|Info|VBRI")


@dataclass(frozen=True)
class AudioLimits:
    """What is accepted.

    Parameters
    ----------
    min_duration_s, max_duration_s : float
        Shortest and longest recording, in seconds.
    """

    min_duration_s: float = 0.3
    max_duration_s: float = 600.0


@dataclass(frozen=True)
class Recording:
    """A decoded recording.

    Parameters
    ----------
    y : np.ndarray, shape (n,), float32 in [-1, 1]
        The waveform, mixed to mono.
    sr : int
        Sampling rate in Hz.
    container : str
        The container found in the bytes, usable as a file extension ("wav", "mp4").
    """

    y: FloatArray
    sr: int
    container: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.y) / self.sr


def decode(data: bytes, *, sr: int = 16_000, limits: AudioLimits | None = None) -> Recording:
    """Decode a recording of any known container.

    Channels are mixed by their mean, values beyond full scale are clipped and NaN
    becomes 0. Decoding runs in blocks and stops at the limit, so that a tiny file
    that holds hours costs no more than the longest recording allowed.

    Parameters
    ----------
    data : bytes
        The whole file. Its kind is read from the content, never from a name.
    sr : int
        Sampling rate of the result in Hz.
    limits : AudioLimits, optional
        Shortest and longest recording accepted; by default 0.3 s to 600 s.

    Returns
    -------
    Recording
        Mono waveform at `sr`.

    Raises
    ------
    UnsupportedMedia
        If the bytes are of no known audio or video container.
    UnreadableMedia
        If the container is broken, cut off or empty.
    NoAudioTrack
        If it holds pictures only.
    TooShort, TooLong, SilentAudio
        If nothing can be told from the recording.
    """
    blocks = list(decode_blocks(data, sr=sr, limits=limits))
    return Recording(np.concatenate(blocks), sr, container_of(data))


def decode_blocks(
    data: bytes, *, sr: int = 16_000, limits: AudioLimits | None = None
) -> Iterator[FloatArray]:
    """Decode a recording part by part, so that hours need no more memory than minutes.

    Parameters
    ----------
    data, sr, limits
        See `decode`.

    Yields
    ------
    ndarray of shape (n,), float32 in [-1, 1]
        Consecutive parts of the waveform, of any lengths.

    Raises
    ------
    EmoSyncError
        As `decode`, what concerns the whole recording after its last part.
    """
    limits = limits or AudioLimits()
    container, demuxer = identify(data)
    gauge, resampler = _Gauge(limits), _Resampler(sr)
    for block, block_sr in _blocks(data, container, demuxer):
        gauge.add(block, block_sr)
        # Resampling overshoots a clipped wave by a few per cent.
        yield np.clip(resampler.add(block, block_sr), -1.0, 1.0)
    yield np.clip(resampler.finish(), -1.0, 1.0)
    gauge.check(container)


class _Gauge:
    """Holds the blocks of a recording to the limits."""

    def __init__(self, limits: AudioLimits) -> None:
        self._limits = limits
        self._duration_s = 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, block: FloatArray, block_sr: int) -> None:
        """Take the next block; raise TooLong as soon as the limit is passed."""
        self._duration_s += len(block) / block_sr
        if self._duration_s > self._limits.max_duration_s:
            raise TooLong(
                f"The recording is longer than {self._limits.max_duration_s:g} s; "
                "send a shorter part of it."
            )
        if len(block):
            self._low = min(self._low, float(block.min()))
            self._high = max(self._high, float(block.max()))

    def check(self, container: str) -> None:
        """Raise if all blocks together are empty, too short or silent."""
        if self._duration_s == 0:
            raise UnreadableMedia(
                f"The {container} file holds no audio samples; record or export it again."
            )
        if self._duration_s < self._limits.min_duration_s:
            raise TooShort(
                f"The recording lasts {self._duration_s:.2f} s; "
                f"at least {self._limits.min_duration_s:g} s are needed."
            )
        if self._high - self._low < _SILENCE_SPAN:
            raise SilentAudio("The recording holds only silence; send one with sound.")


class _Resampler:
    """Brings blocks to one rate; chained Ogg and HE-AAC change theirs midway."""

    def __init__(self, sr: int) -> None:
        self._sr = sr
        self._block_sr = sr
        self._stream: soxr.ResampleStream | None = None

    def add(self, block: FloatArray, block_sr: int) -> FloatArray:
        """Take the next block, return what is ready."""
        ready = np.zeros(0, np.float32)
        if block_sr != self._block_sr and len(block):
            ready = self.finish()
            self._block_sr = block_sr
            if block_sr != self._sr:
                self._stream = soxr.ResampleStream(block_sr, self._sr, 1, dtype="float32")
        resampled = self._stream.resample_chunk(block) if self._stream else block
        return np.concatenate([ready, resampled]) if len(ready) else resampled

    def finish(self) -> FloatArray:
        """Return what the resampler still holds."""
        empty = np.zeros(0, np.float32)
        rest = self._stream.resample_chunk(empty, last=True) if self._stream else empty
        self._stream = None
        return rest


def _blocks(data: bytes, container: str, demuxer: str) -> Iterator[Block]:
    """Read mono blocks, plain WAV by libsndfile (a third of the time), the rest by FFmpeg."""
    wav = _open_plain_wav(data) if container == "wav" else None
    if wav is None:
        yield from _ffmpeg_blocks(data, container, demuxer)
        return
    with wav:
        yield from _soundfile_blocks(wav)


def _open_plain_wav(data: bytes) -> sf.SoundFile | None:
    """Open with libsndfile, unless FFmpeg knows the codec or a missing length better."""
    if _wav_format(data) not in _PLAIN_FORMATS:
        return None
    try:
        wav = sf.SoundFile(io.BytesIO(data))
    except sf.LibsndfileError:
        return None
    if wav.frames > 0:
        return wav
    wav.close()
    return None


def _soundfile_blocks(wav: sf.SoundFile) -> Iterator[Block]:
    sr = _checked_rate(wav.samplerate)
    n_frames = max(1, _BLOCK_VALUES // wav.channels)
    while len(block := wav.read(n_frames, dtype="float32", always_2d=True)):
        yield mono(block.T), sr


def _wav_format(data: bytes) -> int:
    """Read the number of the codec; raise if the audio is clearly shorter than stated."""
    codec, bytes_per_s = 0, 0
    for name, size, start in chunks(data, 12, _RIFF_CHUNK, even=True):
        if name == b"fmt " and start + 12 <= len(data):
            codec, bytes_per_s = struct.unpack_from("<H6xI", data, start)
        if name == b"data":
            missing = size - (len(data) - start)
            break
    else:
        raise UnreadableMedia("The wav file ends before its audio data; send all of it.")
    if size < _STREAMED_BYTES and missing > _TRUNCATION_S * bytes_per_s:
        raise UnreadableMedia(
            f"The wav file is cut off: {missing} of {size} bytes of audio are missing; "
            "send all of it."
        )
    return int(codec)


def _ffmpeg_blocks(data: bytes, container: str, demuxer: str) -> Iterator[Block]:
    if lost := lost_bytes(container, data):
        raise UnreadableMedia(
            f"The {container} file is cut off: at least {lost} bytes are missing; send all of it."
        )
    try:
        # Tags in an unknown encoding must not stop the audio from being read.
        with av.open(
            io.BytesIO(data), mode="r", format=demuxer, metadata_errors="replace"
        ) as source:
            if not source.streams.audio:
                raise NoAudioTrack(
                    f"The {container} file holds no audio track; send a recording with sound."
                )
            declared_s = _declared_s(source, container, data)
            yield from _checked_length(_track_blocks(source, container), container, declared_s)
    except (av.FFmpegError, ValueError, IndexError) as exc:
        raise UnreadableMedia(
            f"The {container} file is broken or cut off and cannot be read; "
            "record or export it again."
        ) from exc


def _checked_length(blocks: Iterator[Block], container: str, declared_s: float) -> Iterator[Block]:
    """Pass blocks on; raise at their end if the header promised clearly more."""
    decoded_s = 0.0
    for block, sr in blocks:
        decoded_s += len(block) / sr
        yield block, sr
    missing_s = declared_s - decoded_s
    if decoded_s and missing_s > max(0.5, 0.1 * decoded_s):
        raise UnreadableMedia(
            f"The {container} file is cut off: {missing_s:.1f} s are missing; send all of it."
        )


def _declared_s(source: InputContainer, container: str, data: bytes) -> float:
    """Return the length that the header states, 0 where FFmpeg would only estimate it."""
    track = source.streams.audio[0]
    stated = container in {"mp4", "flac", "aiff", "au"} or (
        container == "mp3" and _XING.search(after_id3(data)[:4096]) is not None
    )
    if stated and track.duration and track.time_base:
        return float(track.duration * track.time_base)
    if container in {"webm", "mkv"} and len(source.streams) == 1 and source.duration:
        return source.duration / av.time_base
    return 0.0


def _track_blocks(source: InputContainer, container: str) -> Iterator[Block]:
    """Read mono blocks of about a second; a frame is 20 ms or so, too little to mix alone."""
    held: list[av.AudioFrame] = []
    held_kind, n_held, sr = ("", 0, 0), 0, 0
    for frame in _frames(source, container):
        kind = (frame.format.name, frame.layout.nb_channels, frame.sample_rate)
        if kind != held_kind or n_held >= sr:
            if held:
                yield mono(joined(held)), sr
            held, n_held = [], 0
            held_kind, sr = kind, _checked_rate(frame.sample_rate)
        held.append(frame)
        n_held += frame.samples
    if held:
        yield mono(joined(held)), sr


def _frames(source: InputContainer, container: str) -> Iterator[av.AudioFrame]:
    """Decode to frames, passing over a few broken packets."""
    n_packets = n_broken = 0
    for packet in source.demux(source.streams.audio[0]):
        n_packets += 1
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            n_broken += 1
            continue
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                yield frame
    if n_broken > _MAX_BROKEN_SHARE * n_packets:
        raise UnreadableMedia(
            f"The {container} file is broken: {n_broken} of {n_packets} packets cannot be decoded; "
            "record or export it again."
        )


def _checked_rate(sr: int) -> int:
    if not _MIN_SR_HZ <= sr <= _MAX_SR_HZ:
        raise UnreadableMedia(
            f"A sampling rate of {sr} Hz cannot be read; export it at 8 to 96 kHz."
        )
    return sr
