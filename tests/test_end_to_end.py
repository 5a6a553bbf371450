"""A real gunicorn with two workers, asked over HTTP."""

import base64
import http.client
import io
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pypdf
import pytest
import soundfile as sf
import soxr
from answers import METHODS, assert_problem, predicted
from document_check import check_http
from encodings_of_voice import ENCODINGS, encoded, silent_video
from service import Service, serving

from bench.server import procfile_command

ROOT = Path(__file__).parent.parent
SONGS = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music" / "songs"
SILENT_FILM = "sample.mp4"
RECORDINGS_OF_OTHERS = sorted(path.name for path in SONGS.glob("*") if path.suffix != ".md")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service"), DATABASE_TIMEOUT_S="1") as service:
        yield service


def test_two_workers_serve(service: Service) -> None:
    assert len(service.server.workers()) == 2


def test_every_endpoint_answers(service: Service, voice: bytes) -> None:
    with service.client() as client:
        assert "EmoSync" in client.get("/").text
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/ready").status_code == 200
        found = predicted(service.send(voice, "my voice.wav", detail="windows"))
        assert found["windows"]
        text = base64.b64encode(voice).decode()
        same = predicted(client.post("/record", json={"audio": f"data:audio/wav;base64,{text}"}))
        assert same["probabilities"] == found["probabilities"]
        both = client.post("/classify_audio_both", files={"audio": ("v.wav", voice)}).json()
        for method in ("svm", "cnn"):
            answer = client.post(
                "/classify_audio", files={"audio": ("v.wav", voice)}, data={"model_type": method}
            )
            assert answer.json()["audio_emotion"] == both[f"{method}_emotion"]
        row = client.get("/history", params={"limit": 100}).json()["history"][-1]
        assert row["filename"] == "my voice.wav"
        table = client.get("/history", params={"format": "csv"}).text.splitlines()
        assert table[0].startswith("id,timestamp,filename,predicted_emotion")
        assert "my voice.wav" in table[-1]
        chosen = client.get("/changeMethod", params={"method": "whisper"})
        assert chosen.json()["method"] == "whisper"
        assert json.loads(row["top_3_probabilities"])
        assert client.get(found["visualization"]).content.startswith(b"\x89PNG")
        pdf = client.get(found["report"])
        assert found["emotion"] in pypdf.PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
        assert client.get("/download-report/my%20voice.wav").status_code == 200
        info = client.get("/models/info").json()
        assert list(info["models"]["speech"]) == METHODS


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_the_same_in_both_workers(
    service: Service, voice: bytes, method: str
) -> None:
    answers = []
    for pid in service.server.workers():
        with service.only(pid) as client:
            form = {"method": method}
            answer = client.post("/predict", files={"file": ("v.wav", voice)}, data=form)
            answers.append(predicted(answer)["probabilities"])
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("container", "codec", "sr", "muxer"), ENCODINGS)
def test_every_container_is_heard(
    service: Service, voice: bytes, container: str, codec: str, sr: int, muxer: str
) -> None:
    y, voice_sr = sf.read(io.BytesIO(voice), dtype="float32")
    data = encoded(soxr.resample(y, voice_sr, sr), codec=codec, sr=sr, muxer=muxer)
    found = predicted(service.send(data, "named wrongly.xyz"))
    assert found["audio_file"].endswith(f".{container}")
    assert found["duration_s"] == pytest.approx(3.0, abs=0.15)


@pytest.mark.skipif(not SONGS.is_dir(), reason="the folder of real recordings is not there")
@pytest.mark.parametrize("name", RECORDINGS_OF_OTHERS)
def test_recordings_of_others_are_heard(service: Service, name: str) -> None:
    answer = service.send((SONGS / name).read_bytes(), name, method="cnn")
    if name == SILENT_FILM:
        assert answer.json()["code"] == "silent_audio"
    else:
        predicted(answer)


