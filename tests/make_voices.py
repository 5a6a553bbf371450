"""Render the synthetic voices in `tests/audio/` (committed; run again to change them).

    python tests/make_voices.py

needs the program `espeak-ng` (1.51 was used) and the packages numpy, soundfile and soxr.
No person speaks in these files, so they carry no licence and no emotion worth the name:
they test decoding, windows, plots and speed, never accuracy.

========================  ======  ===========================================
File                      Length  Content
========================  ======  ===========================================
``voice_3s.wav``          3 s     PCM16, 16 kHz, mono; low voice
``voice_high_3s.wav``     3 s     PCM16, 16 kHz, mono; high, lively voice
``voice_12s.flac``        12 s    FLAC, 16 kHz, mono; low voice, then high:
                                  longer than one 8 s window
========================  ======  ===========================================
"""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

AUDIO_PATH: Final = Path(__file__).parent / "audio"
SR_HZ: Final = 16_000
PEAK: Final = 0.7
# A real recording is never digitally silent between words; -66 dB of full scale is a quiet room.
ROOM_NOISE: Final = 5e-4

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    """How espeak-ng speaks: its voice name, pitch (0 to 99) and words per minute."""

    name: str
    pitch: int
    words_per_minute: int


LOW: Final = Voice("en-us", 35, 165)
HIGH: Final = Voice("en-us+f3", 75, 175)

SENTENCE: Final = "I left my coat on the chair by the old green door."
PASSAGE: Final = (
    "The rain has not stopped since the morning. I sat down and wrote a letter that I never sent."
)
REPLY: Final = (
    "Guess what, the train is early for once! Take your coat, we can be at the sea before lunch."
)


def speak(text: str, voice: Voice) -> Samples:
    """Speak `text` and return it at 16 kHz, shape (n_samples,), peak 0.7."""
    command = ["espeak-ng", "-v", voice.name, "-p", str(voice.pitch)]
    command += ["-s", str(voice.words_per_minute), "--stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    y, sr = soundfile.read(io.BytesIO(wav), dtype="float32")
    resampled = soxr.resample(y, sr, SR_HZ)
    return np.asarray(resampled / np.abs(resampled).max() * PEAK, dtype=np.float32)


def fit(y: Samples, duration_s: float, *, seed: int = 42) -> Samples:
    """Cut or pad `y` to `duration_s` and lay a little room noise under it."""
    n_samples = round(duration_s * SR_HZ)
    noise = np.random.default_rng(seed).normal(0.0, ROOM_NOISE, n_samples)
    noise[: y.size] += y[:n_samples]
    return noise.astype(np.float32)


def write(name: str, y: Samples) -> None:
    """Write `y` as 16-bit samples; the suffix of `name` picks the container."""
    soundfile.write(AUDIO_PATH / name, y, SR_HZ, subtype="PCM_16")


def main() -> None:
    """Render every file."""
    AUDIO_PATH.mkdir(exist_ok=True)
    write("voice_3s.wav", fit(speak(SENTENCE, LOW), 3.0))
    write("voice_high_3s.wav", fit(speak(SENTENCE, HIGH), 3.0))
    conversation = np.concatenate(
        [fit(speak(PASSAGE, LOW), 6.5), fit(speak(REPLY, HIGH), 5.5, seed=43)]
    )
    write("voice_12s.flac", conversation)


if __name__ == "__main__":
    main()
