"""A real gunicorn, asked over HTTP."""

import csv
import io
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            with self.client() as client:
                yield client
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)


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