def test_fifty_at_once_give_fifty_rows_and_fifty_files(tmp_path: Path, voice: bytes) -> None:
    with serving(tmp_path) as service:
        with ThreadPoolExecutor(50) as pool:
            sent = pool.map(lambda _: service.send(voice, "audio.wav"), range(50))
            names = {predicted(answer)["audio_file"] for answer in sent}
        assert len(names) == 50
        assert service.uploads == names
        assert {row["audio_file"] for row in service.history()} == names
        assert all((tmp_path / "uploads" / name).read_bytes() == voice for name in sorted(names))


def test_a_changed_method_holds_for_both_workers_and_after_a_restart(
    tmp_path: Path, voice: bytes
) -> None:
    with serving(tmp_path) as service:
        first, second = service.server.workers()
        with service.only(first) as client:
            assert client.post("/changeMethod?method=svm").json()["method"] == "svm"
        for pid in (first, second):
            with service.only(pid) as client:
                answer = client.post("/predict", files={"file": ("v.wav", voice)})
                assert predicted(answer)["method"] == "svm"
    with serving(tmp_path) as service:
        assert predicted(service.send(voice))["method"] == "svm"


def test_a_killed_worker_loses_no_answered_prediction(tmp_path: Path, voice: bytes) -> None:
    answered: list[str] = []
    stop = threading.Event()

    def load(service: Service) -> None:
        while not stop.is_set():
            try:
                answer = service.send(voice, method="cnn")
            except httpx.TransportError:
                continue  # its worker was killed: nothing was answered
            answered.append(predicted(answer)["audio_file"])

    with serving(tmp_path) as service:
        before = service.server.workers()
        with ThreadPoolExecutor(8) as pool:
            loads = [pool.submit(load, service) for _ in range(8)]
            for pid in before:
                wait_for_more(answered, 20)
                os.kill(pid, signal.SIGKILL)
                wait_for_more(answered, 20)
            stop.set()
        assert [job.exception() for job in loads] == [None] * 8
        assert not set(before) & set(service.server.workers())
        kept = {row["audio_file"] for row in service.history()}
        assert set(answered) <= kept <= service.uploads


