"""Render the song in `tests/songs/` (committed; run again to change it).

    python tests/make_song.py

needs only what the service needs. The song was written for this repository and stands under
its licence. It shows what an answer looks like: its parts differ, so its sequence moves.

================  ==========================================================================
Part              What
================  ==========================================================================
0 to 14.4 s       rain: slow broken chords in A minor, softly plucked
14.4 to 24 s      storm: drums and low fifths that will not come home, loud
24 to 36.8 s      sun: drums, bass, strummed chords and a tune in C major, loud
36.8 to 48 s      evening: broken chords in C major, softly plucked, fading at the end
================  ==========================================================================
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import butter, lfilter, sosfilt

SONG: Final = Path(__file__).parent / "songs" / "rain_and_sun.mp3"
SR_HZ: Final = 22_050
PEAK: Final = 0.89
# Between 0, the best and largest, and 1; 48 s take 190 kB.
COMPRESSION: Final = 0.85

# Chords from the lowest note up, as numbers of MIDI.
RAIN: Final = ((45, 52, 57, 60), (41, 48, 53, 57), (38, 50, 53, 57), (40, 47, 52, 56))
SUN: Final = ((48, 55, 60, 64), (43, 55, 59, 62), (45, 57, 60, 64), (41, 53, 57, 60))
STORM: Final = (28, 29, 28, 34)
TUNE: Final = (76, 79, 84, 83, 79, 74, 79, 83, 81, 84, 88, 84, 81, 77, 81, 84)

Samples = npt.NDArray[np.float64]


class Tape:
    """Samples onto which sounds are laid."""

    def __init__(self, duration_s: float) -> None:
        self.samples: Samples = np.zeros(round(duration_s * SR_HZ))

    def lay(self, sound: Samples, start_s: float, level: float) -> None:
        """Add a sound; what would lie behind the end is cut off."""
        start = round(start_s * SR_HZ)
        room = self.samples[start : start + sound.size]
        room += level * sound[: room.size]


def freq_hz(note: int) -> float:
    """Return the frequency of a note of MIDI."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def pluck(note: int, duration_s: float, *, damping: float, rng: np.random.Generator) -> Samples:
    """Pluck a string: noise that runs round a loop of one period and loses its edges.

    References
    ----------
    .. [1] Karplus and Strong (1983), "Digital synthesis of plucked-string and drum timbres".
    """
    period = round(SR_HZ / freq_hz(note))
    noise = np.zeros(round(duration_s * SR_HZ))
    noise[:period] = rng.uniform(-1, 1, period)
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1.0, -damping / 2, -damping / 2
    return np.asarray(lfilter([1.0], loop, noise))


def lead(note: int, duration_s: float) -> Samples:
    """Play a bright tone with a little vibrato."""
    t = np.arange(round(duration_s * SR_HZ)) / SR_HZ
    phase = 2 * np.pi * freq_hz(note) * t + 0.25 * np.sin(2 * np.pi * 5.5 * t)
    tone = np.sum([np.sin(k * phase) / k for k in range(1, 7)], axis=0)
    return np.asarray(tone * np.minimum(1, 60 * t) * np.exp(-2.0 * t))


def bass(note: int, duration_s: float) -> Samples:
    """Play a round low tone."""
    t = np.arange(round(duration_s * SR_HZ)) / SR_HZ
    tone = np.tanh(2.5 * np.sin(2 * np.pi * freq_hz(note) * t))
    return np.asarray(tone * np.exp(-3.0 * t))


def organ(note: int, duration_s: float) -> Samples:
    """Hold a tone with many overtones."""
    t = np.arange(round(duration_s * SR_HZ)) / SR_HZ
    tone = np.sum([np.sin(2 * np.pi * k * freq_hz(note) * t) / k for k in range(1, 12)], axis=0)
    return np.asarray(tone * np.minimum(1, 40 * t) * np.minimum(1, 40 * t[::-1]))


def kick() -> Samples:
    """Strike the large drum: a tone that falls from 150 to 45 Hz."""
    t = np.arange(round(0.3 * SR_HZ)) / SR_HZ
    return np.asarray(np.sin(2 * np.pi * (45 * t + 4.2 * (1 - np.exp(-25 * t)))) * np.exp(-9 * t))


