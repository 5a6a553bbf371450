"""Playlists from a local server that answers as Spotify does and did."""

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from spotify_server import (
    CLIENT,
    PLAYLIST,
    SECRET,
    TOKEN,
    SpotifyServer,
    recorded_track,
    spotify_at,
)

from emosync.errors import EmoSyncError
from emosync.playlist_errors import (
    InvalidPlaylist,
    SpotifyAnswerInvalid,
    SpotifyBusy,
    SpotifyCredentialsRefused,
    SpotifyNotConfigured,
    SpotifyPlaylistClosed,
    SpotifyTimeout,
    SpotifyUnreachable,
    UnknownPlaylist,
)
from emosync.spotify import Spotify, parse_playlist
from emosync.spotify_api import SpotifySettings

ROOT = Path(__file__).parent.parent
PRESENT, OLD = {"items": 200, "tracks": 403}, {"items": 404, "tracks": 200}


@pytest.mark.parametrize(
    "text",
    [
        PLAYLIST,
        f"  {PLAYLIST}\n",
        f"spotify:playlist:{PLAYLIST}",
        f"spotify:user:someone:playlist:{PLAYLIST}",
        f"https://open.spotify.com/playlist/{PLAYLIST}",
        f"http://OPEN.spotify.com/playlist/{PLAYLIST}/?si=abc&nd=1#x",
        f"https://open.spotify.com/intl-de/playlist/{PLAYLIST}?si=abc",
        f"https://open.spotify.com/embed/playlist/{PLAYLIST}",
        f"https://open.spotify.com/user/someone/playlist/{PLAYLIST}",
        f"open.spotify.com/playlist/{PLAYLIST}",
    ],
)
def test_ids_and_links_name_a_playlist(text: str) -> None:
    assert parse_playlist(text) == PLAYLIST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "22 letters"),
        ("short", "22 letters"),
        (PLAYLIST + "a", "22 letters"),
        (f"https://www.deezer.com/playlist/{PLAYLIST}", "not one of Spotify's"),
        (f"https://open.spotify.com.evil.example/playlist/{PLAYLIST}", "not one of Spotify's"),
        (f"https://open.spotify.com@evil.example/playlist/{PLAYLIST}", "not one of Spotify's"),
        (f"https://[broken/playlist/{PLAYLIST}", "link of Spotify"),
        (f"https://open.spotify.com/album/{PLAYLIST}", "something else"),
        (f"https://open.spotify.com/playlist/{PLAYLIST}/../../me", "something else"),
        (f"spotify:track:{PLAYLIST}", "something else"),
        ("https://spotify.link/abcdef", "shortened"),
    ],
)
def test_other_links_are_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidPlaylist, match=why):
        parse_playlist(text)


@pytest.mark.parametrize("forms", [PRESENT, OLD, {"items": 403, "tracks": 200}])
def test_both_forms_of_a_playlist_are_read(forms: dict[str, int]) -> None:
    with spotify_at(SpotifyServer(forms)) as spotify:
        tracks = spotify.playlist_tracks(PLAYLIST)
    assert [track.name for track in tracks] == ["Track 0", "Track 1", "Track 2"]
    first = tracks[0]
    assert (first.id, first.artist, first.album) == ("0" * 22, "One, Two", "Album 0")
    assert first.preview_url == "https://p.scdn.co/mp3-preview/0"
    assert first.features is None


def test_the_present_path_may_still_name_its_entries_as_before() -> None:
    server = SpotifyServer()
    server.page_of = lambda page: {"items": [{"track": recorded_track(7)}], "next": None}
    with spotify_at(server) as spotify:
        assert [track.name for track in spotify.playlist_tracks(PLAYLIST)] == ["Track 7"]


@pytest.mark.parametrize("forms", [PRESENT, OLD])
@pytest.mark.parametrize("n_tracks", [0, 50, 100, 237])
def test_pages_are_put_together(forms: dict[str, int], n_tracks: int) -> None:
    server = SpotifyServer(forms, [recorded_track(i) for i in range(n_tracks)])
    with spotify_at(server) as spotify:
        tracks = spotify.playlist_tracks(PLAYLIST)
    assert [track.name for track in tracks] == [f"Track {i}" for i in range(n_tracks)]