def wait_for_more(items: Sequence[object], n: int) -> None:
    goal, deadline_s = len(items) + n, time.monotonic() + 60
    while len(items) < goal:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_bad_input_is_refused_and_leaves_nothing(
    service: Service, voice: bytes, make_wav: Callable[..., bytes]
) -> None:
    rows, files = len(service.history()), service.uploads
    noise = random.Random(1).randbytes(20_000)
    with service.client() as client:
        for form in ({}, {"data": {"method": "cnn"}}, {"files": {"sound": ("a.wav", voice)}}):
            assert_problem(client.post("/predict", **form), 400, "missing_input")
        for body in (b"", b"{}", b'{"audio": ""}'):
            assert_problem(client.post("/record", content=body), 400, "missing_input")
        for body in (b"{", b"[]", b'{"audio": 1}'):
            assert_problem(client.post("/record", content=body), 400, "invalid_parameter")
        for audio in ("!", "data:text/html;base64,AAAA"):
            assert_problem(client.post("/record", json={"audio": audio}), 400, "invalid_base64")
        assert_problem(client.get("/download-report/none.wav"), 404, "not_found")
        assert_problem(client.get("/nothing"), 404, "not_found")
        assert_problem(client.delete("/predict"), 405, "method_not_allowed")
        assert_problem(client.get("/changeMethod?method=magic"), 400, "unknown_method")
    for data, status, code in (
        (b"", 400, "missing_input"),
        (b"hello", 415, "unsupported_media"),
        (noise, 415, "unsupported_media"),
        (b"\x89PNG\r\n\x1a\n" + noise, 415, "unsupported_media"),
        (voice[:44], 422, "unreadable_media"),
        (voice[: len(voice) // 2], 422, "unreadable_media"),
        (b"OggS" + noise, 422, "unreadable_media"),
        (silent_video(), 422, "no_audio_track"),
        (make_wav(0.29), 422, "too_short"),
        (make_wav(level=0), 422, "silent_audio"),
        (flac_bomb(), 422, "too_long"),
    ):
        assert_problem(service.send(data), status, code)
    assert len(service.history()) == rows
    assert service.uploads == files


@pytest.mark.parametrize(
    ("sr", "subtype", "n_channels"),
    [
        (8_000, "ALAW", 1),
        (96_000, "PCM_24", 2),
        (44_100, "DOUBLE", 1),
        (16_000, "FLOAT", 8),
        (16_000, "PCM_U8", 1),
    ],
)
def test_unusual_recordings_are_heard(
    service: Service, voice: bytes, sr: int, subtype: str, n_channels: int
) -> None:
    y, voice_sr = sf.read(io.BytesIO(voice), dtype="float32")
    y = np.clip(4 * soxr.resample(y, voice_sr, sr), -1, 1)
    if subtype == "DOUBLE":
        y[[10, 20, 30]] = np.nan, np.inf, -np.inf
    out = io.BytesIO()
    sf.write(out, np.stack([y] * n_channels, axis=1), sr, format="WAV", subtype=subtype)
    predicted(service.send(out.getvalue(), method="cnn"))


@pytest.mark.parametrize(
    "name", ["../../x.wav", "\u58f0\U0001f3a4 .wav", "a" * 2_000, "a;\"b'.wav"]
)
def test_a_name_is_data_and_never_a_path(service: Service, voice: bytes, name: str) -> None:
    found = predicted(service.send(voice, name, method="cnn"))
    assert service.history()[0]["filename"] == found["filename"]
    assert found["audio_file"] in service.uploads
    with service.client() as client:
        assert client.get(found["report"]).status_code == 200


def flac_bomb() -> bytes:
    """Hold two hours in a few hundred kilobytes."""
    out = io.BytesIO()
    with sf.SoundFile(out, "w", 8_000, 1, format="FLAC") as sink:
        for _ in range(120):
            sink.write(np.zeros(60 * 8_000, dtype=np.int16))
    assert len(out.getvalue()) < 1_000_000
    return out.getvalue()


@pytest.mark.parametrize(
    ("path", "length", "content_type"),
    [
        ("/predict", 100_000_001, "multipart/form-data; boundary=x"),
        ("/record", 32_000_001, "application/json"),
    ],
)
def test_a_body_over_the_limit_is_refused_before_it_is_sent(
    service: Service, path: str, length: int, content_type: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.server.port, timeout=10)
    connection.putrequest("POST", path)
    connection.putheader("Content-Type", content_type)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    answer = connection.getresponse()
    assert json.loads(check_http("POST", path, answer))["code"] == "too_large"
    assert answer.status == 413
    connection.close()


def test_a_locked_database_is_503_soon_and_the_log_says_why(service: Service, voice: bytes) -> None:
    files = service.uploads
    lock = sqlite3.connect(service.folder / "emosync.sqlite3", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    started_s = time.monotonic()
    assert_problem(service.send(voice, method="cnn"), 503, "database_unavailable")
    assert time.monotonic() - started_s < 10
    lock.execute("ROLLBACK")
    lock.close()
    assert "database is locked" in service.log
    assert service.uploads == files
    predicted(service.send(voice, method="cnn"))


def test_a_full_disk_is_503_and_the_log_says_why(
    tmp_path: Path, voice: bytes, make_wav: Callable[..., bytes]
) -> None:
    # No file may grow beyond 300 kB: a write then fails midway, as on a full disk.
    command = f"sh -c 'ulimit -f 600; exec {procfile_command()}'"
    with serving(tmp_path, command=command) as service:
        kept = predicted(service.send(voice))["audio_file"]
        for duration_s in (12.0, 40.0):  # the longer one passes through a temporary file
            answer = service.send(make_wav(duration_s), method="cnn")
            assert_problem(answer, 503, "storage_unavailable")
        assert "File too large" in service.log
        assert service.uploads == {kept}
        assert [row["audio_file"] for row in service.history()] == [kept]


def test_the_environment_is_not_needed_to_start(tmp_path: Path) -> None:
    with serving(tmp_path, DATABASE_URL="", MAX_JSON_MB="") as service, service.client() as client:
        assert client.get("/ready").status_code == 200


def test_the_development_server_answers(tmp_path: Path, voice: bytes) -> None:
    with serving(tmp_path, command=f"{sys.executable} app.py") as service:
        predicted(service.send(voice))
