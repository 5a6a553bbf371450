"""Start a server, wait until it answers, watch its memory, stop it."""

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
START_LIMIT_S: Final = 180.0
POLL_S: Final = 0.005


class StartError(RuntimeError):
    """The server ended or did not become ready in time."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    port : int
        On 127.0.0.1.
    pid : int
        Of gunicorn's master.
    ready_s : float
        From starting the process to the first 200 of /ready.
    """

    port: int
    pid: int
    ready_s: float

    def workers(self) -> list[int]:
        """Give the process ids of the workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def worker_memory_mb(self) -> list[float]:
        """Give the resident memory of every worker, in MB (10^6 bytes)."""
        return [_resident_bytes(pid) / 1e6 for pid in self.workers()]

    def worker_cpu_s(self) -> float:
        """Give the processor time that all workers have used so far, in seconds."""
        return sum(_cpu_s(pid) for pid in self.workers())


@contextmanager
def running(
    command: str, *, environ: Mapping[str, str], log_path: Path, ready_path: str = "/ready"
) -> Iterator[Server]:
    """Run a shell command that serves on `$PORT`, and stop it in the end.

    Parameters
    ----------
    command : str
        Such as the `web` line of the Procfile.
    environ : mapping of str to str
        Added to the environment.
    log_path : Path
        Gets what the server prints.
    ready_path : str
        Answered with 200 as soon as the server is ready.

    Yields
    ------
    Server
        Ready to answer.

    Raises
    ------
    StartError
        If it does not become ready.
    """
    port = free_port()
    # The interpreter's folder first: its gunicorn, not another one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, **environ, "PORT": str(port)}
    with log_path.open("ab") as log:
        started_s = time.perf_counter()
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_ready(process, port, ready_path, started_s + START_LIMIT_S)
        yield Server(port, process.pid, time.perf_counter() - started_s)
    finally:
        _stop(process)


def procfile_command() -> str:
    """Give the command that the Procfile names for `web`."""
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, command = line.partition(":")
        if name.strip() == "web":
            return command.strip().removeprefix("exec ")
    raise StartError("the Procfile has no web process")


def plain_command(python: str) -> str:
    """Give the command that serves the plain way, two workers as well."""
    # The empty file keeps the settings of gunicorn.conf.py away: this is how one starts plainly.
    gunicorn = "-m gunicorn -c /dev/null -w 2 -t 180 -b 127.0.0.1:$PORT bench.plain:app"
    return f"{shlex.quote(python)} {gunicorn}"


def bucket_command() -> str:
    """Give the command of a server that speaks S3."""
    return f"{shlex.quote(sys.executable)} -m moto.server -H 127.0.0.1 -p $PORT"


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str, deadline_s: float
) -> None:
    """Ask every few milliseconds until the answer is 200."""
    while time.perf_counter() < deadline_s:
        if process.poll() is not None:
            raise StartError(f"the server ended with code {process.returncode}")
        if _is_ready(port, path):
            return
        time.sleep(POLL_S)
    raise StartError(f"the server was not ready after {START_LIMIT_S:.0f} s")


def _is_ready(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Give a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cpu_s(pid: int) -> float:
    """Add user and system time, the 14th and 15th of what the kernel tells (proc(5))."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    """Read the resident set from /proc; pages are counted in the second field."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