def rattle(above_hz: float, decay_per_s: float, rng: np.random.Generator) -> Samples:
    """Strike the small drum or a cymbal: noise above a frequency that dies away."""
    t = np.arange(round(0.25 * SR_HZ)) / SR_HZ
    high = butter(4, above_hz, "highpass", fs=SR_HZ, output="sos")
    return np.asarray(sosfilt(high, rng.normal(0, 0.5, t.size)) * np.exp(-decay_per_s * t))


def broken_chords(
    tape: Tape, chords: Sequence[Sequence[int]], start_s: float, *, note_s: float, level: float,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Pluck each chord up and down, one note at a time."""
    order = (0, 1, 2, 3, 2, 1)
    for i, chord in enumerate(chords):
        for k, string in enumerate(order):
            sound = pluck(chord[string], 5 * note_s, damping=0.994, rng=rng)
            tape.lay(sound, start_s + (i * len(order) + k) * note_s, level)


def drums(
    tape: Tape, start_s: float, beat_s: float, *, busy: bool, rng: np.random.Generator
) -> None:
    """Play one bar of four beats."""
    for eighth in range(8):
        at_s = start_s + eighth * beat_s / 2
        tape.lay(rattle(7000, 45, rng), at_s, 0.25)
        if eighth % 4 == 2:
            tape.lay(rattle(1200, 18, rng), at_s, 0.6)
        elif busy or eighth % 4 == 0:
            tape.lay(kick(), at_s, 0.9)


def storm(tape: Tape, start_s: float, n_bars: int, beat_s: float, rng: np.random.Generator) -> None:
    """Play low fifths in eighths, one semitone from home in every other bar."""
    for bar in range(n_bars):
        now_s, root = start_s + 4 * beat_s * bar, STORM[bar % len(STORM)]
        drums(tape, now_s, beat_s, busy=True, rng=rng)
        for eighth in range(8):
            for note in (root, root + 7, root + 12):
                tape.lay(organ(note, beat_s / 2), now_s + eighth * beat_s / 2, 0.5)


def sun(tape: Tape, start_s: float, n_bars: int, beat_s: float, rng: np.random.Generator) -> None:
    """Play bass and strummed chords in eighths, and the tune in quarters."""
    for bar in range(n_bars):
        now_s, chord = start_s + 4 * beat_s * bar, SUN[bar % len(SUN)]
        drums(tape, now_s, beat_s, busy=False, rng=rng)
        for eighth in range(8):
            at_s = now_s + eighth * beat_s / 2
            tape.lay(bass(chord[0] - 12, beat_s / 2), at_s, 0.35)
            for string, note in enumerate(chord):
                strum = pluck(note + 12, beat_s, damping=0.985, rng=rng)
                tape.lay(strum, at_s + 0.008 * string, 0.3)
                tape.lay(organ(note, beat_s / 2), at_s, 0.12)
        for beat in range(4):
            note = TUNE[(4 * bar + beat) % len(TUNE)]
            tape.lay(lead(note, beat_s), now_s + beat * beat_s, 0.25)


def press(tape: Tape, start_s: float, end_s: float, *, drive: float) -> None:
    """Press a stretch against full scale, as loud records are."""
    stretch = tape.samples[round(start_s * SR_HZ) : round(end_s * SR_HZ)]
    stretch[:] = np.tanh(drive * stretch)


def song() -> Samples:
    """Play the whole song, shape (n_samples,), peak 0.89."""
    rng = np.random.default_rng(4)
    tape = Tape(48.0)
    broken_chords(tape, RAIN, 0.0, note_s=0.6, level=0.05, rng=rng)
    storm(tape, 14.4, n_bars=6, beat_s=0.4, rng=rng)
    press(tape, 14.4, 24.0, drive=4.0)
    sun(tape, 24.0, n_bars=8, beat_s=0.4, rng=rng)
    press(tape, 24.0, 36.8, drive=2.0)
    broken_chords(tape, SUN, 36.8, note_s=0.45, level=0.1, rng=rng)
    n_fade = 2 * SR_HZ
    tape.samples[-n_fade:] *= np.linspace(1, 0, n_fade)
    return np.asarray(tape.samples / np.abs(tape.samples).max() * PEAK)


def main() -> None:
    """Render and encode the song."""
    SONG.parent.mkdir(exist_ok=True)
    soundfile.write(
        SONG, song(), SR_HZ, format="MP3", subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT", compression_level=COMPRESSION,
    )  # fmt: skip


if __name__ == "__main__":
    main()
