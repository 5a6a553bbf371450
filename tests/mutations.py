"""Broken recordings and pictures, decoded one after the other: run as a process of its own.

A crash of a decoder then ends this process and not the tests. Each line that it prints is one
file: its number, what came of it, and the seconds that it took.
"""

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from emosync.audio import AudioLimits, decode
from emosync.errors import EmoSyncError
from emosync.images import decode_image

# Short, so that a file that claims to be long is stopped early, as the service's own limit would.
LIMITS: Final = AudioLimits(max_duration_s=20.0)
# Numbers that lengths, counts and rates break at.
EXTREMES: Final = (0x00, 0x01, 0x7F, 0x80, 0xFF)
Mutation = Callable[[bytearray, np.random.Generator], None]


def mutated(seeds: list[bytes], number: int) -> bytes:
    """Break one of the files in up to four ways; the number decides about everything."""
    rng = np.random.default_rng(number)
    data = bytearray(seeds[number % len(seeds)])
    for _ in range(rng.integers(1, 5)):
        MUTATIONS[rng.integers(len(MUTATIONS))](data, rng)
    if rng.random() < 0.05:
        data += seeds[rng.integers(len(seeds))]
    return bytes(data)


def _flip_bits(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 9)):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _set_extremes(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    end = min(start + int(rng.integers(1, 9)), len(data))
    data[start:end] = bytes([EXTREMES[rng.integers(len(EXTREMES))]]) * (end - start)


def _cut_off(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) + 1 :]


def _cut_out(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    del data[start : start + int(rng.integers(1, 2_000))]
    data += b"\0"


def _repeat(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    part = data[start : start + int(rng.integers(1, 2_000))]
    data[start:start] = part * int(rng.integers(1, 4))


def _fill_with_chance(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    end = min(start + int(rng.integers(1, 500)), len(data))
    data[start:end] = rng.bytes(end - start)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Choose a place, every other time among the first bytes, where the headers are."""
    return int(rng.integers(min(len(data), 300) if rng.random() < 0.5 else len(data)))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _flip_bits,
    _set_extremes,
    _cut_off,
    _cut_out,
    _repeat,
    _fill_with_chance,
)


def decoded(data: bytes, kind: str) -> str:
    """Decode as the service would; return "read", or the code of the refusal."""
    try:
        if kind == "image":
            decode_image(data)
        else:
            decode(data, limits=LIMITS)
    except EmoSyncError as exc:
        return exc.code
    return "read"


def main(folder: str, kind: str, first: str, count: str) -> None:
    warnings.simplefilter("ignore")  # Pillow's and FFmpeg's about what is broken
    seeds = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    for number in range(int(first), int(first) + int(count)):
        data = mutated(seeds, number)
        begun_s = time.perf_counter()
        outcome = decoded(data, kind)
        print(number, outcome, f"{time.perf_counter() - begun_s:.3f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
