import http.server
import itertools
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as pillow
from werkzeug.formparser import parse_form_data

from bench import (
    faces,
    genre_tables,
    genres,
    load,
    measure,
    moods,
    music,
    one_core,
    photographs,
    run,
    scale,
    scale_probe,
    server,
    song_tables,
    songs,
    tables,
    ways,
)
from emosync.audio import decode
from emosync.config import read_config
from emosync.framing import FloatArray
from emosync.tracks import parse_tracks
from s3utils import list_files_in_bucket, make_client

VOICE = Path(__file__).parent / "audio" / "voice_3s.wav"
RUN = measure.Load(
    wall_s=2.0,
    cpu_s=0.1,
    latencies_ms=[10.0, 20.0, 30.0, 40.0],
    statuses=[200, 200, 503, 0],
    timings=["decode;dur=1.00, total;dur=5.00", "decode;dur=3.00, total;dur=9.00", "", ""],
)


class Upload(http.server.BaseHTTPRequestHandler):
    """Answers 200 to two uploads, then 503; to JSON at /mood; and to the paths that it knows."""

    protocol_version = "HTTP/1.1"
    numbers = itertools.count()

    def do_POST(self) -> None:
        if self.headers["Content-Type"] == "application/json":
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(200 if (self.path, message) == ("/mood?method=a", {"tracks": []}) else 404)
            return
        environ = {
            "REQUEST_METHOD": "POST",
            "wsgi.input": self.rfile,
            "CONTENT_TYPE": self.headers["Content-Type"],
            "CONTENT_LENGTH": self.headers["Content-Length"],
        }
        _, form, files = parse_form_data(environ)
        with closing(files["voice"]) as upload:
            right = form["method"] == "cnn" and upload.read() == VOICE.read_bytes()
        self.answer(200 if right and next(self.numbers) < 2 else 503)

    def do_GET(self) -> None:
        self.answer(200 if self.path in {"/a?b=c", "/d"} else 404)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Server-Timing", "decode;dur=1.50")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Serve `Upload` on the loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upload) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield httpd.server_address[1]
        httpd.shutdown()
        thread.join()


def test_the_clients_upload_what_a_form_would_and_count_errors(port: int) -> None:
    upload = ways.Upload(VOICE, {"method": "cnn"}, part="voice")
    options = ["--port", str(port), *upload.options()]
    done = CliRunner().invoke(load.main, [*options, "--clients", "3", "--requests", "5"])
    found = measure.Load(**json.loads(done.stdout))
    assert sorted(found.statuses) == [200, 200, 503, 503, 503]
    assert found.errors == 3
    assert len(found.latencies_ms) == 5
    assert set(found.timings) == {"decode;dur=1.50"}


def test_the_clients_ask_for_paths_in_turn(port: int) -> None:
    options = ["--port", str(port), "--get", "/a?b=c", "--get", "/d", "--get", "/e"]
    done = CliRunner().invoke(load.main, [*options, "--requests", "4"])
    assert json.loads(done.stdout)["statuses"] == [200, 200, 404, 200]


def test_the_clients_post_json(port: int, tmp_path: Path) -> None:
    (tmp_path / "tracks.json").write_text('{"tracks": []}')
    post = ways.Post("/mood?method=a", tmp_path / "tracks.json")
    done = CliRunner().invoke(load.main, ["--port", str(port), *post.options(), "--requests", "2"])
    assert json.loads(done.stdout)["statuses"] == [200, 200]


def test_a_way_that_the_server_does_not_know_is_left_out_and_told(port: int) -> None:
    summaries, left_out = measure.go_round(
        server.Server(port, 0, 1.0),
        {"known": ways.Get(["/d"]), "unknown": ways.Get(["/e"])},
        n_rounds=2,
        n_requests=3,
    )
    assert summaries["known"].n_requests == 6
    assert summaries["known"].errors == 0
    assert summaries["known"].stages_ms == {"decode": 1.5}
    assert left_out == {"unknown": "it was answered with 404"}


