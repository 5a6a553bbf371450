"""The order of the measurements."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench import machine
from bench.faces import QUICK_FACES, FacePlan, Faces, measure_faces
from bench.genres import QUICK_GENRES, GenrePlan, Genres, measure_genres
from bench.load import BOUNDARY, multipart
from bench.measure import (
    CLIENTS,
    WORKERS,
    Load,
    Soak,
    Summary,
    ask_once,
    load,
    mean_worker_memory_mb,
    soak,
    summarise,
)
from bench.moods import QUICK_MOODS, MoodPlan, Moods, measure_moods
from bench.scale import QUICK_SCALE, Scale, ScalePlan, measure_scale
from bench.server import Server, StartError, plain_command, procfile_command, running
from bench.songs import QUICK_SONGS, Say, SongPlan, Songs, measure_songs
from bench.ways import RECORDING, Upload


@dataclass(frozen=True)
class Plan:
    """How much to measure.

    Attributes
    ----------
    n_starts : int
        Starts after the one that warms the file cache.
    n_rounds : int
        Rounds over all methods, so that a slow minute does not fall on one method.
    n_alone, n_crowd : int
        Requests per round and method, from one client and from several.
    n_parts, n_part : int
        Parts of the long run, and requests in each.
    n_drawn : int
        Pictures and reports.
    n_plain : int
        Requests to the plain server per round.
    songs, genres, moods, faces, scale : SongPlan, GenrePlan, MoodPlan, FacePlan, ScalePlan
        What is measured of each.
    """

    n_starts: int = 5
    n_rounds: int = 5
    n_alone: int = 100
    n_crowd: int = 300
    n_parts: int = 5
    n_part: int = 1000
    n_drawn: int = 12
    n_plain: int = 16
    songs: SongPlan = field(default_factory=SongPlan)
    genres: GenrePlan = field(default_factory=GenrePlan)
    moods: MoodPlan = field(default_factory=MoodPlan)
    faces: FacePlan = field(default_factory=FacePlan)
    scale: ScalePlan = field(default_factory=ScalePlan)


QUICK: Final = Plan(
    n_starts=1, n_rounds=2, n_alone=20, n_crowd=40, n_parts=2, n_part=100, n_drawn=4, n_plain=4,
    songs=QUICK_SONGS, genres=QUICK_GENRES, moods=QUICK_MOODS, faces=QUICK_FACES,
    scale=QUICK_SCALE,
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What was measured of one server.

    Attributes
    ----------
    starts_s : list of float
        From starting the process to the first 200 of /ready.
    idle_mb, busy_mb : float
        Resident memory of a worker when ready, and after its share of the requests.
    alone, crowd : dict of str to Summary
        Per method: one client, several clients.
    """

    starts_s: list[float]
    idle_mb: float
    busy_mb: float
    alone: dict[str, Summary]
    crowd: dict[str, Summary]


@dataclass(frozen=True)
class Drawn:
    """Pictures and reports, each asked for once after a prediction of its own.

    Attributes
    ----------
    pictures_ms, reports_ms : list of float
        Latency; a worker's first picture also loads matplotlib, its first report reportlab.
    memory_mb : float
        Resident memory of the largest worker afterwards.
    """

    pictures_ms: list[float]
    reports_ms: list[float]
    memory_mb: float


@dataclass(frozen=True)
class Results:
    """Everything that BENCHMARKS.md shows."""

    plan: Plan
    facts: Mapping[str, str]
    load_before: float
    default_method: str
    ours: Measured
    long_run: Soak
    drawn: Drawn
    plain: Measured | None
    plain_reason: str
    songs: Songs
    genres: Genres
    moods: Moods
    faces: Faces
    scale: Scale


def run(plan: Plan, *, plain_python: str, plain_model: Path | None, say: Say) -> Results:
    """Measure the service, then the plain way on the same machine.

    Parameters
    ----------
    plan : Plan
        How much.
    plain_python : str
        Interpreter that has TensorFlow and librosa.
    plain_model : Path or None
        A native Keras model; None leaves the plain way out.
    say : callable
        Gets a line per step.

    Returns
    -------
    Results
    """
    load_before = machine.load_average()
    with tempfile.TemporaryDirectory(prefix="emosync-bench-") as folder:
        ours, long_run, drawn, default_method = _measure_ours(plan, Path(folder), say)
        plain, reason = None, "left out, or the native model of `cnn` is not there"
        if plain_model is not None:
            plain, reason = _try_plain(plan, Path(folder), plain_python, plain_model, say)
        python = plain_python if plain_model is not None else None
        songs = measure_songs(plan.songs, Path(folder) / "songs", python, say)
        genres = measure_genres(plan.genres, Path(folder) / "genres", python, say)
        moods = measure_moods(plan.moods, Path(folder) / "moods", say)
        faces = measure_faces(plan.faces, Path(folder) / "faces", say)
        scale = measure_scale(plan.scale, Path(folder) / "scale", say)
    return Results(
        plan=plan, facts=machine.describe(), load_before=load_before,
        default_method=default_method, ours=ours, long_run=long_run, drawn=drawn,
        plain=plain, plain_reason=reason, songs=songs, genres=genres, moods=moods, faces=faces,
        scale=scale,
    )  # fmt: skip


