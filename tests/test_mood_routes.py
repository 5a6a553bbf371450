"""The routes of moods, in one process, with the real models."""

import io
import json
from typing import Any

import music
import pypdf
import pytest
from answers import Answer, Upload, assert_problem, rows
from conftest import MakeWav
from flask import Flask
from flask.testing import FlaskClient

from emosync.config import Config
from emosync.labels import MOODS
from emosync.playlist_errors import PreviewUnavailable
from emosync.previews import Previews

QUIET = {
    "danceability": 0.4,
    "energy": 0.15,
    "valence": 0.3,
    "tempo": 80,
    "loudness": -16,
    "acousticness": 0.9,
    "instrumentalness": 0.8,
    "liveness": 0.1,
    "speechiness": 0.04,
    "popularity": 40,
    "duration_ms": 210_000,
}
LOUD = {**QUIET, "energy": 0.97, "loudness": -3.5, "acousticness": 0.001, "tempo": 150}
NAMES = ["id", "name", "artist", "album", "preview_url"]
METHODS = ["network", "random_forest"]


def track(number: int, features: object = None, **members: object) -> dict[str, Any]:
    return {
        "id": f"id{number}",
        "name": f"Track {number}",
        "artist": "Someone",
        "album": None,
        "features": QUIET if features is None else features,
        **members,
    }


def asked(client: FlaskClient, message: object, query: str = "") -> Answer:
    return client.post(f"/mood{query}", json=message)


def told(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.text)["tracks"]
    for row in found:
        assert list(row)[:7] == [*NAMES, "mood", "probabilities"]
        if row["mood"] is not None:
            assert set(row["probabilities"]) == set(MOODS)
            assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-6)
            assert row["mood"] == next(iter(row["probabilities"]))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_each_track_has_its_mood_in_the_order_sent(client: FlaskClient, method: str) -> None:
    tracks = [track(0), track(1, LOUD), track(2)]
    found = told(asked(client, {"tracks": tracks}, f"?method={method}"))
    assert [row["id"] for row in found] == ["id0", "id1", "id2"]
    assert found[0]["mood"] in ("Calm", "Sad")
    assert found[1]["mood"] in ("Energetic", "Happy")
    assert found[0]["probabilities"] == found[2]["probabilities"]


def test_names_come_back_as_they_were_sent(client: FlaskClient) -> None:
    name = 'Ünïcode \U0001f3b5 <b>"'
    (row,) = told(asked(client, {"tracks": [track(0, name=name, artist=None)]}))
    assert (row["name"], row["artist"], row["album"]) == (name, None, None)


def test_500_tracks_are_told_and_501_are_not(client: FlaskClient) -> None:
    tracks = [track(i) for i in range(501)]
    assert len(told(asked(client, {"tracks": tracks[:500]}))) == 500
    assert_problem(asked(client, {"tracks": tracks}), 400, "invalid_tracks")
    assert told(asked(client, {"tracks": []})) == []


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ({}, 400, "missing_input"),
        ({"tracks": None}, 400, "missing_input"),
        ({"tracks": "all"}, 400, "invalid_tracks"),
        ({"tracks": [7]}, 400, "invalid_tracks"),
        ([], 400, "invalid_parameter"),
        ({"tracks": [{"id": "x"}]}, 422, "invalid_features"),
        ({"tracks": [track(0), track(1, {})]}, 422, "invalid_features"),
        ({"tracks": [track(0, {**QUIET, "energy": "much"})]}, 422, "invalid_features"),
        ({"tracks": [track(0, {**QUIET, "energy": True})]}, 422, "invalid_features"),
        ({"tracks": [track(0, {**QUIET, "energy": 1.5})]}, 422, "invalid_features"),
        ({"tracks": [track(0, {**QUIET, "tempo": float("nan")})]}, 422, "invalid_features"),
        ({"tracks": [track(0)], "method": "guess"}, 400, "unknown_method"),
        ({"tracks": [track(0)], "method": "audio"}, 400, "unknown_method"),
    ],
)
def test_bad_tracks_are_refused(
    client: FlaskClient, message: object, status: int, code: str
) -> None:
    assert_problem(asked(client, message), status, code)