def test_a_server_that_is_gone_is_an_error_not_a_crash() -> None:
    log = load.Log()
    load.ask_again_and_again(1, [load.Ask("/ready")], 2, log)
    assert log.statuses == [0, 0]


def test_runs_are_pooled_and_their_spread_is_kept() -> None:
    slow = replace(RUN, latencies_ms=[100.0] * 4, wall_s=4.0)
    summary = measure.summarise([RUN, slow])
    assert summary.n_requests == 8
    assert summary.errors == 4
    assert summary.medians_ms == (25.0, 100.0)
    assert summary.rates_per_s == (1.0, 2.0)
    assert summary.rate_per_s == 1.5
    assert summary.stages_ms == {"decode": 2.0, "total": 7.0}


def measured_songs(with_plain: bool) -> songs.Songs:
    """Make up a table: 4 minutes in 1, 2 and 3 s."""
    stages = "decode;dur=400, features;dur=1500, models;dur=1, playback;dur=5"
    heard = songs.Heard(150, 200, 240, [f"{stages}, total;dur={t}e3" for t in (1, 2, 3)], [1.0])
    summary = measure.summarise([RUN])
    return songs.Songs(
        heard=heard,
        long=replace(heard, peak_mb=300, duration_s=3600),
        alone={"`precalculated`": summary, "`audio`": summary},
        crowd={"`precalculated`": summary},
        builds_s={4: [3.2, 3.0, 4.0], 8: [4.4]},
        plain=songs.PlainSong("published", 0.75, 0.25, [50.0]) if with_plain else None,
        plain_reason="no librosa here",
    )


def measured_genres(whole: bool) -> genres.Genres:
    """Make up a table: 1 and 2 minutes in 1 and 3 s; or nothing."""
    if not whole:
        return genres.Genres({}, {"`cnn`": "there is no model"}, None, "no genres here")
    timings = [[f"decode;dur=200, model;dur=700, total;dur={t}e3"] for t in (1, 3)]
    told = genres.GenreTold(180, 333, [60, 120], [43, 86], timings)
    return genres.Genres({"musicnn": told}, {}, genres.PlainGenre(1.0, [10.0], [90.0], 2000), "")


def measured_moods(whole: bool) -> moods.Moods:
    """Make up a way; or none."""
    if not whole:
        return moods.Moods({}, {"`/mood`": "there is no model for it"}, ())
    return moods.Moods({"`/mood`, 500 tracks": measure.summarise([RUN])}, {}, ("energy", "tempo"))


def measured_scale() -> scale.Scale:
    """Half a second of processor time for a clip by whisper, 20 s for a song."""
    return scale.Scale(
        n_cores=2,
        crowds={
            (method, n): measure.summarise([RUN] * n)
            for method in scale_probe.METHODS
            for n in scale.WORKER_COUNTS
        },
        cpu_s={
            (method, n): 0.5 if method == "whisper" else 0.01
            for method in scale_probe.METHODS
            for n in scale.WORKER_COUNTS
        },
        row_bytes=700.0,
        upload_bytes=96_000,
        batches_ms={"whisper": {1: 10.0, 2: 9.0, 4: 11.0, 8: 12.0}},
        song_s=20.0,
        song_bytes={"songs": 4_000_000, "CURVES": 10_000},
    )


def measured_faces(whole: bool) -> faces.Faces:
    """Make up two photographs; or none."""
    told = faces.FacesTold(
        ready_mb=190,
        peak_mb=222,
        n_faces=[2, 1],
        timings=[
            [f"decode;dur=50, detect;dur=40, crop;dur=1, model;dur=9, total;dur={t}"]
            for t in (100, 20)
        ],
        faces_ms=[5.0],
    )
    summary = measure.summarise([RUN])
    return faces.Faces(
        names=["large", "small"],
        is_photograph=False,
        large_mb=3.8,
        told=told if whole else None,
        reason="no detector here",
        measured={"large": summary, "small": summary} if whole else {},
        left_out={} if whole else {"large": "it was answered with 400"},
        worker_mb=244,
    )


