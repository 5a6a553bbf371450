"""Precalculate a library: features, curve and playback sequence of every song.

Each process listens to one song at a time with one thread, so that the time grows with the
number of songs and falls with the number of processes.
"""

import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from application.tasks.loaded_models import LoadedModels
from application.tasks.song_analysis import hear_song, play_song, song_limits
from application.tasks.song_library import Kind, SongLibrary
from application.tasks.song_sources import Read, SongFile
from emosync.config import Config
from emosync.errors import EmoSyncError
from emosync.playback import PlaybackSettings, curve_members
from emosync.song_features import read_csv, write_csv
from emosync.stages import Stages

# The sequence comes last: who finds it finds the rest as well.
KINDS: Final[Sequence[Kind]] = ("features", "curve", "playback")
# Jobs sent ahead per process, so that none waits; an interrupt leaves the others unsent.
_SENT_AHEAD: Final = 2
# In a curve that was made here: the hash of its recording.
_MADE_OF: Final = "made_of"


@dataclass(frozen=True)
class Outcome:
    """What became of a song.

    Attributes
    ----------
    song_id : str
        Its name.
    problem : str, optional
        Why nothing was made of it; None if all is well.
    is_new : bool
        Whether anything was written.
    """

    song_id: str
    problem: str | None = None
    is_new: bool = False


def build_library(
    songs: Iterable[tuple[str, Read]], config: Config, *, n_workers: int = 2, force: bool = False
) -> Generator[Outcome]:
    """Make what the library lacks of each song.

    Parameters
    ----------
    songs : iterable of (str, callable)
        Ids, and how to read the recordings in another process, as `iter_songs` gives them.
    config : Config
        The library, the models and the longest song.
    n_workers : int > 0
        Processes.
    force : bool
        Whether to make what is there as well. Without it only what was made here of a file
        that has changed since is made again.

    Yields
    ------
    Outcome
        One per song, as they are done. A song that fails never stops the rest.

    Raises
    ------
    ModelUnavailable
        If a model is missing.
    UpstreamError, Unavailable
        If the library cannot be listed.
    """
    # Asked here once, or every song would fail for the same reason.
    _ = LoadedModels(config).predictor.song_feature_names
    # NumPy's BLAS would start a thread per core in every process; set before they start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    jobs: list[_Job] = []
    for planned in _planned(songs, SongLibrary(config), force):
        if isinstance(planned, Outcome):
            yield planned
        else:
            jobs.append(planned)
    yield from _done(jobs, config, n_workers)


@dataclass(frozen=True)
class _Job:
    """A song, and what is to be made of it."""

    song_id: str
    read: Read
    kinds: Sequence[Kind]


def _planned(
    songs: Iterable[tuple[str, Read]], library: SongLibrary, force: bool
) -> Iterator[Outcome | _Job]:
    """Tell what is to be made of each song, or that nothing is."""
    there = {kind: frozenset() if force else library.ids_of(kind) for kind in KINDS}
    seen: set[str] = set()
    for song_id, read in songs:
        kinds: Sequence[Kind] = [kind for kind in KINDS if song_id not in there[kind]]
        if song_id in there["curve"] and _has_changed(song_id, read, library):
            kinds = KINDS
        if song_id in seen:
            yield Outcome(song_id, "Another file has the same name up to its suffix.")
        else:
            yield _Job(song_id, read, kinds) if kinds else Outcome(song_id)
        seen.add(song_id)


def _has_changed(song_id: str, read: Read, library: SongLibrary) -> bool:
    """Tell whether what is there was made here, of another recording.

    A bucket's recordings are not downloaded to find out, and what others made is kept.
    """
    if not isinstance(read, SongFile):
        return False
    try:
        curve = json.loads(library.read("curve", song_id))
        made_of = curve.get(_MADE_OF) if isinstance(curve, dict) else None
        return made_of not in (None, _fingerprint(read()))
    except (EmoSyncError, ValueError):
        return True


def _done(jobs: Sequence[_Job], config: Config, n_workers: int) -> Iterator[Outcome]:
    """Run the jobs; when a process dies, those in hand run again, one by one."""
    queue = iter(jobs)
    while True:
        in_hand: dict[Future[None], _Job] = {}
        try:
            yield from _pooled(queue, config, n_workers, in_hand)
            return
        except BrokenProcessPool:
            suspects = list(in_hand.values())
        for job in suspects:
            try:
                yield from _pooled(iter([job]), config, 1, {})
            except BrokenProcessPool:
                yield Outcome(job.song_id, "The process that listened to it died.")


def _pooled(
    jobs: Iterator[_Job], config: Config, n_workers: int, in_hand: dict[Future[None], _Job]
) -> Iterator[Outcome]:
    """Run jobs in fresh processes; `in_hand` always holds those that were sent and not done."""
    # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, context, initializer=_start, initargs=(config,))
    with _interrupted_once():
        try:
            for job in jobs:
                in_hand[pool.submit(_build, job)] = job
                if len(in_hand) >= _SENT_AHEAD * n_workers:
                    yield from _finished(in_hand)
            while in_hand:
                yield from _finished(in_hand)
        finally:
            # After an interrupt: the songs at work are finished, the others are left.
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Let the first Ctrl-C end the work in order; one more kills the processes.

    A second KeyboardInterrupt would break off the very shutdown of the pool, which then waits
    for its processes forever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    n_signals = 0

    def interrupt(*_: object) -> None:
        nonlocal n_signals
        n_signals += 1
        if n_signals == 1:
            raise KeyboardInterrupt
        for process in multiprocessing.active_children():
            process.kill()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _finished(in_hand: dict[Future[None], _Job]) -> Iterator[Outcome]:
    """Wait for a job at least."""
    done, _ = wait(in_hand, return_when=FIRST_COMPLETED)
    for future in done:
        problem = _problem(future)
        job = in_hand.pop(future)
        yield Outcome(job.song_id, problem, is_new=problem is None)


def _problem(future: Future[None]) -> str | None:
    try:
        future.result()
    except BrokenProcessPool:
        raise
    except EmoSyncError as exc:
        return exc.message
    # A job's wrapper: whatever one song trips over is told, and the rest goes on.
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return None


class _Builder:
    """What a process keeps from one song to the next."""

    def __init__(self, config: Config) -> None:
        self._predictor = LoadedModels(replace(config, model_threads=1)).predictor
        self._library = SongLibrary(config)
        self._limits = song_limits(config)

    def build(self, job: _Job) -> None:
        """Listen to a song and write what is asked for."""
        data = job.read()
        song = hear_song(data, self._predictor, limits=self._limits, stages=Stages())
        features = write_csv(song.told)
        # From what was written, so that the method `tensorflow` gives the very same sequence.
        curve = self._predictor.song_curve(read_csv(features, song.told.names))
        members = curve_members(curve.time_s, curve.valence, curve.arousal)
        playback = play_song(curve, PlaybackSettings())
        contents: Mapping[Kind, bytes] = {
            "features": features,
            "curve": _json({**members, _MADE_OF: _fingerprint(data)}),
            "playback": _json({"song_id": job.song_id, "sequence": playback.members}),
        }
        for kind in job.kinds:
            self._library.write(kind, job.song_id, contents[kind])


_builder: _Builder | None = None


def _start(config: Config) -> None:
    global _builder
    # Ctrl-C goes to all processes; the parent decides, and no song is left half made.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _builder = _Builder(config)


def _build(job: _Job) -> None:
    assert _builder is not None  # `_start` has run
    _builder.build(job)


def _fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(members: Mapping[str, object]) -> bytes:
    return json.dumps(members).encode()
