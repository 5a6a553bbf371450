"""Keys and limits of two workers of a real gunicorn."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from servers import LocalServer
from service import Service, serving

ROOT = Path(__file__).parent.parent


def flask(service: Service, *words: str) -> str:
    """Run a command of Flask beside the service; returns what it prints."""
    environ = {**os.environ, "DATA_PATH": str(service.folder)}
    command = [sys.executable, "-m", "flask", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def statuses_of_both(service: Service, path: str, **headers: str) -> list[int]:
    found = []
    for pid in service.server.workers():
        with service.only(pid) as client:
            found.append(client.get(path, headers=headers).status_code)
    return found


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, LOG_FORMAT="json") as found:
        yield found


def test_a_key_holds_at_once_in_both_workers_and_is_never_logged(
    service: Service, voice: bytes
) -> None:
    assert statuses_of_both(service, "/history") == [200, 200]
    text = flask(service, "keys", "create", "phone", "--scope", "read", "--scope", "predict")
    key_id, secret = text.split("_", 2)[1:]
    assert statuses_of_both(service, "/history") == [401, 401]
    assert statuses_of_both(service, "/history", **{"X-API-Key": text}) == [200, 200]
    assert statuses_of_both(service, "/history", Authorization=f"Bearer {text}") == [200, 200]
    assert statuses_of_both(service, "/changeMethod", **{"X-API-Key": text}) == [403, 403]
    with service.client() as client:
        answer = client.post("/predict", files={"file": voice}, headers={"X-API-Key": text})
        assert answer.status_code == 200
    flask(service, "keys", "revoke", key_id)
    assert statuses_of_both(service, "/history", **{"X-API-Key": text}) == [401, 401]
    flask(service, "keys", "off", "--yes")
    assert statuses_of_both(service, "/history") == [200, 200]
    flask(service, "keys", "create", "another")
    assert statuses_of_both(service, "/history") == [401, 401]
    with socket.create_connection(("127.0.0.1", service.server.port)) as broken:
        broken.sendall(f"GET / HTTP/1.1\r\nX-API-Key {text}\r\n\r\n".encode())
        assert b"400" in broken.recv(1000)
    assert "401" in service.log
    assert key_id in service.log
    assert secret not in service.log
    assert secret not in flask(service, "keys", "list")


def test_both_workers_count_in_one_redis_and_no_address_can_be_forged(
    tmp_path: Path, redis_server: LocalServer
) -> None:
    with serving(tmp_path, RATE_LIMITS="4/hour", REDIS_URL=redis_server.url) as service:
        for number in range(2):
            forged = {"X-Forwarded-For": f"192.0.2.{number}"}
            assert statuses_of_both(service, "/songs", **forged) == [200, 200]
        assert statuses_of_both(service, "/songs") == [429, 429]


def test_a_client_cannot_tell_the_scheme_or_the_path_by_a_header(tmp_path: Path) -> None:
    with serving(tmp_path, FORWARDED_ALLOW_IPS="*") as service, service.client() as client:
        forged = {"X-Forwarded-Proto": "https", "SCRIPT_NAME": "/a", "Host": "a.example"}
        answer = client.get("/", headers=forged)
    assert "http://a.example/predict" in answer.text


def test_behind_a_trusted_proxy_clients_are_counted_by_themselves(tmp_path: Path) -> None:
    environ = {"RATE_LIMITS": "1/hour", "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1"}
    with serving(tmp_path, **environ) as service, service.client() as client:

        def ask(forwarded: str) -> httpx.Response:
            return client.get("/songs", headers={"X-Forwarded-For": forwarded})

        assert ask("198.51.100.1").status_code == 200
        assert ask("203.0.113.1, 198.51.100.1").status_code == 429
        assert ask("198.51.100.2").status_code == 200
