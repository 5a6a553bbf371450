"""A site of videos on this machine, which yt-dlp reads by its extractor for any page."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Final

from buckets import Respond, answering

from emosync.video_download import VideoSite

ID: Final = "dQw4w9WgXcQ"
_HANGING_S: Final = 60.0
_BLOCK: Final = bytes(1 << 16)


@dataclass
class Page:
    """What the page of a video says; None leaves it out."""

    title: str | None = "A song"
    duration: str | None = "PT4S"
    media: str = "/media.wav"
    status: int = 200
    asked: list[str] = field(default_factory=list)
    cookies: list[str | None] = field(default_factory=list)

    def html(self, host: str) -> bytes:
        media = self.media if ":" in self.media else f"http://{host}{self.media}"
        members = {"name": self.title, "duration": self.duration, "contentUrl": media}
        stated = {name: value for name, value in members.items() if value is not None}
        described = {"@context": "https://schema.org", "@type": "VideoObject", **stated}
        return f'<html><script type="application/ld+json">{json.dumps(described)}</script>'.encode()


@contextmanager
def video_site(page: Page, media: Respond) -> Iterator[VideoSite]:
    """Serve the page of one video and its media; no request for it gets a second hand."""

    def respond(request: BaseHTTPRequestHandler) -> None:
        page.asked.append(request.path)
        page.cookies.append(request.headers["Cookie"])
        with suppress(OSError):  # the child was killed, or has heard enough
            if request.path.endswith(f"/watch/{ID}"):
                send(request, page.html(request.headers["Host"]), "text/html", page.status)
            else:
                media(request)
        request.close_connection = True

    with answering(respond) as url:
        yield VideoSite(lambda video_id: f"{url}/watch/{video_id}", "generic")


def send(
    request: BaseHTTPRequestHandler, body: bytes, kind: str, status: int = 200, **headers: str
) -> None:
    start(request, kind, status, **{"Content-Length": str(len(body)), **headers})
    request.wfile.write(body)


def start(request: BaseHTTPRequestHandler, kind: str, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content-Type": kind, "Connection": "close", **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()


def sending(body: bytes, kind: str = "audio/wav", status: int = 200, **headers: str) -> Respond:
    return lambda request: send(request, body, kind, status, **headers)


def endless(request: BaseHTTPRequestHandler) -> None:
    """Send zeros as fast as they are taken, for as long as anybody takes them."""
    start(request, "audio/wav")
    while True:
        request.wfile.write(_BLOCK)


def slow(request: BaseHTTPRequestHandler) -> None:
    """Send so little at a time that the socket never gets tired of waiting."""
    start(request, "audio/wav", Content_Length="1000000")
    for _ in range(round(_HANGING_S / 0.05)):
        request.wfile.write(b"\0")
        time.sleep(0.05)


def silent(request: BaseHTTPRequestHandler) -> None:
    """Take the request and say nothing."""
    time.sleep(_HANGING_S)


def breaking_off(promised: int, sent: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Promise more than is sent, every time."""

    def respond(request: BaseHTTPRequestHandler) -> None:
        start(request, "audio/wav", Content_Length=str(promised))
        request.wfile.write(sent)

    return respond
