"""Texts by the thousand that are nearly good: each gives what it means, or the client's error."""

import base64
import json
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import broken

from emosync.errors import EmoSyncError
from emosync.song_features import SongFeatures, read_csv, write_csv
from emosync.sources import from_object, parse_object
from emosync.spotify import parse_playlist
from emosync.tracks import FEATURE_RANGES, parse_tracks
from emosync.video_urls import parse_video_url
from emosync.webhooks import check_webhook_url

N_EXAMPLES = 500
VIDEO, PLAYLIST = "jNQXAC9IVRw", "37i9dQZF1DXcBWIGoYBM5M"
TRACKS = [{"id": "1", "name": "Rain", "features": dict.fromkeys(FEATURE_RANGES, 0.5)}]
FEATURES = SongFeatures(
    np.arange(4) / 2, np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3), ("a", "b", "c")
)
Parsed = TypeVar("Parsed")

many = settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def near(begin: str, *pieces: str) -> st.SearchStrategy[str]:
    """Put pieces of good texts behind each other, with a little of anything in between."""
    anything = st.text(max_size=3)
    rest = st.lists(st.sampled_from(pieces) | anything, max_size=3).map("".join)
    return st.tuples(st.just(begin) | st.sampled_from(pieces) | anything, rest).map("".join)


def tried(parse: Callable[[], Parsed]) -> Parsed | None:
    """Return what is parsed, or None where it is refused as a mistake of the client."""
    try:
        return parse()
    except EmoSyncError as refusal:
        assert 400 <= refusal.status < 500
        return None


HEADS = (
    "data:image/png;base64,",
    "data:",
    "audio/wav",
    "image/png",
    "video/webm",
    ";codecs=opus",
    ";base64,",
    ",",
    ";",
)


@pytest.mark.parametrize("member", ["audio", "image"])
@many
@given(text=near("data:audio/wav;base64,", *HEADS, "UklG", "AAAA", "AA==", "A", "=", "\n", " "))
def test_base64_and_data_urls(member: str, text: str) -> None:
    found = tried(lambda: from_object({member: text}, member=member))
    if found is not None:
        content = "".join(text.rpartition(",")[2].split())
        assert found.data == base64.b64decode(content, validate=True) != b""


@many
@given(body=broken([json.dumps({"tracks": TRACKS * n}).encode() for n in (1, 3)]))
def test_tracks_in_json(body: bytes) -> None:
    found = tried(lambda: parse_tracks(parse_object(body, member="tracks"), ["energy"]))
    for track in found or ():
        assert track.features is not None
        assert "energy" in track.features
        for name, value in track.features.items():
            low, high = FEATURE_RANGES[name]
            assert low <= value <= high


@many
@given(data=broken([write_csv(FEATURES), write_csv(FEATURES).replace(b"\n", b"\r\n")]))
def test_features_of_a_song(data: bytes) -> None:
    found = tried(lambda: read_csv(data, FEATURES.names))
    if found is not None:
        assert np.isfinite(found.values).all()
        assert (np.diff(found.time_s) > 0).all()


PLACES = ("https://", "http://", "//", "/", "?", "#", "&", "@", ":", ":443", "\\", " ", "%2f", ".")


@many
@given(
    url=near(
        f"https://youtu.be/{VIDEO}", *PLACES, "youtu.be", "evil.org", "watch?v=", "shorts/", VIDEO
    )
)
def test_urls_of_videos(url: str) -> None:
    video_id = tried(lambda: parse_video_url(url))
    if video_id is not None:
        assert re.fullmatch("[A-Za-z0-9_-]{11}", video_id)
        assert video_id in url


@many
@given(
    text=near(
        "https://open.spotify.com/playlist/",
        *PLACES,
        "spotify:",
        "open.spotify.com",
        "evil.org",
        "playlist",
        PLAYLIST,
    )
)
def test_links_to_playlists(text: str) -> None:
    playlist = tried(lambda: parse_playlist(text))
    if playlist is not None:
        assert re.fullmatch("[A-Za-z0-9]{22}", playlist)
        assert playlist in text


PRIVATE = (
    "127.0.0.1",
    "[::1]",
    "10.0.0.1",
    "[::ffff:10.0.0.1]",
    "169.254.169.254",
    "[fe80::1%25a]",
)


@many
@given(
    url=near(
        "https://", *PLACES, *PRIVATE, "8.8.8.8", "[2001:4860:4860::8888]", "example.org", ":0"
    )
)
def test_urls_of_webhooks(url: str) -> None:
    if tried(lambda: check_webhook_url(url)) is not None:
        parts = urlsplit(url)
        assert parts.scheme in {"http", "https"}
        assert parts.username is parts.password is None
        assert not {parts.hostname, f"[{parts.hostname}]"} & {*PRIVATE}
