"""Music made of a few chords, as the bytes of a file."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile as sf
from encodings_of_voice import encoded

SR_HZ: Final = 22_050
MAJOR: Final = (261.6, 329.6, 392.0, 523.3)
MINOR: Final = (220.0, 261.6, 329.6, 440.0)

Samples = npt.NDArray[np.float32]


def chord(
    freqs_hz: Sequence[float], duration_s: float, *, level: float, beats_hz: float
) -> Samples:
    """Strike a chord again and again; each note has a few overtones and dies away."""
    t = np.arange(round(duration_s * SR_HZ)) / SR_HZ
    notes = [np.sin(2 * np.pi * k * f * t) / k for f in freqs_hz for k in (1, 2, 3)]
    decay = np.exp(-4 * np.mod(t, 1 / beats_hz))
    y = np.sum(notes, axis=0) * decay
    return np.asarray(level * y / np.abs(y).max(), np.float32)


def music(duration_s: float = 12.0, *, seed: int = 7) -> Samples:
    """Play soft and slow, then loud and fast with drums, then soft again."""
    rng = np.random.default_rng(seed)
    third_s = duration_s / 3
    loud = chord(MAJOR, third_s, level=0.7, beats_hz=4.0)
    drums = rng.normal(0, 0.2, len(loud)) * (np.arange(len(loud)) % (SR_HZ // 4) < SR_HZ // 40)
    soft = [chord(MINOR, third_s, level=level, beats_hz=0.5) for level in (0.05, 0.1)]
    return np.concatenate([soft[0], np.clip(loud + drums, -1, 1), soft[1]]).astype(np.float32)


def as_wav(y: Samples) -> bytes:
    """Write 16-bit samples."""
    out = io.BytesIO()
    sf.write(out, y, SR_HZ, format="WAV", subtype="PCM_16")
    return out.getvalue()


def as_mp3(y: Samples) -> bytes:
    """Encode as a library would hold it."""
    return encoded(y, codec="libmp3lame", sr=SR_HZ, muxer="mp3")


def silence_wav(duration_s: float) -> bytes:
    return as_wav(np.zeros(round(duration_s * SR_HZ), np.float32))
