"""Rounds of load against a running server, and what they come to."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean, median, quantiles
from types import MappingProxyType
from typing import Final

from bench.server import ROOT, Server
from bench.ways import Way

MEMORY_POLL_S: Final = 0.2
CLIENTS: Final = 8
WORKERS: Final = 2


@dataclass(frozen=True)
class Load:
    """One run of the load generator.

    Attributes
    ----------
    wall_s : float
        From the first request to the last answer.
    cpu_s : float
        Processor time that the clients themselves used.
    latencies_ms : list of float
        Per request.
    statuses : list of int
        HTTP status per request, or 0.
    timings : list of str
        Server-Timing headers.
    """

    wall_s: float
    cpu_s: float
    latencies_ms: list[float]
    statuses: list[int]
    timings: list[str]

    @property
    def errors(self) -> int:
        """Requests that did not get a 200."""
        return sum(status != 200 for status in self.statuses)

    @property
    def rate_per_s(self) -> float:
        """Answers per second."""
        return len(self.statuses) / self.wall_s


@dataclass(frozen=True)
class Summary:
    """Several runs of one kind.

    Attributes
    ----------
    n_requests, errors : int
        Over all runs.
    median_ms, p95_ms : float
        Latency over all requests.
    medians_ms : tuple of float
        Lowest and highest median of a run.
    rate_per_s : float
        Median over the runs.
    rates_per_s : tuple of float
        Lowest and highest.
    client_share : float
        Processor time of the clients as a share of one core.
    stages_ms : dict of str to float
        Median duration of every stage that the server told of.
    """

    n_requests: int
    errors: int
    median_ms: float
    p95_ms: float
    medians_ms: tuple[float, float]
    rate_per_s: float
    rates_per_s: tuple[float, float]
    client_share: float
    stages_ms: dict[str, float]


@dataclass(frozen=True)
class Soak:
    """A long run, in parts.

    Attributes
    ----------
    n_requests, errors : int
        Over all parts.
    memory_mb : list of float
        Median resident memory of all workers together, per part.
    rates_per_s : list of float
        Answers per second, per part.
    """

    n_requests: int
    errors: int
    memory_mb: list[float]
    rates_per_s: list[float]


def load(server: Server, what: Way, *, n_requests: int, clients: int = 1) -> Load:
    """Ask `n_requests` times, from a process of its own.

    Parameters
    ----------
    server : Server
        Ready.
    what : Upload, Get or Post
        What is asked.
    n_requests : int
        Over all clients.
    clients : int
        How many at once.

    Returns
    -------
    Load
    """
    command = [sys.executable, "-m", "bench.load", "--port", str(server.port), *what.options()]
    command += ["--clients", str(clients), "--requests", str(n_requests)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return Load(**json.loads(done.stdout))


def summarise(runs: Sequence[Load]) -> Summary:
    """Pool runs of one kind; the spread is that between the runs."""
    latencies_ms = [latency for run in runs for latency in run.latencies_ms]
    medians_ms = [median(run.latencies_ms) for run in runs]
    rates_per_s = [run.rate_per_s for run in runs]
    return Summary(
        n_requests=len(latencies_ms),
        errors=sum(run.errors for run in runs),
        median_ms=median(latencies_ms),
        p95_ms=quantiles(latencies_ms, n=20)[-1] if len(latencies_ms) > 1 else latencies_ms[0],
        medians_ms=(min(medians_ms), max(medians_ms)),
        rate_per_s=median(rates_per_s),
        rates_per_s=(min(rates_per_s), max(rates_per_s)),
        client_share=sum(run.cpu_s for run in runs) / sum(run.wall_s for run in runs),
        stages_ms=stage_medians([*chain(*(run.timings for run in runs))]),
    )


def fresh_settings(data_path: Path) -> dict[str, str]:
    """Give the settings of a server with an empty history in a folder of its own."""
    return {
        "WEB_CONCURRENCY": str(WORKERS),
        "DATA_PATH": str(data_path),
        "VISUALIZATIONS_PATH": str(data_path / "visualizations"),
        "DATABASE_URL": "",
        "S3_BUCKET_NAME": "",
    }


def go_round(
    server: Server, ways: Mapping[str, Way], *, n_rounds: int, n_requests: int
) -> tuple[dict[str, Summary], dict[str, str]]:
    """Warm up, then go round ways of asking with one client.

    Parameters
    ----------
    server : Server
        Ready.
    ways : mapping of str to Upload, Get or Post
        By name.
    n_rounds, n_requests : int
        Rounds, and requests of each way in each of them.

    Returns
    -------
    measured : dict of str to Summary
        Of the ways that this server knows.
    left_out : dict of str to str
        Of the others, why.
    """
    left_out = {}
    for name, way in ways.items():
        tried = load(server, way, n_requests=2 * WORKERS, clients=2 * WORKERS)
        if 200 not in tried.statuses:
            left_out[name] = f"it was answered with {tried.statuses[0]}"
    runs: dict[str, list[Load]] = {name: [] for name in ways if name not in left_out}
    for _ in range(n_rounds):
        for name, done in runs.items():
            done.append(load(server, ways[name], n_requests=n_requests))
    return {name: summarise(done) for name, done in runs.items()}, left_out


def ask_once(
    server: Server,
    verb: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[float, bytes]:
    """Send one request; give its latency in ms and the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    started_s = time.perf_counter()
    try:
        connection.request(verb, path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{verb} {path} was answered with {answer.status}")
    return 1e3 * (time.perf_counter() - started_s), content


def soak(server: Server, what: Way, *, parts: int, n_part: int, clients: int) -> Soak:
    """Send `parts` times `n_part` requests and watch the memory of each part."""
    runs, memory_mb = [], []
    for _ in range(parts):
        with _watching(server) as samples_mb:
            runs.append(load(server, what, n_requests=n_part, clients=clients))
        memory_mb.append(median(samples_mb))
    return Soak(
        n_requests=parts * n_part,
        errors=sum(run.errors for run in runs),
        memory_mb=memory_mb,
        rates_per_s=[run.rate_per_s for run in runs],
    )


def stage_medians(timings: Sequence[str]) -> dict[str, float]:
    """Read Server-Timing headers, such as "decode;dur=1.2, total;dur=9.8", in ms.

    Parameters
    ----------
    timings : sequence of str
        One per request; empty ones are left out.

    Returns
    -------
    dict of str to float
        Median per stage, in ms, in the order of the headers.
    """
    durations_ms: dict[str, list[float]] = {}
    for entry in chain(*(timing.split(",") for timing in timings if timing)):
        name, _, duration = entry.strip().partition(";dur=")
        durations_ms.setdefault(name, []).append(float(duration))
    return {name: median(values) for name, values in durations_ms.items()}


def mean_worker_memory_mb(server: Server) -> float:
    """Give the resident memory of a worker, averaged over the workers."""
    return fmean(server.worker_memory_mb())


@contextmanager
def _watching(server: Server) -> Iterator[list[float]]:
    """Collect the memory of all workers together, a few times a second."""
    samples_mb = [sum(server.worker_memory_mb())]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(MEMORY_POLL_S):
            samples_mb.append(sum(server.worker_memory_mb()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples_mb
    finally:
        done.set()
        watcher.join()