def _measure_ours(plan: Plan, folder: Path, say: Say) -> tuple[Measured, Soak, Drawn, str]:
    """Measure the command of the Procfile, with a database and uploads of its own."""
    environ = {
        "WEB_CONCURRENCY": str(WORKERS),
        "DATA_PATH": str(folder / "data"),
        "VISUALIZATIONS_PATH": str(folder / "visualizations"),
        "DATABASE_URL": "",
    }
    with _served(procfile_command(), environ, folder / "ours.log", plan, say) as (server, starts_s):
        default_method, methods = _methods(server)
        measured = _measure(server, starts_s, methods, plan, say)
        say(f"long run: {plan.n_parts} x {plan.n_part} requests, {default_method}")
        long_run = soak(
            server, Upload(RECORDING), parts=plan.n_parts, n_part=plan.n_part, clients=CLIENTS
        )
        say("pictures and reports")
        drawn = _draw(server, plan.n_drawn)
    return measured, long_run, drawn, default_method


def _try_plain(
    plan: Plan, folder: Path, python: str, model: Path, say: Say
) -> tuple[Measured | None, str]:
    """Measure the plain way; where it does not start, say why and go on."""
    scratch = folder / "plain"
    scratch.mkdir()
    environ = {
        "BENCH_PLAIN_MODEL": str(model.resolve()),
        "BENCH_PLAIN_PATH": str(scratch),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    plain_plan = Plan(
        n_starts=min(2, plan.n_starts), n_rounds=min(3, plan.n_rounds),
        n_alone=plan.n_plain, n_crowd=plan.n_plain,
    )  # fmt: skip
    log_path = folder / "plain.log"
    try:
        with _served(plain_command(python), environ, log_path, plain_plan, say) as served:
            return _measure(*served, {"plain": None}, plain_plan, say), ""
    except StartError as exc:
        last = log_path.read_text(errors="replace").strip().splitlines()[-3:]
        return None, " / ".join([str(exc), *last])


@contextmanager
def _served(
    command: str, environ: Mapping[str, str], log_path: Path, plan: Plan, say: Say
) -> Iterator[tuple[Server, list[float]]]:
    """Start the server several times for the start's sake; the last one stays."""
    say(f"starting {plan.n_starts + 1} times: {command}")
    starts_s = []
    for _ in range(plan.n_starts):
        with running(command, environ=environ, log_path=log_path) as server:
            starts_s.append(server.ready_s)
    with running(command, environ=environ, log_path=log_path) as server:
        # The first start only warmed the file cache.
        yield server, [*starts_s[1:], server.ready_s]


def _measure(
    server: Server,
    starts_s: list[float],
    methods: Mapping[str, str | None],
    plan: Plan,
    say: Say,
) -> Measured:
    """Warm up, then go round the methods, alone and in a crowd."""
    idle_mb = mean_worker_memory_mb(server)
    alone: dict[str, list[Load]] = {name: [] for name in methods}
    crowd: dict[str, list[Load]] = {name: [] for name in methods}
    uploads = {
        name: Upload(RECORDING, {"method": method} if method else {})
        for name, method in methods.items()
    }
    for upload in uploads.values():
        load(server, upload, n_requests=4 * WORKERS, clients=2 * WORKERS)
    for number in range(1, plan.n_rounds + 1):
        say(f"round {number} of {plan.n_rounds}: {', '.join(methods)}")
        for name, upload in uploads.items():
            alone[name].append(load(server, upload, n_requests=plan.n_alone))
            crowd[name].append(load(server, upload, n_requests=plan.n_crowd, clients=CLIENTS))
    return Measured(
        starts_s=starts_s,
        idle_mb=idle_mb,
        busy_mb=mean_worker_memory_mb(server),
        alone={name: summarise(runs) for name, runs in alone.items()},
        crowd={name: summarise(runs) for name, runs in crowd.items()},
    )


def _draw(server: Server, n_drawn: int) -> Drawn:
    """Ask for the picture and the report of predictions that nobody has drawn yet."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    pictures_ms, reports_ms = [], []
    for _ in range(n_drawn):
        _, body = ask_once(server, "POST", "/predict", multipart(RECORDING, {}), headers)
        answer = json.loads(body)
        # The picture first: a report needs it, and shall be measured without it.
        pictures_ms.append(ask_once(server, "GET", _path(answer["visualization"]))[0])
        reports_ms.append(ask_once(server, "GET", _path(answer["report"]))[0])
    return Drawn(pictures_ms, reports_ms, max(server.worker_memory_mb()))


def _methods(server: Server) -> tuple[str, dict[str, str | None]]:
    """Ask the server for the method in force and all methods."""
    info: dict[str, Any] = json.loads(ask_once(server, "GET", "/models/info")[1])
    return info["method"], {name: name for name in info["models"]["speech"]}


def _path(link: str) -> str:
    """Give the path of a link, be it absolute or not."""
    return urlsplit(link).path