def test_what_is_no_track_is_left_out_and_own_files_have_no_id() -> None:
    episode = {**recorded_track(1), "type": "episode", "artists": None}
    local: dict[str, Any] = {
        "is_local_entry": True,
        "id": None,
        "name": "Mine",
        "artists": [],
        "type": "track",
    }
    server = SpotifyServer(entries=[None, episode, local, recorded_track(2)])
    with spotify_at(server) as spotify:
        mine, other = spotify.playlist_tracks(PLAYLIST)
    assert (mine.id, mine.name, mine.artist, mine.album) == (None, "Mine", None, None)
    assert other.name == "Track 2"


@pytest.mark.parametrize(
    ("forms", "error"),
    [
        ({"items": 404, "tracks": 404}, UnknownPlaylist),
        ({"items": 404, "tracks": 403}, UnknownPlaylist),
        ({"items": 400, "tracks": 400}, UnknownPlaylist),
        ({"items": 403, "tracks": 403}, SpotifyPlaylistClosed),
        ({"items": 403, "tracks": 404}, SpotifyPlaylistClosed),
    ],
)
def test_unknown_and_closed_playlists_are_told_apart(
    forms: dict[str, int], error: type[EmoSyncError]
) -> None:
    with spotify_at(SpotifyServer(forms)) as spotify, pytest.raises(error):
        spotify.playlist_tracks(PLAYLIST)


def test_a_playlist_of_which_only_the_title_is_told_is_closed() -> None:
    server = SpotifyServer()
    server.page_of = lambda page: {"name": "Somebody's"}
    with spotify_at(server) as spotify, pytest.raises(SpotifyPlaylistClosed):
        spotify.playlist_tracks(PLAYLIST)


@pytest.mark.parametrize("page", [None, [], "x", 3])
def test_an_answer_that_is_no_page_is_said_to_be_none(page: object) -> None:
    server = SpotifyServer()
    server.page_of = lambda _: page
    with spotify_at(server) as spotify, pytest.raises(SpotifyAnswerInvalid):
        spotify.playlist_tracks(PLAYLIST)


def test_a_short_wait_is_kept_and_then_goes_on() -> None:
    with spotify_at(SpotifyServer(first=[(429, {"Retry-After": "1"})])) as spotify:
        begun_s = time.monotonic()
        assert len(spotify.playlist_tracks(PLAYLIST)) == 3
        assert time.monotonic() - begun_s >= 1


def test_a_long_wait_is_told_instead_and_nobody_asks_meanwhile() -> None:
    server = SpotifyServer(first=[(429, {"Retry-After": "3600"})])
    with spotify_at(server) as spotify:
        begun_s = time.monotonic()
        for _ in range(3):
            with pytest.raises(SpotifyBusy, match=r"in 3\d\d\d s") as caught:
                spotify.playlist_tracks(PLAYLIST)
            assert 3590 < caught.value.retry_after_s <= 3600
        assert time.monotonic() - begun_s < 1
    assert server.asked[f"/v1/playlists/{PLAYLIST}/items"] == 1


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "0"}])
def test_being_busy_for_ever_ends(headers: dict[str, str]) -> None:
    server = SpotifyServer(first=[(429, headers)] * 99)
    with spotify_at(server) as spotify, pytest.raises(SpotifyBusy):
        spotify.playlist_tracks(PLAYLIST)
    assert server.asked.total() < 6


def test_a_stumble_is_tried_again() -> None:
    with spotify_at(SpotifyServer(first=[(502, {}), (500, {})])) as spotify:
        assert len(spotify.playlist_tracks(PLAYLIST)) == 3
    with (
        spotify_at(SpotifyServer(first=[(503, {})] * 9)) as spotify,
        pytest.raises(SpotifyUnreachable, match="503"),
    ):
        spotify.playlist_tracks(PLAYLIST)


