import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.formparser import parse_form_data

from bench import load, measure, run, server, tables

VOICE = Path(__file__).parent / "audio" / "voice_3s.wav"
RUN = measure.Load(
    wall_s=2.0,
    cpu_s=0.1,
    latencies_ms=[10.0, 20.0, 30.0, 40.0],
    statuses=[200, 200, 503, 0],
    timings=["decode;dur=1.00, total;dur=5.00", "decode;dur=3.00, total;dur=9.00", "", ""],
)


class Upload(http.server.BaseHTTPRequestHandler):
    """Answers 200 to two uploads, then 503."""

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
    options = ["--port", str(port), "--file", str(VOICE), "--method", "cnn"]
    done = CliRunner().invoke(load.main, [*options, "--clients", "3", "--requests", "5"])
    found = measure.Load(**json.loads(done.stdout))
    assert sorted(found.statuses) == [200, 200, 503, 503, 503]
    assert found.errors == 3
    assert len(found.latencies_ms) == 5
    assert set(found.timings) == {"decode;dur=1.50"}


def test_a_server_that_is_gone_is_an_error_not_a_crash() -> None:
    log = load.Log()
    load.post_again_and_again(1, b"", 2, log)
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
    ):
        assert words in page
    assert ("Not measured: no TensorFlow here." in page) is not with_plain
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
