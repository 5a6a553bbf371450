"""The measurements of songs: one recording, a library over HTTP, building one, musicnn's way."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from bench.measure import CLIENTS, WORKERS, Load, Summary, fresh_settings, load, summarise
from bench.music import minute
from bench.one_core import on_one_core, try_on_one_core
from bench.server import ROOT, Server, bucket_command, procfile_command, running
from bench.ways import Get, Upload

SONG_ID: Final = "song"
SONG_MINUTES: Final = 4
BUCKET: Final = "emosync-bench"
# moto takes any credentials; boto3 wants to have some.
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
REGION: Final = "us-east-1"
# Kept from one run to the next: the wheel that holds musicnn's weights.
CACHE: Final = ROOT / "build" / "bench" / "musicnn"

Say = Callable[[str], None]


@dataclass(frozen=True)
class SongPlan:
    """How much to measure of songs.

    Attributes
    ----------
    n_heard : int
        Rounds of the 4-minute recording, after one that is not counted.
    long_minutes : int
        Length of the recording whose memory is measured; a multiple of 4.
    n_steps : int
        Steps of the curve that is processed; 14,400 are 2 h.
    n_rounds : int
        Rounds over the ways of asking.
    n_alone, n_crowd : int
        Requests for finished sequences per round, from one client and from several.
    n_computed : int
        Requests per round that compute.
    library_sizes : tuple of int
        Excerpts of a minute, in two libraries.
    n_builds : int
        Times that each library is built.
    n_patches : int
        Patches of 3 s in musicnn's own way.
    """

    n_heard: int = 10
    long_minutes: int = 60
    n_steps: int = 14_400
    n_rounds: int = 5
    n_alone: int = 400
    n_crowd: int = 4_000
    n_computed: int = 10
    library_sizes: tuple[int, int] = (20, 40)
    n_builds: int = 3
    n_patches: int = 40


QUICK_SONGS: Final = SongPlan(
    n_heard=2, long_minutes=8, n_rounds=2, n_alone=50, n_crowd=400, n_computed=2,
    library_sizes=(4, 8), n_builds=1, n_patches=4,
)  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """A recording that went to its sequence on one core, in a process of its own.

    Attributes
    ----------
    ready_mb, peak_mb : float
        Memory with the models loaded, and its peak.
    duration_s : float
        Of the recording.
    timings : list of str
        Server-Timing headers, one per round.
    processed_ms : list of float
        What a curve of 2 h took to its sequence, per round.
    """

    ready_mb: float
    peak_mb: float
    duration_s: float
    timings: list[str]
    processed_ms: list[float]


@dataclass(frozen=True)
class PlainSong:
    """What musicnn's own way took on one core.

    Attributes
    ----------
    model : str
        Whose weights.
    load_s, log_mel_s : float
        For the whole recording.
    patches_ms : list of float
        Per patch of 3 s.
    """

    model: str
    load_s: float
    log_mel_s: float
    patches_ms: list[float]


@dataclass(frozen=True)
class Songs:
    """Everything that the page shows of songs.

    Attributes
    ----------
    heard, long : Heard
        The 4-minute recording, and the one whose memory counts.
    alone, crowd : dict of str to Summary
        Per way of asking: one client; several, for finished sequences only.
    builds_s : dict of int to list of float
        Per number of songs, what building the library took.
    plain : PlainSong or None
        None where it was not measured.
    plain_reason : str
        Why not.
    """

    heard: Heard
    long: Heard
    alone: dict[str, Summary]
    crowd: dict[str, Summary]
    builds_s: dict[int, list[float]]
    plain: PlainSong | None
    plain_reason: str


def measure_songs(plan: SongPlan, folder: Path, plain_python: str | None, say: Say) -> Songs:
    """Measure everything about songs.

    Parameters
    ----------
    plan : SongPlan
        How much.
    folder : Path
        Made here, for recordings and libraries.
    plain_python : str or None
        Interpreter that has TensorFlow and librosa; None leaves musicnn's own way out.
    say : callable
        Gets a line per step.

    Returns
    -------
    Songs
    """
    say("songs: making the recordings")
    song, minutes = make_recordings(folder, plan.long_minutes // SONG_MINUTES)
    say(f"songs: {SONG_MINUTES} min to a sequence, {plan.n_heard} times")
    heard = hear(song, "--warm", "1", "--rounds", str(plan.n_heard), "--steps", str(plan.n_steps))
    say(f"songs: memory of {plan.long_minutes} min")
    long = hear(folder / "long.mp3")
    builds_s = {n: build(folder, minutes, n, plan.n_builds, say) for n in plan.library_sizes}
    library = finish_library(folder, song, max(plan.library_sizes))
    alone, crowd = ask(plan, folder, library, song, say)
    plain, reason = None, "left out"
    if plain_python is not None:
        say("songs: musicnn's own way")
        plain, reason = try_plain(plain_python, song, plan.n_patches)
    return Songs(heard, long, alone, crowd, builds_s, plain, reason)


def make_recordings(folder: Path, n_repeats: int) -> tuple[Path, list[bytes]]:
    """Write song.mp3 of 4 minutes, and long.mp3, which repeats it; give the minutes as well."""
    folder.mkdir(parents=True)
    minutes = [minute(seed) for seed in range(SONG_MINUTES)]
    song = folder / f"{SONG_ID}.mp3"
    song.write_bytes(b"".join(minutes))
    (folder / "long.mp3").write_bytes(song.read_bytes() * n_repeats)
    return song, minutes


def hear(path: Path, *options: str) -> Heard:
    """Run `bench.song_probe` on one core."""
    command = [sys.executable, "-m", "bench.song_probe", "--file", str(path), *options]
    return Heard(**on_one_core(command))


def try_plain(python: str, song: Path, n_patches: int) -> tuple[PlainSong | None, str]:
    """Run `bench.song_plain` on one core; where it does not run, say why."""
    command = [python, "-m", "bench.song_plain", "--file", str(song)]
    command += ["--cache", str(CACHE), "--patches", str(n_patches)]
    found, reason = try_on_one_core(command)
    return (PlainSong(**found) if found else None), reason


def build(folder: Path, minutes: Sequence[bytes], n: int, n_builds: int, say: Say) -> list[float]:
    """Build a library of `n` excerpts of a minute, some of them alike, a few times over."""
    say(f"songs: building a library of {n}, {n_builds} times")
    excerpts = folder / f"excerpts-{n}"
    excerpts.mkdir()
    for number in range(n):
        (excerpts / f"excerpt-{number:03}.mp3").write_bytes(minutes[number % len(minutes)])
    return [build_library(excerpts, folder / f"library-{n}") for _ in range(n_builds)]


def build_library(songs: Path, library: Path) -> float:
    """Build what is there as well, in the processes of the real command; give the seconds."""
    command = [sys.executable, "train_model.py", "library", "build", str(songs), "--force"]
    environ = {**os.environ, "LIBRARY_PATH": str(library), "S3_BUCKET_NAME": ""}
    begun_s = time.perf_counter()
    subprocess.run(
        [*command, "--workers", str(WORKERS)],
        check=True, capture_output=True, cwd=ROOT, env=environ,
    )  # fmt: skip
    return time.perf_counter() - begun_s


def finish_library(folder: Path, song: Path, n: int) -> Path:
    """Add the 4-minute recording and what is made of it to the library of `n` excerpts."""
    library, only = folder / f"library-{n}", folder / "only"
    only.mkdir()
    (only / song.name).write_bytes(song.read_bytes())
    build_library(only, library)
    (library / "SONGS").mkdir()
    (library / "SONGS" / song.name).write_bytes(song.read_bytes())
    return library


def ask(
    plan: SongPlan, folder: Path, library: Path, song: Path, say: Say
) -> tuple[dict[str, Summary], dict[str, Summary]]:
    """Measure a folder and a bucket that hold the same library."""
    finished = Get(
        [
            f"/predict?song_id={path.stem}&method=precalculated"
            for path in sorted((library / "COMPLETED PLAYBACK STRINGS").iterdir())
        ]
    )
    computed: Mapping[str, Get | Upload] = {
        "`tensorflow`, by id": Get([f"/predict?song_id={SONG_ID}&method=tensorflow"]),
        "`audio`, by id": Get([f"/predict?song_id={SONG_ID}&method=audio"]),
        "uploaded": Upload(song, {"task": "song"}),
    }
    environ = fresh_settings(folder / "with-folder") | {"LIBRARY_PATH": str(library)}
    with running(procfile_command(), environ=environ, log_path=folder / "log") as server:
        ways = {"`precalculated`, from the folder": finished}
        alone, crowd = _rounds(server, plan, ways, computed, say)
    with (
        bucket(library, folder) as access,
        running(
            procfile_command(),
            environ=fresh_settings(folder / "with-bucket") | access,
            log_path=folder / "log",
        ) as server,
    ):
        ways = {"`precalculated`, from a bucket's copies": finished}
        alone_too, crowd_too = _rounds(server, plan, ways, {}, say)
    return {**alone_too, **alone}, {**crowd_too, **crowd}


def _rounds(
    server: Server,
    plan: SongPlan,
    finished: Mapping[str, Get],
    computed: Mapping[str, Get | Upload],
    say: Say,
) -> tuple[dict[str, Summary], dict[str, Summary]]:
    """Warm up, then go round the ways of asking."""
    alone: dict[str, list[Load]] = {name: [] for name in chain(finished, computed)}
    crowd: dict[str, list[Load]] = {name: [] for name in finished}
    for what in finished.values():
        # Every worker has a copy of every sequence by then.
        load(server, what, n_requests=10 * len(what.paths), clients=CLIENTS)
    for way in computed.values():
        load(server, way, n_requests=2 * WORKERS, clients=2 * WORKERS)
    for number in range(1, plan.n_rounds + 1):
        say(f"songs: round {number} of {plan.n_rounds}: {', '.join(alone)}")
        for name, what in finished.items():
            alone[name].append(load(server, what, n_requests=plan.n_alone))
            crowd[name].append(load(server, what, n_requests=plan.n_crowd, clients=CLIENTS))
        for name, way in computed.items():
            alone[name].append(load(server, way, n_requests=plan.n_computed))
    return (
        {name: summarise(runs) for name, runs in alone.items()},
        {name: summarise(runs) for name, runs in crowd.items()},
    )


@contextmanager
def bucket(library: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Run a server that speaks S3 and holds the library; yields the settings to reach it."""
    with running(
        bucket_command(), environ={}, log_path=folder / "s3.log", ready_path="/moto-api/data.json"
    ) as server:
        url = f"http://127.0.0.1:{server.port}"
        _fill(url, library)
        yield {
            "S3_BUCKET_NAME": BUCKET,
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": REGION,
            **CREDENTIALS,
        }


def _fill(url: str, library: Path) -> None:
    """Copy a library to a new bucket."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=BUCKET)
    for path in filter(Path.is_file, library.rglob("*")):
        key = path.relative_to(library).as_posix()
        client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