def test_a_token_that_was_withdrawn_is_replaced_once() -> None:
    server = SpotifyServer(first=[(401, {})])
    with spotify_at(server) as spotify:
        assert len(spotify.playlist_tracks(PLAYLIST)) == 3
        assert len(spotify.playlist_tracks(PLAYLIST)) == 3
    assert server.n_tokens == 2
    with (
        spotify_at(SpotifyServer(first=[(401, {})] * 9)) as spotify,
        pytest.raises(SpotifyCredentialsRefused),
    ):
        spotify.playlist_tracks(PLAYLIST)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, SpotifyCredentialsRefused),
        (401, SpotifyCredentialsRefused),
        (429, SpotifyBusy),
        (503, SpotifyUnreachable),
    ],
)
def test_a_token_that_is_not_given_is_explained(status: int, error: type[EmoSyncError]) -> None:
    with spotify_at(SpotifyServer(token_status=status)) as spotify, pytest.raises(error):
        spotify.playlist_tracks(PLAYLIST)


@pytest.mark.parametrize("settings", [{"client_id": ""}, {"client_secret": ""}])
def test_without_credentials_nothing_is_asked(settings: dict[str, str]) -> None:
    server = SpotifyServer()
    with spotify_at(server, **settings) as spotify:
        with pytest.raises(SpotifyNotConfigured, match="SPOTIFY_CLIENT_SECRET"):
            spotify.playlist_tracks(PLAYLIST)
        with pytest.raises(SpotifyNotConfigured):
            spotify.audio_features(["a"])
    assert not server.asked


def test_silence_ends() -> None:
    server = SpotifyServer(delay_s=1.0)
    with spotify_at(server, timeout_s=0.2) as spotify, pytest.raises(SpotifyTimeout):
        spotify.playlist_tracks(PLAYLIST)
    server = SpotifyServer(entries=[recorded_track(i) for i in range(500)], delay_s=0.1)
    with spotify_at(server, max_duration_s=0.3) as spotify, pytest.raises(SpotifyTimeout):
        spotify.playlist_tracks(PLAYLIST)


def test_a_server_that_is_not_there_is_said_to_be_unreachable() -> None:
    url = "http://127.0.0.1:9/"
    spotify = Spotify(SpotifySettings(CLIENT, SECRET, api_url=url, token_url=url))
    with pytest.raises(SpotifyUnreachable):
        spotify.playlist_tracks(PLAYLIST)
    spotify.close()


def test_audio_features_come_in_hundreds_and_lack_what_is_not_known() -> None:
    ids = [f"{i:022d}" for i in range(250)]
    server = SpotifyServer(features=200)
    with spotify_at(server) as spotify:
        found = spotify.audio_features(ids)
    assert server.asked["/v1/audio-features"] == 3
    assert set(ids) - set(found) == {ids[0], ids[100], ids[200]}
    assert found[ids[1]] == {"energy": 0.5, "tempo": 120.0}


@pytest.mark.parametrize("status", [403, 404])
def test_closed_audio_features_are_not_asked_for_again(status: int) -> None:
    server = SpotifyServer(features=status)
    with spotify_at(server) as spotify:
        assert spotify.audio_features(["a"] * 300) == {}
        assert spotify.audio_features(["a"]) == {}
    assert server.asked["/v1/audio-features"] == 1


def test_no_secret_is_in_logs_reprs_or_messages(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with spotify_at(SpotifyServer({"items": 403, "tracks": 403})) as spotify:
        with pytest.raises(SpotifyPlaylistClosed) as caught:
            spotify.playlist_tracks(PLAYLIST)
        told = f"{caplog.text} {caught.value.message} {spotify!r} {SpotifySettings(CLIENT, SECRET)}"
    assert SECRET not in told
    assert TOKEN not in told


def test_no_token_is_left_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with spotify_at(SpotifyServer()) as spotify:
        spotify.playlist_tracks(PLAYLIST)
    assert not list(tmp_path.iterdir())


def test_spotipy_is_imported_only_where_it_is_used() -> None:
    script = "import sys, emosync.spotify, emosync.previews; print(*sys.modules)"
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"spotipy", "requests", "urllib3", "redis"} & set(child.stdout.split())
