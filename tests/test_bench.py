import http.server
import itertools
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from werkzeug.formparser import parse_form_data

from bench import load, measure, music, run, server, song_probe, song_tables, songs, tables
from emosync.audio import decode
from emosync.config import read_config
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
    """Answers 200 to two uploads, then 503; and to the paths that it knows."""

    protocol_version = "HTTP/1.1"
    numbers = itertools.count()

    def do_POST(self) -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "wsgi.input": self.rfile,
            "CONTENT_TYPE": self.headers["Content-Type"],
            "CONTENT_LENGTH": self.headers["Content-Length"],
        }
        _, form, files = parse_form_data(environ)
        with closing(files["file"]) as upload:
            right = form["method"] == "cnn" and upload.read() == VOICE.read_bytes()
        self.send_response(200 if right and next(self.numbers) < 2 else 503)
        self.send_header("Server-Timing", "decode;dur=1.50")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200 if self.path in {"/a?b=c", "/d"} else 404)
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
    options = ["--port", str(port), "--file", str(VOICE), "--form", "method=cnn"]
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
    ):
        assert words in page
    assert ("Not measured: no TensorFlow here." in page) is not with_plain
    assert ("Not measured: no librosa here." in page) is not with_plain
    assert ("| 5.0 s | 48 times | 2.5 times |" in page) is with_plain
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
    assert 10 < song_probe.memory_mb("VmRSS") <= song_probe.memory_mb("VmHWM")


def test_a_command_gets_one_core() -> None:
    script = "import json, os; print(json.dumps({'n': len(os.sched_getaffinity(0))}))"
    assert songs.on_one_core([sys.executable, "-c", script]) == {"n": 1}


def test_musicnns_own_way_that_does_not_run_is_told(tmp_path: Path) -> None:
    plain, reason = songs.try_plain("false", tmp_path / "song.mp3", 1)
    assert plain is None
    assert "returned non-zero exit status 1" in reason


@pytest.mark.usefixtures("credentials")
def test_a_library_is_copied_to_a_bucket(tmp_path: Path) -> None:
    library = tmp_path / "library"
    (library / "CURVES").mkdir(parents=True)
    (library / "CURVES" / "one.json").write_text("{}")
    with songs.bucket(library, tmp_path) as access:
        client = make_client(read_config(access))
        assert list(list_files_in_bucket(client, songs.BUCKET)) == ["CURVES/one.json"]
