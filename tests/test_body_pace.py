"""Senders that stop or trickle hold no thread of a worker for long."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from service import Service, serving

from emosync.body_pace import PacedSocket
from emosync.errors import BodyTimeout

PAUSE_S = 1.0
# Threads of the two workers.
N_THREADS = 8
HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        yield sender, receiver


def test_silence_ends_the_wait(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    paced = PacedSocket(receiver, pause_s=0.1, bytes_per_s=1e6)
    sender.sendall(b"some")
    assert paced.recv(100) == b"some"
    with pytest.raises(BodyTimeout):
        paced.recv(100)
    assert receiver.gettimeout() is None


def test_a_trickle_ends_too(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    paced = PacedSocket(receiver, pause_s=0.2, bytes_per_s=1e6)
    begun_s = time.monotonic()
    with pytest.raises(BodyTimeout):
        while time.monotonic() < begun_s + 10:
            sender.sendall(b"a")
            time.sleep(0.05)
            paced.recv(100)
    assert time.monotonic() < begun_s + 5


def test_a_steady_sender_may_take_long(ends: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = ends
    paced = PacedSocket(receiver, pause_s=0.2, bytes_per_s=100)
    for _ in range(8):
        time.sleep(0.05)
        sender.sendall(bytes(10))
        assert paced.recv(100) == bytes(10)
    sender.close()
    assert paced.recv(100) == b""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, BODY_PAUSE_S=str(PAUSE_S), BODY_MIN_KB_S="20") as service:
        yield service


def connected(service: Service) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.server.port), timeout=60)
    connection.sendall(HEAD)
    return connection


def answered(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(65_536):
        answer += part
    return answer


def test_stalled_uploads_end_and_others_are_answered(service: Service) -> None:
    def stall(connection: socket.socket) -> bytes:
        with connection:
            return answered(connection)

    with ThreadPoolExecutor(3 * N_THREADS) as pool:
        stalled = [pool.submit(stall, connected(service)) for _ in range(3 * N_THREADS)]
        # Some rounds of silence at most before a thread is free.
        health = httpx.get(f"http://127.0.0.1:{service.server.port}/health", timeout=60)
        assert health.status_code == 200
        answers = [answer.result() for answer in stalled]
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert all(b'"code": "body_timeout"' in answer for answer in answers)
    assert not service.uploads


def test_a_trickling_upload_is_ended(service: Service) -> None:
    begun_s = time.monotonic()
    with connected(service) as connection, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(answered, connection)
        try:
            while not answer.done() and time.monotonic() < begun_s + 60:
                connection.sendall(b"a")
                time.sleep(PAUSE_S / 10)
        except OSError:
            pass  # the server has closed the connection, as it shall
        assert answer.result().startswith(b"HTTP/1.1 408 ")


def test_a_slow_but_steady_upload_is_taken(service: Service, voice: bytes) -> None:
    begin = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body = begin + voice + b"\r\n--x--\r\n"
    head = HEAD.split(b"\r\n\r\n")[0].replace(b"500000", str(len(body)).encode())
    address = ("127.0.0.1", service.server.port)
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(head + b"\r\nConnection: close\r\n\r\n")
        step = len(body) // 8 + 1
        for start in range(0, len(body), step):
            time.sleep(PAUSE_S / 4)
            connection.sendall(body[start : start + step])
        assert answered(connection).startswith(b"HTTP/1.1 200 ")
