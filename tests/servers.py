"""Real PostgreSQL, Redis and RabbitMQ, each in a folder of its own and on a free port."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from bench.server import free_port

_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 30.0
_POLL_S: Final = 0.02
# Debian keeps these away from the PATH.
_FOLDERS: Final = ("/usr/lib/postgresql/*/bin", "/usr/lib/rabbitmq/bin")


class LocalServer:
    """A server that tests may stop, kill and start again.

    Parameters
    ----------
    command : sequence of str
        Starts it in the foreground.
    folder : Path
        Gets its log.
    port : int
        Of 127.0.0.1, where it listens.
    url : str
        What clients connect to.
    is_ready : callable
        Tells whether it answers.
    user : str, optional
        Whom it runs as; by default whoever runs the tests.
    environ : mapping of str to str
        Added to the environment.
    stop_signal : int
        Ends it in good order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        port: int,
        url: str,
        is_ready: Callable[[], bool],
        user: str | None = None,
        environ: Mapping[str, str] | None = None,
        stop_signal: int = signal.SIGTERM,
    ) -> None:
        self._command = command
        self._log_path = folder / "log"
        self._is_ready = is_ready
        self._user = user
        self._environ = {**os.environ, **(environ or {})}
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.url = url

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, user=self._user, env=self._environ, cwd=self._log_path.parent,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline_s = time.monotonic() + _START_LIMIT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                log_text = self._log_path.read_text(errors="replace")
                raise RuntimeError(f"{self._command[0]} does not start: {log_text}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it in good order."""
        self._end(self._stop_signal, whole_group=False)

    def kill(self) -> None:
        """End it as if the power had failed."""
        self._end(signal.SIGKILL, whole_group=True)

    def restart(self) -> None:
        """Stop it and start it again, with what it kept on disk."""
        self.stop()
        self.start()

    def _end(self, number: int, *, whole_group: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            (os.killpg if whole_group else os.kill)(process.pid, number)
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Postgres(LocalServer):
    """PostgreSQL, with as many databases as tests ask for."""

    _numbers: Final = count()

    def new_database(self) -> str:
        """Make an empty database; returns its URL."""
        name = f"tests_{next(self._numbers)}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return f"{self.url}/{name}"


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Run PostgreSQL; it forgets nothing at a restart."""
    initdb, postgres = _program("initdb", "postgresql"), _program("postgres", "postgresql")
    port = free_port()
    user = _unprivileged_user("postgres")
    with _folder(user) as folder:
        data = folder / "data"
        subprocess.run(
            [initdb, "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=user, cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        server = Postgres(
            # Without fsync a power cut loses data, and the death of the process does not.
            [postgres, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder),
             "-c", "fsync=off", "-c", "max_connections=200"],
            folder=folder, port=port, url=f"postgresql://tests@127.0.0.1:{port}", user=user,
            # At once, without a checkpoint: it recovers what was committed when it starts again.
            is_ready=lambda: _postgres_answers(port), stop_signal=signal.SIGQUIT,
        )  # fmt: skip
        with _running(server):
            yield server


@contextmanager
def redis_process() -> Iterator[LocalServer]:
    """Run Redis; it keeps nothing on disk, so a restart loses every message."""
    program = _program("redis-server", "redis-server")
    port = free_port()
    with _folder(None) as folder:
        server = LocalServer(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
             "--save", "", "--appendonly", "no"],
            folder=folder, port=port, url=f"redis://127.0.0.1:{port}/0",
            is_ready=lambda: _says(port, b"PING\r\n", b"+PONG"),
        )  # fmt: skip
        with _running(server):
            yield server


@contextmanager
def rabbitmq_process() -> Iterator[LocalServer]:
    """Run RabbitMQ; it forgets no durable queue at a restart."""
    program, epmd = _program("rabbitmq-server", "rabbitmq-server"), _program("epmd", "erlang-base")
    port, epmd_port = free_port(), free_port()
    with _folder(None) as folder:
        environ = _rabbitmq_environ(folder, port=port, epmd_port=epmd_port)
        mapper = subprocess.Popen([epmd, "-port", str(epmd_port), "-address", "127.0.0.1"])
        try:
            server = LocalServer(
                [program], folder=folder, port=port, url=f"amqp://guest:guest@127.0.0.1:{port}//",
                is_ready=lambda: _says(port, b"AMQP\x00\x00\x09\x01", b"\x01"), environ=environ,
            )  # fmt: skip
            with _running(server):
                yield server
        finally:
            mapper.terminate()
            mapper.wait()


def _rabbitmq_environ(folder: Path, *, port: int, epmd_port: int) -> dict[str, str]:
    (folder / "plugins").write_text("[].\n")
    return {
        # Erlang keeps its cookie in the home folder.
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd_port),
        "RABBITMQ_NODENAME": f"tests{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
    }


@contextmanager
def _running(server: LocalServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def _program(name: str, package: str) -> str:
    """Find a program, where Debian puts it or on the PATH; skip the test without it."""
    places = [str(path) for pattern in _FOLDERS for path in Path("/").glob(pattern[1:])]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ["PATH"]]))
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def _unprivileged_user(name: str) -> str | None:
    """Name whom a server may run as that refuses root; None if we are not root."""
    if os.getuid() != 0:
        return None
    return name if name in {user.pw_name for user in pwd.getpwall()} else "nobody"


@contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    """Make a folder; pytest's own are closed to other users, and long for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="emosync-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder)


def _postgres_answers(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://tests@127.0.0.1:{port}/postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _says(port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(answer)
    except OSError:
        return False
