"""A waveform in every container and codec that the service must read, made with PyAV."""

import io
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer

FloatArray = npt.NDArray[np.float32]

# container, codec, sampling rate in Hz; FFmpeg's name of the container comes last
ENCODINGS = [
    ("mp3", "libmp3lame", 44_100, "mp3"),
    ("mp4", "aac", 44_100, "mp4"),
    ("mp4", "alac", 44_100, "ipod"),
    ("aac", "aac", 44_100, "adts"),
    ("flac", "flac", 44_100, "flac"),
    ("ogg", "libopus", 48_000, "ogg"),
    ("ogg", "flac", 44_100, "ogg"),
    ("webm", "libopus", 48_000, "webm"),
    ("mkv", "libopus", 48_000, "matroska"),
    ("aiff", "pcm_s16be", 22_050, "aiff"),
    ("au", "pcm_mulaw", 8_000, "au"),
    ("caf", "pcm_s16le", 22_050, "caf"),
    ("wma", "wmav2", 44_100, "asf"),
    ("ts", "mp2", 44_100, "mpegts"),
    ("wav", "pcm_alaw", 8_000, "wav"),
    ("wav", "adpcm_ima_wav", 16_000, "wav"),
    ("wav", "libmp3lame", 44_100, "wav"),
    ("avi", "pcm_s16le", 22_050, "avi"),
    ("flv", "libmp3lame", 44_100, "flv"),
]


def encoded(y: FloatArray, *, codec: str, sr: int, muxer: str, layout: str = "mono") -> bytes:
    """Encode a waveform (n,), or one of several channels (n_channels, n)."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as sink:
        _mux_wave(sink, _audio_track(sink, codec, sr, layout), y)
    return out.getvalue()


def silent_video() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as sink:
        _mux_black(sink, _video_track(sink), duration_s=1.0)
    return out.getvalue()


def video(y: FloatArray, *, sr: int, muxer: str, codec: str) -> bytes:
    """Encode a black picture with a waveform (n,)."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as sink:
        # Both tracks must be there before the first packet is written.
        black, sound = _video_track(sink), _audio_track(sink, codec, sr, "mono")
        _mux_black(sink, black, duration_s=len(y) / sr)
        _mux_wave(sink, sound, y)
    return out.getvalue()


def _video_track(sink: OutputContainer) -> av.VideoStream:
    track = sink.add_stream("mpeg4" if sink.format.name == "mp4" else "vp8", rate=10)
    assert isinstance(track, av.VideoStream)
    track.width, track.height, track.pix_fmt = 32, 32, "yuv420p"
    return track


def _mux_black(sink: OutputContainer, track: av.VideoStream, *, duration_s: float) -> None:
    for _ in range(round(10 * duration_s)):
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        sink.mux(track.encode(frame))
    sink.mux(track.encode(None))


def _audio_track(sink: OutputContainer, codec: str, sr: int, layout: str) -> av.AudioStream:
    track = sink.add_stream(codec, rate=sr)
    assert isinstance(track, av.AudioStream)
    track.layout = layout
    track.bit_rate = 96_000
    return track


def _mux_wave(sink: OutputContainer, track: av.AudioStream, y: FloatArray) -> None:
    sr, layout = track.sample_rate, track.layout.name
    resampler = av.AudioResampler(
        format=track.format, layout=track.layout, rate=sr, frame_size=track.frame_size
    )
    packed = np.ascontiguousarray(np.atleast_2d(y).T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = sr, Fraction(1, sr), 0
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        sink.mux(track.encode(part))
    sink.mux(track.encode(None))
