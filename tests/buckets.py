"""A real server that speaks S3, and small ones that fail as S3 and its network do."""

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import quote

SECRET: Final = "secret-of-the-tests"
# moto takes any credentials; boto3 wants to have some.
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": SECRET}
# Keeps what boto3 would find on the developer's machine away from the tests.
NO_CREDENTIALS: Final = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_START_LIMIT_S: Final = 60.0

Respond = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def s3_process(log_path: Path) -> Iterator[str]:
    """Run moto's server on a free port; yields its URL."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield _announced_url(process, log_path)
    finally:
        process.terminate()
        process.wait(30)


def _announced_url(process: subprocess.Popen[bytes], log_path: Path) -> str:
    deadline_s = time.monotonic() + _START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        if found := re.search(r"Running on (http://\S+)", log_path.read_text()):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"moto's server does not start: {log_path.read_text()}")


def fill(url: str, bucket: str, keys: Iterable[str]) -> None:
    """Make a bucket of empty objects; unsigned, in half of the time that boto3 takes."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    for path in ("", *keys):
        connection.request("PUT", f"/{bucket}/{quote(path)}", b"")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, path
    connection.close()


@contextmanager
def answering(respond: Respond) -> Iterator[str]:
    """Run a server that answers every request by a function; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        # boto3 asks for leave to send a body, and waits for a second where nobody gives it.
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            respond(self)

        def do_POST(self) -> None:
            self.do_PUT()

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            respond(self)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusing(status: int, code: str) -> Respond:
    """Refuse every request in S3's words."""
    body = f"<Error><Code>{code}</Code><Message>no</Message><Secret>{SECRET}</Secret></Error>"

    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", "application/xml")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body.encode())

    return respond


class BreakingOff:
    """Serve one object, and break off in the middle of each of the first answers.

    Parameters
    ----------
    data : bytes
        The object.
    n_breaks : int
        How many answers end early; each sends half of what was asked for.
    knows_ranges : bool
        Whether a request for the rest gets the rest, or everything again.
    """

    def __init__(self, data: bytes, *, n_breaks: int, knows_ranges: bool = True) -> None:
        self.data = data
        self.etag = '"first"'
        self.n_breaks = n_breaks
        self.knows_ranges = knows_ranges
        self.ranges: list[str | None] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers["Range"]
        self.ranges.append(wanted)
        if request.headers["If-Match"] not in (None, self.etag):
            refusing(412, "PreconditionFailed")(request)
            return
        begin = int(wanted[6:-1]) if wanted and self.knows_ranges else 0
        body = self.data[begin:]
        request.send_response(206 if begin else 200)
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(body)))
        if begin:
            size = len(self.data)
            request.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        request.end_headers()
        if len(self.ranges) <= self.n_breaks:
            request.wfile.write(body[: len(body) // 2])
            request.close_connection = True
        else:
            request.wfile.write(body)