@pytest.mark.parametrize("with_plain", [True, False])
def test_the_page_shows_every_method_and_every_goal(with_plain: bool) -> None:
    summary = measure.summarise([RUN])
    ours = run.Measured(
        starts_s=[1.0, 1.2],
        idle_mb=80,
        busy_mb=90,
        alone={"whisper": summary, "svm": summary},
        crowd={"whisper": summary, "svm": summary},
    )
    plain = replace(ours, alone={"plain": summary}, crowd={"plain": summary})
    results = run.Results(
        plan=run.QUICK,
        facts={"Processor": "abacus"},
        load_before=0.1,
        default_method="whisper",
        ours=ours,
        long_run=measure.Soak(200, 0, [160.0, 164.0], [70.0, 72.0]),
        drawn=run.Drawn([400.0, 300.0], [200.0], 180.0),
        plain=plain if with_plain else None,
        plain_reason="no TensorFlow here",
        songs=measured_songs(with_plain),
        genres=measured_genres(with_plain),
        moods=measured_moods(with_plain),
        faces=measured_faces(with_plain),
        scale=measured_scale(),
    )
    page = tables.markdown(results)
    for words in (
        "abacus",
        "`whisper`",
        "`svm`",
        "22 ms",
        "70/s",
        "+2.5%",
        "1.10 s (1.00 to 1.20)",
        "350 ms",
        "2.00 s (1.00 to 3.00) | under 1.5 s",
        "120 times (80 to 240) | 160 times",
        "300 MB | under 350 MB",
        "1.0 ms (1.0 to 1.0) | 20 ms",
        "2/s | 2 to 2/s | 800/s",
        "400 songs, extrapolated | 122 s | 0.30 s | under 180 s",
        "1,000 clips of 3 s, `whisper` | 500.0 core-seconds | $0.0056",
        "at most 1.00 ms of the 500.0 ms that a request with `whisper` takes",
        # 500 cores, of which 9.6 of a machine's 16 are used.
        "1,000 clips a second by `whisper` | 500 | 53 | $24,762",
        "A day of history | 60 GB, 86,400,000 rows",
        # One object for a curve, one for a recording, one for an upload.
        "| 10,000,000 writes | $50 once |",
        "| 86,400,000 writes | $432 a day |",
        "## The history at 200,000 rows: SQLite",
        "## The history at 200,000 rows: PostgreSQL",
        "$12,960 a month for the writes alone, beside $24,762 for the machines",
    ):
        assert words in page
    of_the_whole = (
        "| 5.0 s | 48 times | 2.5 times |",
        "`musicnn` | 3.00 s (3.00 to 3.00) | under 4 s | 0.20 s | 40 times | 150 times | 333 MB",
        "`musicnn` | 1.00 s | 3.00 s | 1.50",
        "The plain way | 9.6 s |",
        "| under 15 ms |",
        "its 2 features (energy, tempo)",
        "A photograph of 12 megapixels: 2 faces | 100 ms (100 to 100) | under 200 ms",
        "1 face | 20 ms (20 to 20) | under 30 ms",
        "222 MB | under 250 MB",
        "The network, one face | 5.0 ms (5.0 to 5.0) | 10 ms",
        "largest worker: 244 MB",
    )
    of_nothing = (
        "Not measured: no TensorFlow here.",
        "Not measured: no librosa here.",
        "Not measured: `cnn`: there is no model.",
        "Not measured: no genres here.",
        "Not measured: `/mood`: there is no model for it.",
        "Not measured: no detector here.",
        "Not measured: A photograph of 12 megapixels: it was answered with 400.",
    )
    assert [words for words in of_the_whole if (words in page) is not with_plain] == []
    assert [words for words in of_nothing if (words in page) is with_plain] == []
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_a_server_that_ends_at_once_is_reported(tmp_path: Path) -> None:
    log_path = tmp_path / "log"
    with (
        pytest.raises(server.StartError, match="ended with code 3"),
        server.running("sh -c 'echo no models; exit 3'", environ={}, log_path=log_path),
    ):
        pass
    assert log_path.read_text() == "no models\n"


