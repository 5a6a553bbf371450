"""What more workers bring, what a clip and a song cost, and what is kept of each."""

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.machine import n_cores
from bench.measure import (
    CLIENTS,
    Load,
    Summary,
    fresh_settings,
    load,
    stage_medians,
    summarise,
)
from bench.music import minute
from bench.one_core import on_one_core
from bench.scale_probe import METHODS
from bench.server import Server, procfile_command, running
from bench.songs import Say, build_library, hear
from bench.ways import RECORDING, Upload

WORKER_COUNTS: Final = (1, 2)
SONG_MINUTES: Final = 4
# Folder of the song itself, beside those of the library.
RECORDINGS: Final = "songs"


@dataclass(frozen=True)
class ScalePlan:
    """How much to measure of scale.

    Attributes
    ----------
    n_rounds, n_crowd : int
        Rounds over the methods, and requests of each in a round.
    n_batches : int
        Rounds over batch sizes.
    """

    n_rounds: int = 3
    n_crowd: int = 300
    n_batches: int = 30


QUICK_SCALE: Final = ScalePlan(n_rounds=1, n_crowd=60, n_batches=2)


@dataclass(frozen=True)
class Scale:
    """Everything that the page shows of scale.

    Attributes
    ----------
    n_cores : int
        Of the machine, for the workers and the clients.
    crowds : dict of (str, int) to Summary
        Several clients, by method and number of workers.
    cpu_s : dict of (str, int) to float
        Processor time of the workers per request.
    row_bytes : float
        What a row of the history adds to the file of SQLite, its indexes included.
    upload_bytes : int
        Size of the clip.
    batches_ms : dict of str to dict of int to float
        Per method and number of clips that go in together: ms per clip.
    song_s : float
        What a core takes from a song of 4 minutes to its sequence.
    song_bytes : dict of str to int
        What the library keeps of it, by kind; the recording among them.
    """

    n_cores: int
    crowds: dict[tuple[str, int], Summary]
    cpu_s: dict[tuple[str, int], float]
    row_bytes: float
    upload_bytes: int
    batches_ms: dict[str, dict[int, float]]
    song_s: float
    song_bytes: dict[str, int]


def measure_scale(plan: ScalePlan, folder: Path, say: Say) -> Scale:
    """Measure one worker, then two; then batches.

    Parameters
    ----------
    plan : ScalePlan
        How much.
    folder : Path
        For the servers' files; made here.
    say : callable
        Gets a line per step.

    Returns
    -------
    Scale
    """
    folder.mkdir()
    crowds: dict[tuple[str, int], Summary] = {}
    cpu_s: dict[tuple[str, int], float] = {}
    row_bytes = 0.0
    for n_workers in WORKER_COUNTS:
        say(f"{CLIENTS} clients, {n_workers} workers")
        data = folder / f"workers{n_workers}"
        environ = {**fresh_settings(data), "WEB_CONCURRENCY": str(n_workers)}
        with running(procfile_command(), environ=environ, log_path=folder / "log") as server:
            for method in METHODS:
                found = _crowd(server, method, plan)
                crowds[method, n_workers], cpu_s[method, n_workers] = found
        row_bytes = _bytes_per_row(data / "emosync.sqlite3")
    say("batches")
    probe = [sys.executable, "-m", "bench.scale_probe", "--rounds", str(plan.n_batches)]
    batches = {
        method: {int(n): ms for n, ms in by_size.items()}
        for method, by_size in on_one_core(probe).items()
    }
    say("a song, and what is kept of it")
    song_s, song_bytes = _song(folder / "one song")
    return Scale(
        n_cores(), crowds, cpu_s, row_bytes, RECORDING.stat().st_size, batches, song_s, song_bytes
    )  # fmt: skip


def _song(folder: Path) -> tuple[float, dict[str, int]]:
    """Hear a song with the clock running, and build a library of it alone."""
    songs, library = folder / RECORDINGS, folder / "library"
    songs.mkdir(parents=True)
    recording = songs / "song.mp3"
    recording.write_bytes(b"".join(minute(seed) for seed in range(SONG_MINUTES)))
    (timing,) = hear(recording, "--warm", "1").timings
    build_library(songs, library)
    kept = [path for path in [recording, *library.rglob("*")] if path.is_file()]
    return (
        stage_medians([timing])["total"] / 1e3,
        {path.parent.name: path.stat().st_size for path in kept},
    )


def _crowd(server: Server, method: str, plan: ScalePlan) -> tuple[Summary, float]:
    """Load the server, and tell what a request costs its workers."""
    upload = Upload(RECORDING, {"method": method})
    load(server, upload, n_requests=4 * CLIENTS, clients=CLIENTS)
    begun_s = server.worker_cpu_s()
    runs: list[Load] = [
        load(server, upload, n_requests=plan.n_crowd, clients=CLIENTS) for _ in range(plan.n_rounds)
    ]
    spent_s = server.worker_cpu_s() - begun_s
    return summarise(runs), spent_s / (plan.n_rounds * plan.n_crowd)


def _bytes_per_row(path: Path) -> float:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (n_rows,) = connection.execute("SELECT count(*) FROM predictions").fetchone()
        # What is empty costs nothing per row: only the pages of this table and its indexes.
        (n_bytes,) = connection.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%predictions%'"
        ).fetchone()
    return float(n_bytes / n_rows)
