"""A recording on its way through a network, part by part, so that memory stays small."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from emosync.audio import AudioLimits, decode_blocks
from emosync.containers import container_of
from emosync.framing import FloatArray
from emosync.stages import Stages

Told = TypeVar("Told")


@dataclass(frozen=True)
class Heard(Generic[Told]):
    """A recording after it was listened to.

    Attributes
    ----------
    told : object
        What the listener made of it.
    container : str
        What the content is, such as "mp3".
    duration_s : float
        Length in seconds.
    """

    told: Told
    container: str
    duration_s: float


def hear(
    data: bytes,
    listen: Callable[[Iterable[FloatArray]], Told],
    *,
    sr: int,
    limits: AudioLimits,
    stages: Stages,
    stage: str = "features",
) -> Heard[Told]:
    """Decode a recording in blocks, which the listener takes on the way.

    Parameters
    ----------
    data : bytes
        The recording.
    listen : callable
        Takes the blocks of a mono waveform, of any lengths, until they end.
    sr : int
        Sampling rate of the waveform in Hz.
    limits : AudioLimits
        Shortest and longest recording.
    stages : Stages
        Gets the time of decoding, and that of the listener.
    stage : str
        What the listener's time counts as.

    Returns
    -------
    Heard

    Raises
    ------
    EmoSyncError
        As `emosync.audio.decode` does.
    """
    container = container_of(data)
    decoding = _Decoding(decode_blocks(data, sr=sr, limits=limits))
    begun_s = time.perf_counter()
    told = listen(decoding)
    stages.add("decode", decoding.spent_s)
    stages.add(stage, time.perf_counter() - begun_s - decoding.spent_s)
    return Heard(told, container, round(decoding.n_samples / sr, 3))


class _Decoding(Iterator[FloatArray]):
    """Blocks on their way to the network: their samples counted, their decoding timed."""

    def __init__(self, blocks: Iterable[FloatArray]) -> None:
        self._blocks = iter(blocks)
        self.n_samples = 0
        self.spent_s = 0.0

    def __next__(self) -> FloatArray:
        begun_s = time.perf_counter()
        try:
            block = next(self._blocks)
        finally:
            self.spent_s += time.perf_counter() - begun_s
        self.n_samples += len(block)
        return block
