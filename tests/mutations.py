"""Broken recordings and pictures, decoded one after the other: run as a process of its own.

Hypothesis decides how each is broken. A crash of a decoder ends this process and not the tests;
the file that it died of is left behind. Each line that is printed is one
file: what came of it, and the seconds that it took.
"""

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from emosync.audio import AudioLimits, decode
from emosync.errors import EmoSyncError
from emosync.images import decode_image

# Short, so that a file that claims to be long is stopped early, as the service's own limit would.
LIMITS: Final = AudioLimits(max_duration_s=20.0)
# Numbers that lengths, counts and rates break at.
EXTREMES: Final = (0x00, 0x01, 0x7F, 0x80, 0xFF)
MOST: Final = 4

Mutation = Callable[[bytearray, np.random.Generator], None]


def broken(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Break one of some good files in up to four ways, or also put another behind it."""
    ways = st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=MOST)
    # Where each of them does it: hypothesis takes long over every number that it draws by itself.
    places = st.binary(min_size=8, max_size=8)
    others = st.sampled_from([b""] * 19 * len(seeds) + list(seeds))
    return st.tuples(st.sampled_from(seeds), ways, places, others).map(_broken)


def _broken(chosen: tuple[bytes, list[Mutation], bytes, bytes]) -> bytes:
    good, ways, places, other = chosen
    data, rng = bytearray(good), np.random.default_rng(list(places))
    for mutate in ways:
        mutate(data, rng)
    return bytes(data) + other


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


def main(folder: str, kind: str, number: str, count: str, last: str) -> None:
    """Decode so many files, which the number decides about; keep the last one at its path."""
    warnings.simplefilter("ignore")  # Pillow's and FFmpeg's about what is broken
    seeds = [path.read_bytes() for path in sorted(Path(folder).iterdir())]

    @seed(int(number))
    @settings(
        max_examples=int(count),
        deadline=None,
        database=None,
        # Each is decoded once; the first that fails is told as it is.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=broken(seeds))
    def one_after_the_other(data: bytes) -> None:
        Path(last).write_bytes(data)
        begun_s = time.perf_counter()
        outcome = decoded(data, kind)
        print(outcome, f"{time.perf_counter() - begun_s:.3f}", flush=True)

    one_after_the_other()


if __name__ == "__main__":
    main(*sys.argv[1:])
