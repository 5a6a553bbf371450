"""A real gunicorn with two workers on a real PostgreSQL, and what befalls that."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from answers import assert_problem, predicted
from servers import Postgres, postgres_server
from service import Service, serving

from app import create_app
from emosync.config import Config

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Run a PostgreSQL that may be stopped: no other test module uses it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def url(server: Postgres) -> str:
    return server.new_database()


@pytest.fixture(scope="module")
def service(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    upgrade(url)
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, DATABASE_URL=url, DATABASE_TIMEOUT_S="1") as service:
        yield service


def upgrade(url: str) -> str:
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    environ = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_predictions_of_both_workers_are_in_one_history(service: Service, voice: bytes) -> None:
    with ThreadPoolExecutor(10) as pool:
        sent = pool.map(lambda _: service.send(voice, method="random_forest"), range(20))
        names = {predicted(answer)["audio_file"] for answer in sent}
    kept = service.history()
    assert {row["audio_file"] for row in kept} >= names
    assert len({row["id"] for row in kept}) == len(kept)
    assert not (service.folder / "emosync.sqlite3").exists()


def test_pages_reports_and_removal_work(service: Service, voice: bytes) -> None:
    for number in range(3):
        found = predicted(service.send(voice, f"page {number}.wav", method="random_forest"))
    with service.client() as client:
        first = client.get("/history", params={"limit": 2}).json()
        second = client.get(first["next"]).json()["history"]
        names = [row["filename"] for row in [*first["history"], *second]]
        assert names[:3] == ["page 2.wav", "page 1.wav", "page 0.wav"]
        before = client.get("/history", params={"before": "2024-01-15 14:30:25"}).json()
        assert before == {"history": [], "next": None}
        assert client.get(found["visualization"]).content.startswith(b"\x89PNG")
        assert client.get("/download-report/page 2.wav").content.startswith(b"%PDF")
        assert client.delete(f"/history/{first['history'][0]['id']}").status_code == 204
        assert_problem(client.get(found["visualization"]), 404, "not_found")
    assert found["audio_file"] not in service.uploads


def test_a_changed_method_holds_for_both_workers(service: Service, voice: bytes) -> None:
    workers = service.server.workers()
    with service.only(workers[0]) as client:
        client.post("/changeMethod?method=svm")
    with service.only(workers[1]) as client:
        answer = client.post("/predict", files={"file": ("v.wav", voice)})
        assert predicted(answer)["method"] == "svm"
        client.post("/changeMethod?method=random_forest")


@pytest.mark.parametrize("name", ["a\x00b.wav", "\u58f0\U0001f3a4.wav", "a" * 5_000, "a'b\"c;--\n"])
def test_a_name_is_data_whatever_it_holds(service: Service, voice: bytes, name: str) -> None:
    found = predicted(service.send(voice, name, method="random_forest"))
    with service.client() as client:
        assert client.get(found["report"]).status_code == 200
        assert client.get("/history?limit=1").json()["history"][0]["filename"] == found["filename"]


def test_no_path_makes_the_database_fail(config: Config, service: Service) -> None:
    app = create_app(config)
    rules = list(app.url_map.iter_rules())
    app.extensions["emosync"].close()
    with service.client() as client:
        for rule in rules:
            for text in ("%00", "%ED%A0%80", "9" * 30, "x" * 3_000):
                path = re.sub(r"<[^>]+>", text, rule.rule)
                for verb in (rule.methods or set()) - {"HEAD", "OPTIONS", "POST"}:
                    answer = client.request(verb, path)
                    assert answer.status_code < 500 or not rule.arguments, (verb, path)
        for before in ("%00", "9" * 18, "0001-01-01", "9999-12-31T23:59:59-14:00"):
            assert client.get(f"/history?before={before}").status_code in (200, 400), before


def test_a_locked_table_is_503_soon_and_leaves_no_file(
    service: Service, url: str, voice: bytes
) -> None:
    files = service.uploads
    with psycopg.connect(url) as lock:
        lock.execute("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
        began_s = time.monotonic()
        answer = service.send(voice, method="random_forest")
        assert_problem(answer, 503, "database_unavailable")
        assert time.monotonic() - began_s < 10
    assert service.uploads == files
    predicted(service.send(voice, method="random_forest"))


def test_no_more_connections_are_held_than_the_pools_allow(
    server: Postgres, tmp_path: Path, voice: bytes
) -> None:
    url = server.new_database()
    upgrade(url)
    with serving(tmp_path, DATABASE_URL=url, DATABASE_POOL_SIZE="1") as small:
        with ThreadPoolExecutor(12) as pool:
            for answer in pool.map(lambda _: small.send(voice, method="random_forest"), range(24)):
                predicted(answer)
        with psycopg.connect(url) as connection:
            held = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchone()
        assert held is not None
        assert held[0] - 1 <= len(small.server.workers())


def test_a_restart_of_the_server_is_survived(
    service: Service, server: Postgres, voice: bytes
) -> None:
    kept = predicted(service.send(voice, method="random_forest"))["audio_file"]
    server.stop()
    with service.client() as client:
        assert client.get("/health").status_code == 200
        assert_problem(client.get("/ready"), 503, "database_unavailable")
    assert_problem(service.send(voice, method="random_forest"), 503, "database_unavailable")
    server.start()
    for _ in range(4):  # whichever worker answers
        predicted(service.send(voice, method="random_forest"))
    assert kept in {row["audio_file"] for row in service.history()}


def test_a_database_that_was_not_upgraded_is_told_as_such(
    server: Postgres, tmp_path: Path, voice: bytes
) -> None:
    url = server.new_database()
    with serving(tmp_path, ready_path="/health", DATABASE_URL=url) as service:
        assert_problem(service.send(voice, method="random_forest"), 503, "database_outdated")
        with service.client() as client:
            assert_problem(client.get("/ready"), 503, "database_outdated")
        assert "are at" in upgrade(url)
        predicted(service.send(voice, method="random_forest"))
        with service.client() as client:
            assert client.get("/ready").status_code == httpx.codes.OK
