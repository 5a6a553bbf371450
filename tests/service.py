"""A real gunicorn, asked over HTTP."""

import csv
import io
import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from document_check import check_over_http

from bench.server import Server, procfile_command, running


@dataclass(frozen=True)
class Service:
    """A running service and where it keeps what it knows."""

    server: Server
    folder: Path

    @property
    def uploads(self) -> set[str]:
        path = self.folder / "uploads"
        return set(os.listdir(path)) if path.exists() else set()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def client(self) -> httpx.Client:
        hooks = {"response": [check_over_http]}
        url = f"http://127.0.0.1:{self.server.port}"
        return httpx.Client(base_url=url, timeout=60, event_hooks=hooks)

    def send(self, data: bytes, name: str = "voice.wav", **form: str) -> httpx.Response:
        """Post a recording over a connection of its own, so that any worker may answer."""
        with self.client() as client:
            return client.post("/predict", files={"file": (name, data)}, data=form)

    def history(self) -> list[dict[str, str]]:
        with self.client() as client:
            return list(csv.DictReader(io.StringIO(client.get("/history?format=csv").text)))

    @contextmanager
    def only(self, worker: int) -> Iterator[httpx.Client]:
        """Let no other worker answer."""
        others = [pid for pid in self.server.workers() if pid != worker]
        self._stop_between_transactions(others)
        try:
            with self.client() as client:
                yield client
        finally:
            _send(signal.SIGCONT, others)

    def _stop_between_transactions(self, workers: Sequence[int]) -> None:
        """Stop workers while none of them holds SQLite's lock, which they look for jobs with."""
        database = self.folder / "emosync.sqlite3"
        for _ in range(100):
            _send(signal.SIGSTOP, workers)
            # On another core a worker goes on for a moment.
            while not all(_is_stopped(pid) for pid in workers):
                time.sleep(0.001)
            if not database.exists() or not _is_locked(database):
                return
            _send(signal.SIGCONT, workers)
            time.sleep(0.05)
        raise AssertionError("the workers never let go of the database")


def _send(number: signal.Signals, processes: Sequence[int]) -> None:
    for pid in processes:
        os.kill(pid, number)


def _is_stopped(pid: int) -> bool:
    """Tell whether a process is at rest: the state follows its name (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _is_locked(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


@contextmanager
def serving(
    folder: Path, *, command: str | None = None, ready_path: str = "/ready", **environ: str
) -> Iterator[Service]:
    settings: Mapping[str, str] = {
        "DATA_PATH": str(folder),
        "VISUALIZATIONS_PATH": str(folder / "visualizations"),
        "WEB_CONCURRENCY": "2",
        **environ,
    }
    command = command or procfile_command()
    log_path = folder / "log"
    with running(command, environ=settings, log_path=log_path, ready_path=ready_path) as server:
        yield Service(server, folder)
