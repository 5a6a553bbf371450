"""Broken recordings and pictures by the ten thousand: none crashes a decoder or hangs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from conftest import ROOT
from encodings_of_voice import ENCODINGS, encoded
from hypothesis import Phase, given, settings
from mutations import broken
from PIL import Image as pillow

N_RECORDINGS, N_PICTURES = 12_000, 10_000
# Of one file; the slowest take a fifth of a second, and the machine may be busy.
LIMIT_S = 10.0
PICTURES = {
    "JPEG": {"quality": 80},
    "PNG": {},
    "WEBP": {"quality": 80},
    "GIF": {},
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of voice in every container and codec, and in WAV's own forms."""
    folder = tmp_path_factory.mktemp("recordings")
    y, sr = sf.read(ROOT / "tests" / "audio" / "voice_3s.wav", dtype="float32")
    y = np.asarray(y[:sr], np.float32)
    for i, (_, codec, rate, muxer) in enumerate(ENCODINGS):
        stretched = np.interp(np.arange(rate) / rate, np.arange(sr) / sr, y).astype(np.float32)
        (folder / f"{i:02}.{muxer}").write_bytes(
            encoded(stretched, codec=codec, sr=rate, muxer=muxer)
        )
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "PCM_U8"):
        sf.write(folder / f"{subtype}.wav", y, sr, subtype=subtype)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn face in every kind of picture, upright and turned by EXIF, in several modes."""
    folder = tmp_path_factory.mktemp("pictures")
    whole = pillow.open(ROOT / "tests" / "pictures" / "drawn.png").convert("RGB")
    picture = whole.resize((160, 160 * whole.height // whole.width))
    for kind, options in PICTURES.items():
        picture.save(folder / f"plain.{kind.lower()}", kind, **options)
    exif = pillow.Exif()
    exif[0x0112] = 6
    picture.save(folder / "turned.jpeg", "JPEG", exif=exif)
    picture.save(folder / "progressive.jpeg", "JPEG", progressive=True)
    picture.convert("CMYK").save(folder / "cmyk.jpeg", "JPEG")
    picture.convert("RGBA").save(folder / "alpha.png", "PNG")
    picture.convert("P").save(folder / "palette.png", "PNG")
    picture.convert("I;16").save(folder / "deep.png", "PNG")
    return folder


def outcomes(folder: Path, kind: str, count: int) -> dict[str, list[float]]:
    """Let processes decode broken files; return the seconds that each outcome took."""
    n_processes = os.cpu_count() or 1
    share = -(-count // n_processes)
    last = [folder.with_name(f"{folder.name}-last-{i}") for i in range(n_processes)]
    children = [
        subprocess.Popen(
            [sys.executable, "tests/mutations.py", folder, kind, str(i), str(share), last[i]],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(n_processes)
    ]
    found: dict[str, list[float]] = {}
    for i, child in enumerate(children):
        printed, complaints = child.communicate(timeout=60 + count * 0.2)
        lines = [line.split() for line in printed.splitlines()]
        for outcome, seconds in lines:
            found.setdefault(outcome, []).append(float(seconds))
        assert child.returncode == 0, f"{last[i]}: {complaints[-2000:]}"
        assert len(lines) == share
    return found


def test_no_broken_recording_crashes_or_hangs(recordings: Path) -> None:
    found = outcomes(recordings, "audio", N_RECORDINGS)
    assert sum(map(len, found.values())) >= N_RECORDINGS
    assert max(max(seconds) for seconds in found.values()) < LIMIT_S
    # They reach the decoders: many are still heard, many are refused for several reasons.
    assert len(found["read"]) > N_RECORDINGS / 5
    assert {"unsupported_media", "unreadable_media", "too_short"} <= found.keys()


def test_no_broken_picture_crashes_or_hangs(pictures: Path) -> None:
    found = outcomes(pictures, "image", N_PICTURES)
    assert sum(map(len, found.values())) >= N_PICTURES
    assert max(max(seconds) for seconds in found.values()) < LIMIT_S
    assert len(found["read"]) > N_PICTURES / 20
    assert {"unsupported_media", "unreadable_media"} <= found.keys()


def test_hardly_any_file_comes_twice_or_whole() -> None:
    seeds = [bytes(range(256)) * 8, b"RIFF" * 300]
    made: list[bytes] = []

    @settings(max_examples=500, database=None, phases=[Phase.generate])
    @given(data=broken(seeds))
    def collect(data: bytes) -> None:
        made.append(data)

    collect()
    assert len(set(made)) > 0.9 * len(made)
    assert sum(data in seeds for data in made) < 0.05 * len(made)
