import time
from http.server import BaseHTTPRequestHandler

import pytest
from buckets import Respond, answering

from emosync.errors import TooLarge
from emosync.playlist_errors import PreviewHostRefused, PreviewUnavailable
from emosync.previews import Previews

URL = "https://p.scdn.co/mp3-preview/abc?cid=1"
DATA = bytes(range(256)) * 1000


def serving(data: bytes, status: int = 200, **headers: str) -> Respond:
    def respond(request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/mp3-preview/abc?cid=1"
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return respond


def trickling(request: BaseHTTPRequestHandler) -> None:
    """Send a little at a time, without an end."""
    request.send_response(200)
    request.end_headers()
    request.close_connection = True
    try:
        while True:
            request.wfile.write(b"x" * 100)
            time.sleep(0.05)
    except OSError:
        return


def fetch(respond: Respond, **limits: float) -> bytes:
    with answering(respond) as url:
        return Previews(addresses={"p.scdn.co": url}, **limits).fetch(URL)  # type: ignore[arg-type]


def test_a_preview_is_fetched() -> None:
    assert fetch(serving(DATA)) == DATA


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "http://p.scdn.co/mp3-preview/abc",
        "https://p.scdn.co:8443/mp3-preview/abc",
        "https://p.scdn.co:none/mp3-preview/abc",
        "https://p.scdn.co.evil.example/abc",
        "https://evil.example/p.scdn.co",
        "https://p.scdn.co@evil.example/abc",
        "https://pxscdn.co/abc",
        "https://127.0.0.1/abc",
        "https://[::1/abc",
        "https://169.254.169.254/latest/meta-data",
        "https://cdns-preview-x.evil.example.dzcdn.net/abc",
    ],
)
def test_other_places_are_never_asked(url: str) -> None:
    with pytest.raises(PreviewHostRefused, match="https") as refusal:
        Previews().fetch(url)
    assert "[" not in refusal.value.message


@pytest.mark.parametrize(
    "host", ["p.scdn.co", "audio-ssl.itunes.apple.com", "cdns-preview-d.dzcdn.net", "P.SCDN.CO"]
)
def test_the_services_own_hosts_are_asked(host: str) -> None:
    with answering(serving(DATA)) as url:
        previews = Previews(addresses={host.lower(): url})
        assert previews.fetch(f"https://{host}/mp3-preview/abc?cid=1") == DATA


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(PreviewUnavailable, match="302"):
        fetch(serving(b"", 302, Location="http://127.0.0.1:9/"))


def test_a_preview_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(PreviewUnavailable, match="404"):
        fetch(serving(b"no", 404))


def test_a_large_file_is_not_read_to_its_end() -> None:
    with pytest.raises(TooLarge, match=r"0\.1 MB"):
        fetch(serving(DATA), max_bytes=100_000)


def test_a_file_that_ends_early_is_not_taken() -> None:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"x")
        request.close_connection = True

    with pytest.raises(PreviewUnavailable):
        fetch(respond)


def test_a_host_that_trickles_or_keeps_silent_is_left() -> None:
    begun_s = time.monotonic()
    with pytest.raises(PreviewUnavailable, match="in time"):
        fetch(trickling, max_duration_s=0.3)
    with pytest.raises(PreviewUnavailable):
        fetch(lambda _: time.sleep(1), timeout_s=0.2)
    assert time.monotonic() - begun_s < 5


def test_a_host_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(PreviewUnavailable):
        Previews(addresses={"p.scdn.co": "http://127.0.0.1:9"}).fetch(URL)
