"""Clients that ask again and again; a process of its own.

Prints one JSON object: the wall time and, per request, its latency, its status and the
server's own account of it (the Server-Timing header). It is kept lean because it shares
the cores with the server that it measures.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import click

BOUNDARY: Final = "emosync-bench-5f1d0e"
# Now and then a new connection, so that no worker is stuck with most of the clients.
REQUESTS_PER_CONNECTION: Final = 25


@dataclass
class Log:
    """What happened; lists in the order in which answers came.

    Attributes
    ----------
    latencies_ms : list of float
        From sending a request to the last byte of its answer.
    statuses : list of int
        HTTP status, or 0 where the connection failed.
    timings : list of str
        Server-Timing headers.
    """

    latencies_ms: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    timings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ask:
    """One kind of request: posted where it has a body.

    Attributes
    ----------
    path : str
        With its query.
    body : bytes, optional
        From `multipart`, or JSON.
    content_type : str
        Of the body.
    """

    path: str
    body: bytes | None = None
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}"

    def send(self, connection: http.client.HTTPConnection) -> None:
        """Send it."""
        if self.body is None:
            connection.request("GET", self.path)
        else:
            headers = {"Content-Type": self.content_type}
            connection.request("POST", self.path, self.body, headers)


def multipart(path: Path, form: Mapping[str, str], *, part: str = "file") -> bytes:
    """Build the body of an upload with the field `part` and those of a form."""
    parts = [_part(f'name="{part}"; filename="{path.name}"', path.read_bytes())]
    parts += [_part(f'name="{name}"', value.encode()) for name, value in form.items()]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def ask_again_and_again(port: int, asks: Sequence[Ask], n_requests: int, log: Log) -> None:
    """Send `n_requests`, going round the kinds, one after the other; note each in `log`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for number, ask in enumerate(islice(cycle(asks), n_requests)):
        if number % REQUESTS_PER_CONNECTION == 0:
            connection.close()
        started_s = time.perf_counter()
        try:
            ask.send(connection)
            answer = connection.getresponse()
            answer.read()
            status, timing = answer.status, answer.headers.get("Server-Timing", "")
        except (OSError, http.client.HTTPException):
            connection.close()
            status, timing = 0, ""
        log.latencies_ms.append(1e3 * (time.perf_counter() - started_s))
        log.statuses.append(status)
        log.timings.append(timing)
    connection.close()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--file", "path", type=click.Path(path_type=Path), help="Uploaded to /predict.")
@click.option("--part", default="file", help="Field of the file.")
@click.option("--form", multiple=True, help="name=value, beside the file.")
@click.option("--post", "post_path", help="Instead of a file: where JSON is posted to.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Holds that JSON.")
@click.option("--get", "paths", multiple=True, help="Instead of either: asked for in turn.")
@click.option("--clients", type=int, default=1)
@click.option("--requests", "n_requests", type=int, required=True, help="In all, over the clients.")
def main(
    port: int,
    path: Path | None,
    part: str,
    form: tuple[str, ...],
    post_path: str | None,
    json_path: Path | None,
    paths: tuple[str, ...],
    clients: int,
    n_requests: int,
) -> None:
    """Upload a file, post JSON, or ask for paths, from several clients at once."""
    asks = [Ask(path) for path in paths]
    if path is not None:
        fields = dict(pair.split("=", 1) for pair in form)
        asks.append(Ask("/predict", multipart(path, fields, part=part)))
    if post_path is not None and json_path is not None:
        asks.append(Ask(post_path, json_path.read_bytes(), "application/json"))
    log = Log()
    shares = [n_requests // clients + (k < n_requests % clients) for k in range(clients)]
    threads = [
        threading.Thread(target=ask_again_and_again, args=(port, asks, share, log))
        for share in shares
    ]
    started_s, cpu_s = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - started_s
    used = {"wall_s": wall_s, "cpu_s": time.process_time() - cpu_s}
    json.dump({**used, **asdict(log)}, sys.stdout)


if __name__ == "__main__":
    main()
