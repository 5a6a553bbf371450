"""Clients that post one recording again and again; a process of its own.

Prints one JSON object: the wall time and, per request, its latency, its status and the
server's own account of it (the Server-Timing header). It is kept lean because it shares
the cores with the server that it measures.
"""

import http.client
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
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


def multipart(path: Path, method: str | None) -> bytes:
    """Build the body of an upload with the fields `file` and, if given, `method`."""
    parts = [_part(f'name="file"; filename="{path.name}"', path.read_bytes())]
    if method:
        parts.append(_part('name="method"', method.encode()))
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def post_again_and_again(port: int, body: bytes, n_requests: int, log: Log) -> None:
    """Send `n_requests` one after the other and note each in `log`."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for number in range(n_requests):
        if number % REQUESTS_PER_CONNECTION == 0:
            connection.close()
        started_s = time.perf_counter()
        try:
            connection.request("POST", "/predict", body, headers)
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
@click.option("--file", "path", type=click.Path(path_type=Path), required=True)
@click.option("--method", default=None)
@click.option("--clients", type=int, default=1)
@click.option("--requests", "n_requests", type=int, required=True, help="In all, over the clients.")
def main(port: int, path: Path, method: str | None, clients: int, n_requests: int) -> None:
    """Post a recording from several clients at once."""
    body, log = multipart(path, method), Log()
    shares = [n_requests // clients + (k < n_requests % clients) for k in range(clients)]
    threads = [
        threading.Thread(target=post_again_and_again, args=(port, body, share, log))
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
