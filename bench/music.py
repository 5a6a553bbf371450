"""Music to measure with: chords and drums, as the bytes of an MP3."""

import io
from typing import Final

import av
import numpy as np
import numpy.typing as npt

SR_HZ: Final = 44_100
BITRATE: Final = 128_000
BEAT_S: Final = 0.5
# Semitones of a major and a minor chord.
CHORDS: Final = ((0, 4, 7), (0, 3, 7))
N_OVERTONES: Final = 5
ENCODED_AT_ONCE: Final = 100 * 1152


def minute(seed: int, *, duration_s: float = 60.0) -> bytes:
    """Make a minute of stereo music as MP3, without a header that states its length.

    Minutes put one after the other are a longer piece.

    Parameters
    ----------
    seed : int
        Another seed gives other music, as busy to decode and to listen to.
    duration_s : float
        A multiple of 0.5 s.

    Returns
    -------
    bytes
        128 kbit/s, 44.1 kHz.
    """
    rng = np.random.default_rng(seed)
    beats = [_beat(rng) for _ in range(round(duration_s / BEAT_S))]
    return _mp3(np.concatenate(beats, axis=1))


def _beat(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Strike a chord and a drum, a little to one side; gives (2, n)."""
    t = np.arange(round(BEAT_S * SR_HZ)) / SR_HZ
    root_hz = 110 * 2 ** (rng.integers(0, 24) / 12)
    y = np.zeros_like(t)
    for semitones in CHORDS[rng.integers(2)]:
        freq_hz = root_hz * 2 ** (semitones / 12)
        y += sum(np.sin(2 * np.pi * k * freq_hz * t) / k for k in range(1, N_OVERTONES + 1))
    drum = rng.normal(size=len(t)) * np.exp(-40 * t)
    y = rng.uniform(0.02, 0.12) * (y * np.exp(-3 * t) + 2 * drum)
    return np.stack([y, np.roll(y, 40)]).astype(np.float32)


def _mp3(y: npt.NDArray[np.float32]) -> bytes:
    out = io.BytesIO()
    # The header would state the length of this part alone.
    with av.open(out, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as sink:
        track = sink.add_stream("libmp3lame", rate=SR_HZ)
        assert isinstance(track, av.AudioStream)
        track.layout, track.bit_rate = "stereo", BITRATE
        for start in range(0, y.shape[1], ENCODED_AT_ONCE):
            part = np.ascontiguousarray(y[:, start : start + ENCODED_AT_ONCE])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = SR_HZ, start
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))
    return out.getvalue()