def test_an_error_names_the_track_and_the_member(client: FlaskClient) -> None:
    answer = asked(client, {"tracks": [track(0), track(1, {**QUIET, "valence": 7})]})
    detail = json.loads(answer.text)["detail"]
    assert "tracks[1]" in detail
    assert "id1" in detail
    assert "valence" in detail


def test_the_method_in_force_is_used(client: FlaskClient) -> None:
    by_name = told(asked(client, {"tracks": [track(0)], "method": "random_forest"}))
    assert told(asked(client, {"tracks": [track(0)]})) != by_name
    assert client.post("/changeMethod?task=mood&method=random_forest").status_code == 200
    assert told(asked(client, {"tracks": [track(0)]})) == by_name
    assert_problem(client.post("/changeMethod?task=mood&method=audio"), 400, "unknown_method")


class Recorded(Previews):
    """Gives one recording for every preview but those that are gone."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def fetch(self, url: str) -> bytes:
        if "gone" in url:
            raise PreviewUnavailable("The track's preview is not there.")
        return self._data


def test_a_track_without_features_is_heard_by_its_preview(app: Flask, client: FlaskClient) -> None:
    moods = app.extensions["emosync"].moods
    moods._track_moods._previews = Recorded(music.as_mp3(music.music(6.0)))
    bare = {"id": "x", "name": "Bare"}
    url = "https://p.scdn.co/mp3-preview/{}"
    tracks = [
        {**bare, "preview_url": url.format("a")},
        {**bare, "preview_url": url.format("gone")},
        track(2),
    ]
    heard, gone, known = told(asked(client, {"tracks": tracks}))
    assert heard["mood"] in MOODS
    assert "reason" not in heard
    assert (gone["mood"], gone["probabilities"]) == (None, None)
    assert gone["reason"] == "The track's preview is not there."
    assert known["mood"] in MOODS


def test_a_playlist_needs_an_app_at_spotify(client: FlaskClient) -> None:
    playlist = "37i9dQZF1DXcBWIGoYBM5M"
    answer = client.get(f"/playlists/{playlist}/moods")
    assert_problem(answer, 503, "spotify_not_configured")
    assert client.get("/ready").status_code == 200
    link = client.get("/playlists/https://music.apple.com/playlist/x/moods")
    assert_problem(link, 400, "invalid_playlist")


def test_a_recording_has_a_mood_and_is_kept(
    client: FlaskClient, upload: Upload, config: Config
) -> None:
    tune = music.as_mp3(music.music(9.0))
    answer = upload(tune, "tune.mp3", task="mood")
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert found["mood"] == next(iter(found["probabilities"]))
    assert (found["task"], found["method"]) == ("mood", "audio")
    assert (config.uploads_path / found["audio_file"]).read_bytes() == tune
    (row,) = rows(client)
    assert (row["task"], row["predicted_emotion"]) == ("mood", found["mood"])
    assert client.get(found["visualization"]).data.startswith(b"\x89PNG")
    report = pypdf.PdfReader(io.BytesIO(client.get(found["report"]).data))
    text = report.pages[0].extract_text()
    assert found["mood"] in text
    assert "smooth 5, amplify 1, shortest 3 s" in text


def test_what_a_recording_cannot_have_is_refused(upload: Upload, make_wav: MakeWav) -> None:
    tune = make_wav(3.0)
    assert_problem(upload(tune, "x", task="mood", method="network"), 400, "invalid_parameter")
    assert_problem(upload(make_wav(1.0), "x", task="mood"), 422, "too_short")
    assert_problem(upload(make_wav(3.0, level=0.0), "x", task="mood"), 422, "silent_audio")