def test_a_server_is_started_watched_and_stopped(tmp_path: Path) -> None:
    (tmp_path / "ready").write_text("ok")
    command = f"python -m http.server --bind 127.0.0.1 --directory {tmp_path} $PORT"
    with server.running(command, environ={}, log_path=tmp_path / "log") as running:
        assert running.ready_s > 0
        assert running.workers() == []
        pid = running.pid
    assert not Path(f"/proc/{pid}").exists()


def test_the_procfile_says_how_to_serve() -> None:
    assert server.procfile_command().startswith("gunicorn")


def test_libraries_grow_along_a_line() -> None:
    assert song_tables.growth({20: [7.0, 9.0, 8.0], 40: [14.0]}) == pytest.approx((2.0, 0.3))


def test_minutes_of_music_join_to_a_song() -> None:
    halves = [music.minute(seed, duration_s=2) for seed in (1, 2)]
    assert halves[0] != halves[1]
    y = decode(b"".join(halves)).y
    # An encoder adds part of a frame at both ends.
    assert len(y) / 16_000 == pytest.approx(4, abs=0.15)
    assert 0.1 < np.abs(y).max() <= 1


def test_a_song_is_measured_stage_by_stage(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(music.minute(1, duration_s=4))
    heard = songs.hear(path, "--warm", "1", "--rounds", "2", "--steps", "100")
    assert 4 <= heard.duration_s < 4.2
    assert 50 < heard.ready_mb < heard.peak_mb
    assert len(heard.timings) == len(heard.processed_ms) == 2
    stages_ms = measure.stage_medians(heard.timings)
    assert list(stages_ms) == ["decode", "features", "models", "playback", "total"]
    assert sum(stages_ms.values()) - stages_ms["total"] <= stages_ms["total"] + 1


def test_the_memory_of_this_process_is_read() -> None:
    assert 10 < one_core.memory_mb("VmRSS") <= one_core.memory_mb("VmHWM")


def test_a_command_gets_one_core() -> None:
    script = "import json, os; print(json.dumps({'n': len(os.sched_getaffinity(0))}))"
    assert one_core.on_one_core([sys.executable, "-c", script]) == {"n": 1}


def test_musicnns_own_way_that_does_not_run_is_told(tmp_path: Path) -> None:
    plain, reason = songs.try_plain("false", tmp_path / "song.mp3", 1)
    assert plain is None
    assert reason.startswith("`false -m bench.song_plain --file song.mp3 ")
    assert reason.endswith("ended with code 1")


def test_a_command_that_fails_is_told_by_its_last_words() -> None:
    found, reason = one_core.try_on_one_core([sys.executable, "-c", "raise KeyError('cnn')"])
    assert found is None
    assert reason.endswith("ended with code 1 / KeyError: 'cnn'")


def test_recordings_of_any_length_are_made_of_the_same_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(genres, "minute", lambda seed: b"01"[seed : seed + 1])
    paths = genres.make_recordings(tmp_path / "new", (2, 5))
    assert [path.read_bytes() for path in paths] == [b"01", b"01010"]


def test_recordings_are_told_one_after_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / "short.mp3", tmp_path / "long.mp3"]
    for path, duration_s in zip(paths, (2, 4), strict=True):
        path.write_bytes(music.minute(1, duration_s=duration_s))
    told, reason = genres.tell("features", paths, 2)
    assert told is not None, reason
    assert told.durations_s == pytest.approx([2, 4], abs=0.15)
    assert told.n_parts == [1, 1]
    assert 50 < told.ready_mb < told.peak_mb
    stages_ms = [measure.stage_medians(timings) for timings in told.timings]
    assert [list(stages) for stages in stages_ms] == 2 * [["decode", "model", "total"]]
    assert [len(timings) for timings in told.timings] == [2, 2]


def test_a_genre_method_without_a_model_is_told(tmp_path: Path) -> None:
    assert genres.tell("oboe", [], 1) == (None, "there is no model in models/genre/oboe")
    plain, reason = genres.tell_plainly("false", [], 1, tmp_path / "model.keras")
    assert plain is None
    assert reason == "there is no model.keras of the method `cnn`"


