"""Waveforms whose features can be worked out by hand, at 16 kHz."""

import io
from pathlib import Path
from typing import Final

import numpy as np
import soundfile as sf

from emosync.framing import SPEECH_SR_HZ, FloatArray

AUDIO_PATH: Final = Path(__file__).parent / "audio"


def tone(freq_hz: float, duration_s: float = 1.0, *, level: float = 0.5) -> FloatArray:
    """Sine that starts at zero."""
    t = np.arange(round(duration_s * SPEECH_SR_HZ)) / SPEECH_SR_HZ
    return np.asarray(level * np.sin(2 * np.pi * freq_hz * t), np.float32)


def vowel(f0_hz: float, duration_s: float = 1.0) -> FloatArray:
    """Harmonics that fall by 6 dB an octave, as a voice's do."""
    partials = [tone(f0_hz * k, duration_s, level=0.3 / k) for k in range(1, 11)]
    return np.asarray(np.sum(partials, axis=0), np.float32)


def silence(duration_s: float = 1.0) -> FloatArray:
    return np.zeros(round(duration_s * SPEECH_SR_HZ), np.float32)


def noise(duration_s: float = 1.0, *, level: float = 0.1, seed: int = 7) -> FloatArray:
    """White noise with a standard deviation of `level`."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, level, round(duration_s * SPEECH_SR_HZ)).astype(np.float32)


def clicks(duration_s: float = 1.0, *, every_s: float = 0.1) -> FloatArray:
    """Single samples of 1 in digital silence."""
    y = silence(duration_s)
    y[:: round(every_s * SPEECH_SR_HZ)] = 1.0
    return y


def clipped_noise(duration_s: float = 1.0) -> FloatArray:
    """Noise that is at full scale nearly all the time."""
    return np.clip(noise(duration_s, level=20.0), -1, 1)


def recorded(name: str) -> FloatArray:
    """One of the synthetic voices that are committed."""
    y, sr = sf.read(io.BytesIO((AUDIO_PATH / name).read_bytes()), dtype="float32")
    assert sr == SPEECH_SR_HZ
    return np.asarray(y, np.float32)


# What no feature may stumble over; 0.3 s is the shortest that the service takes.
DIFFICULT: Final = {
    "silence": silence(),
    "short tone": tone(220, 0.3),
    "short silence": silence(0.3),
    "click": clicks(0.5, every_s=1.0),
    "constant": np.full(SPEECH_SR_HZ, 0.5, np.float32),
    "clipped noise": clipped_noise(),
    "very quiet": noise(level=1e-6),
    "odd length": noise(0.50006),
}
