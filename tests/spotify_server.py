"""A server that speaks Spotify's Web API in its old and its present form."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from buckets import answering

from emosync.spotify import Spotify
from emosync.spotify_api import SpotifySettings

PLAYLIST = "3cEYpjA9oz9GiPac4AsH4n"
CLIENT, SECRET, TOKEN = "an-id", "hush-secret", "hush-token"
LARGEST_PAGE = {"items": 50, "tracks": 100}
MEMBER = {"items": "item", "tracks": "track"}


def recorded_track(number: int) -> dict[str, Any]:
    """Make a track as Spotify has it, less what nobody reads."""
    return {
        "album": {"name": f"Album {number}", "type": "album"},
        "artists": [{"name": "One", "type": "artist"}, {"name": "Two", "type": "artist"}],
        "duration_ms": 200_000,
        "id": f"{number:022d}",
        "is_local": False,
        "name": f"Track {number}",
        "preview_url": f"https://p.scdn.co/mp3-preview/{number}",
        "track": True,
        "type": "track",
    }


@dataclass
class SpotifyServer:
    """Spotify, as far as playlists and audio features go.

    Attributes
    ----------
    forms : mapping of str to int
        Status of each form's path; 200 answers with the entries.
    entries : list
        What is in the playlist, each a track or None.
    first : list of (status, headers)
        Answers before the first that is right, to any call but the token's.
    token_status : int
        Of the token's address.
    features : int
        Status of the audio features.
    """

    forms: dict[str, int] = field(default_factory=lambda: {"items": 200, "tracks": 403})
    entries: list[Any] = field(default_factory=lambda: [recorded_track(i) for i in range(3)])
    first: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    token_status: int = 200
    features: int = 403
    delay_s: float = 0.0
    page_of: Callable[[dict[str, Any]], Any] = lambda page: page
    n_tokens: int = 0
    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        self.asked[url.path] += 1
        time.sleep(self.delay_s)
        if url.path == "/api/token":
            return self._token(request)
        assert request.headers["Authorization"] == f"Bearer {TOKEN}-{self.n_tokens}"
        if self.first:
            status, headers = self.first.pop(0)
            return _send(request, status, _error(status), headers)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/v1/audio-features":
            return self._features(request, query)
        for form, status in self.forms.items():
            if url.path == f"/v1/playlists/{PLAYLIST}/{form}":
                return self._page(request, form, status, query)
        return _send(request, 404, _error(404))

    def _token(self, request: BaseHTTPRequestHandler) -> None:
        self.n_tokens += 1
        if self.token_status != 200:
            body = {"error": "invalid_client", "error_description": "Invalid client secret"}
            return _send(request, self.token_status, body)
        token = {"access_token": f"{TOKEN}-{self.n_tokens}", "expires_in": 3600}
        return _send(request, 200, {**token, "token_type": "Bearer"})

    def _page(
        self, request: BaseHTTPRequestHandler, form: str, status: int, query: dict[str, str]
    ) -> None:
        if status != 200:
            return _send(request, status, _error(status))
        offset, limit = int(query["offset"]), int(query["limit"])
        assert limit <= LARGEST_PAGE[form]
        stop = offset + limit
        page = {
            "items": [
                {"added_at": "2026-03-01T00:00:00Z", "is_local": False, MEMBER[form]: entry}
                if entry is None or "is_local_entry" not in entry
                else {"is_local": True, MEMBER[form]: entry}
                for entry in self.entries[offset:stop]
            ],
            "limit": limit,
            # Where it leads, nobody must follow: the token would go along.
            "next": "http://elsewhere.invalid/" if stop < len(self.entries) else None,
            "offset": offset,
            "total": len(self.entries),
        }
        return _send(request, 200, self.page_of(page))

    def _features(self, request: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        if self.features != 200:
            return _send(request, self.features, _error(self.features))
        ids = query["ids"].split(",")
        assert len(ids) <= 100
        known = [{"id": i, "energy": 0.5, "tempo": 120.0, "type": "audio_features"} for i in ids]
        return _send(request, 200, {"audio_features": [None, *known[1:]]})


@contextmanager
def spotify_at(server: SpotifyServer, **settings: Any) -> Iterator[Spotify]:
    """Run the server, and a client that asks it."""
    with answering(server) as url:
        whole: dict[str, Any] = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "max_wait_s": 1.0,
        } | settings
        spotify = Spotify(
            SpotifySettings(**whole, api_url=f"{url}/v1/", token_url=f"{url}/api/token")
        )
        try:
            yield spotify
        finally:
            spotify.close()


def _error(status: int) -> dict[str, Any]:
    return {"error": {"status": status, "message": f"{SECRET} says no"}}


def _send(
    request: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str] | None = None
) -> None:
    data = b"<html>" if body is None else json.dumps(body).encode()
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)
