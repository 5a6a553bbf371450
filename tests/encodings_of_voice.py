"""A waveform in every container and codec that the service must read, made with PyAV."""

import io
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

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
]


def encoded(y: FloatArray, *, codec: str, sr: int, muxer: str, layout: str = "mono") -> bytes:
    """Encode a waveform (n,), or one of several channels (n_channels, n)."""
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as sink:
        track = sink.add_stream(codec, rate=sr)
        assert isinstance(track, av.AudioStream)
        track.layout = layout
        track.bit_rate = 96_000
        resampler = av.AudioResampler(
            format=track.format, layout=track.layout, rate=sr, frame_size=track.frame_size
        )
        packed = np.ascontiguousarray(np.atleast_2d(y).T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = sr, Fraction(1, sr), 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            sink.mux(track.encode(part))
        sink.mux(track.encode(None))
    return out.getvalue()


def silent_video() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as sink:
        track = sink.add_stream("mpeg4", rate=10)
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt = 32, 32, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))
    return out.getvalue()