def test_time_in_proportion_to_length_is_a_growth_of_one() -> None:
    timings = [["total;dur=500"], ["total;dur=900"], ["total;dur=1000"]]
    told = genres.GenreTold(1, 1, [60, 90, 120], [43, 64, 86], timings)
    assert genre_tables.growth(told) == pytest.approx(1)


# librosa asks for readers of other files as well, one of which Python 3.13 no longer has.
@pytest.mark.filterwarnings("ignore:.* slated for removal in Python 3.13:DeprecationWarning")
@pytest.mark.slow
def test_the_plain_way_to_genres_is_measured_slice_by_slice(tmp_path: Path) -> None:
    # It imports TensorFlow and librosa.
    from bench import genre_plain
    from emosync.genre_slices import SLICE_SAMPLES, slice_log_mels

    class Network:
        seen: ClassVar[list[tuple[int, ...]]] = []

        def predict(self, X: FloatArray, *, verbose: int) -> None:
            self.seen.append(X.shape)

    y = 0.1 * np.random.default_rng(0).standard_normal(SLICE_SAMPLES).astype(np.float32)
    X = genre_plain.slice_log_mel(y)
    assert X.max() == pytest.approx(1)
    # librosa's frames lie elsewhere.
    assert np.abs(X - slice_log_mels(y)).mean() < 0.2
    (tmp_path / "song.mp3").write_bytes(music.minute(1, duration_s=4))
    found = genre_plain.measure(tmp_path / "song.mp3", Network(), 3)
    assert Network.seen == 4 * [(1, 63, 64)]
    assert len(found["log_mels_ms"]) == len(found["predicts_ms"]) == 3


def test_tracks_are_made_that_the_service_takes() -> None:
    needed = ("danceability", "tempo", "loudness", "duration_ms")
    tracks = moods.make_tracks(needed, 500)
    parsed = parse_tracks({"tracks": tracks}, needed)
    assert len({track.id for track in parsed}) == 500
    assert set(parsed[0].features or ()) == set(needed)


def test_photographs_are_made_in_two_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "LARGE_PIXELS", 480_000)
    pillow.new("RGB", (300, 200), "teal").save(tmp_path / "teal.png")
    for source, small_side_px in (("teal.png", 300), ("absent.jpg", 640)):
        paths = photographs.make_photographs(tmp_path, tmp_path / source)
        with pillow.open(paths["large"]) as large, pillow.open(paths["small"]) as small:
            assert large.width * large.height == pytest.approx(480_000, rel=0.01)
            assert max(small.size) == small_side_px
            assert large.width / large.height == pytest.approx(small.width / small.height, rel=0.01)


def test_a_photograph_is_measured_stage_by_stage(tmp_path: Path) -> None:
    if not (faces.DETECTOR / "card.json").exists():
        pytest.skip("there is no model in models/face/detector")
    pillow.new("RGB", (64, 48), "teal").save(tmp_path / "teal.jpg")
    plan = faces.FacePlan(n_told=2, n_faces=3)
    told, reason = faces.tell([tmp_path / "teal.jpg"], plan)
    assert told is not None, reason
    assert told.n_faces == [0]
    assert 50 < told.ready_mb < told.peak_mb
    stages_ms = measure.stage_medians(told.timings[0])
    assert list(stages_ms) == ["decode", "detect", "crop", "model", "total"]
    assert len(told.timings[0]) == 2
    assert len(told.faces_ms) in (0, 3)


@pytest.mark.usefixtures("credentials")
def test_a_library_is_copied_to_a_bucket(tmp_path: Path) -> None:
    library = tmp_path / "library"
    (library / "CURVES").mkdir(parents=True)
    (library / "CURVES" / "one.json").write_text("{}")
    with songs.bucket(library, tmp_path) as access:
        client = make_client(read_config(access))
        assert list(list_files_in_bucket(client, songs.BUCKET)) == ["CURVES/one.json"]
