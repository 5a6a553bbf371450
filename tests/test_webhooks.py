"""Webhooks: whom they call, how they are signed, and when they are sent again."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from answers import assert_problem
from buckets import answering
from flask.testing import FlaskClient

from app import create_app
from application.jobs.job_callers import JobCallers
from application.jobs.job_runner import JobRunner
from application.jobs.job_service import JobService
from application.jobs.job_work import JobWork
from application.services import Services
from emosync import webhooks
from emosync.caller import Caller, working_for
from emosync.config import Config
from emosync.database import Database
from emosync.file_store import FolderStore
from emosync.job_calls import JobCalls
from emosync.job_errors import WebhookRefused
from emosync.job_queue import JobQueue
from emosync.job_tables import JOBS, now
from emosync.jobs import Jobs, NewItem, NewJob
from emosync.webhooks import CallFailed, Webhooks, check_webhook_url, is_public

SECRET = bytes(range(32))
BODY = b'{"type": "job.finished"}'


@dataclass
class Receiver:
    """Takes calls, and answers with a status."""

    status: int = 204
    location: str = ""
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.calls.append((request.path, dict(request.headers.items())))
        request.send_response(self.status)
        if self.location:
            request.send_header("Location", self.location)
        request.send_header("Content-Length", "0")
        request.end_headers()


def anybody(_address: str) -> bool:
    return True


def call(url: str, caller: Webhooks | None = None) -> None:
    caller = caller or Webhooks(SECRET, may_call=anybody)
    caller.call(url, message_id="m1", timestamp_s=1_700_000_000, body=BODY)


def test_a_call_is_signed_as_standard_webhooks_has_it() -> None:
    receiver = Receiver()
    with answering(receiver) as url:
        call(f"{url}/hook?a=b")
    ((path, headers),) = receiver.calls
    assert path == "/hook?a=b"
    assert headers["Host"] == url.removeprefix("http://")
    assert headers["Content-Type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("m1", "1700000000")
    digest = hmac.new(SECRET, b"m1.1700000000." + BODY, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_any_answer_but_success_is_a_failure(status: int) -> None:
    with answering(Receiver(status)) as url, pytest.raises(CallFailed, match=str(status)):
        call(url)


def test_a_redirect_is_not_followed() -> None:
    elsewhere = Receiver()
    with (
        answering(elsewhere) as target,
        answering(Receiver(307, target)) as url,
        pytest.raises(CallFailed),
    ):
        call(url)
    assert elsewhere.calls == []


def test_a_private_address_is_never_connected_to() -> None:
    receiver = Receiver()
    with answering(receiver) as url:
        port = url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0", "[::1]"):
            with pytest.raises(CallFailed):
                call(f"http://{host}:{port}/", Webhooks(SECRET))
    assert receiver.calls == []


def test_a_name_is_resolved_once_and_all_of_its_addresses_must_be_public(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, connected = [], []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        # A name that changes: public when it is checked, private when it is asked for again.
        addresses = ["93.184.216.34"] if len(asked) == 1 else ["10.0.0.1"]
        return [(socket.AF_INET, 0, 0, "", (address, port)) for address in addresses]

    def connect(address: tuple[str, int], *_: Any) -> socket.socket:
        connected.append(address)
        raise OSError("far away")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(CallFailed):
        call("https://changes.example/", Webhooks(SECRET))
    assert (asked, connected) == (["changes.example"], [("93.184.216.34", 443)])
    with pytest.raises(CallFailed):
        call("https://changes.example/", Webhooks(SECRET))
    assert len(connected) == 1


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
        "2001:0:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "fec0::1", "::127.0.0.1",
        "::ffff:0:127.0.0.1", "192.88.99.1", "::ffff:192.88.99.1", "3fff::1", "5f00::1", "100::1",
    ],
)  # fmt: skip
def test_what_is_not_on_the_public_internet_is_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_what_is_on_the_public_internet_is_told(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "example.org", "https://", "https://user:pass@example.org/",
        "https://example.org:99999/", "https://example.org:0/", "https://exa mple.org/",
        "https://example.org/\r\nX: y", "https://[::1", "http://127.0.0.1/", "http://[::1]:80/",
        "http://169.254.169.254/latest", "https://example.org/" + "x" * 2_001, "https://\xe4.org/",
        "http://a..b/", f"http://{'x' * 64}.org/", "http://.org/",
    ],
)  # fmt: skip
def test_what_is_no_plain_public_url_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        check_webhook_url(url)


def test_a_certificate_of_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is checked against the name in the URL, not against the address."""
    asked = []
    wrap = ssl.SSLContext.wrap_socket

    def watched(context: ssl.SSLContext, plain: socket.socket, **options: Any) -> ssl.SSLSocket:
        asked.append((options["server_hostname"], context.check_hostname, context.verify_mode))
        return wrap(context, plain, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", watched)
    with answering(Receiver()) as url, pytest.raises(CallFailed):
        call(f"https://localhost:{url.rpartition(':')[2]}/")
    assert asked == [("localhost", True, ssl.CERT_REQUIRED)]


def test_who_sends_an_answer_byte_by_byte_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def trickle(request: BaseHTTPRequestHandler) -> None:
        try:
            for _ in range(100):
                request.wfile.write(b"H")
                time.sleep(0.05)
        except OSError:
            request.close_connection = True

    monkeypatch.setattr(webhooks, "MAX_DURATION_S", 0.3)
    started_s = time.monotonic()
    with answering(trickle) as url, pytest.raises(CallFailed):
        call(url)
    assert time.monotonic() - started_s < 4


def test_a_name_that_the_resolver_chokes_on_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        raise UnicodeError("label empty or too long")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(CallFailed, match="label"):
        call("https://strange.example/")


def test_a_name_that_is_not_resolved_in_time_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        time.sleep(2)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.2)
    started_s = time.monotonic()
    with pytest.raises(CallFailed, match="Timeout"):
        call("https://slow.example/")
    assert time.monotonic() - started_s < 1.5


@dataclass(frozen=True)
class Ended:
    """A job that has ended and whom to call for it."""

    database: Database
    calls: JobCalls
    job_id: str

    def make_due(self) -> None:
        with self.database.begin() as connection:
            due = JOBS.c.webhook_due.is_not(None)
            connection.execute(JOBS.update().where(due).values(webhook_due=now()))


@pytest.fixture
def ended(database: Database, tmp_path: Path) -> Ended:
    bodies = FolderStore(tmp_path / "bodies")
    jobs, queue = Jobs(database, bodies, lease_s=9), JobQueue(database, bodies, lease_s=9)
    new = NewJob("GET", "/predict", [NewItem("")], webhook="https://example.org/")
    job_id = jobs.add(new).id
    calls = JobCalls(database, jobs)
    assert calls.take_next() is None
    taken = queue.take_next()
    assert taken is not None
    queue.finish(taken, status=200, answer="{}")
    return Ended(database, calls, job_id)


def test_a_job_that_has_ended_is_called_for_once(ended: Ended) -> None:
    due = ended.calls.take_next()
    assert due is not None
    assert due.url == "https://example.org/"
    message = json.loads(due.body)
    assert message["type"] == "job.finished"
    assert message["data"]["id"] == ended.job_id
    assert message["data"]["state"] == "done"
    assert message["data"]["progress"]["done"] == 1
    assert ended.calls.take_next() is None
    ended.calls.taken(due)
    ended.make_due()
    assert ended.calls.take_next() is None


def test_a_call_that_is_not_taken_is_made_again_until_it_is_given_up(ended: Ended) -> None:
    for attempt in range(1, 8):
        due = ended.calls.take_next()
        assert due is not None
        assert due.attempts == attempt
        ended.calls.refused(due)
        assert ended.calls.take_next() is None  # it waits
        ended.make_due()
    assert ended.calls.take_next() is None


def test_a_call_whose_process_died_is_made_by_another(ended: Ended) -> None:
    first = ended.calls.take_next()
    assert first is not None
    with ended.database.begin() as connection:
        connection.execute(JOBS.update().values(webhook_due=now() - timedelta(seconds=1)))
    second = ended.calls.take_next()
    assert second is not None
    ended.calls.refused(first)  # too late to count
    ended.calls.taken(second)
    ended.make_due()
    assert ended.calls.take_next() is None


def test_a_job_calls_its_webhook_when_it_has_ended(config: Config) -> None:
    app = create_app(replace(config, webhook_secret=SECRET, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    services.work.webhooks = Webhooks(SECRET, may_call=anybody)
    receiver = Receiver()
    with answering(receiver) as url:
        # The view refuses a private address, so the job is made here.
        new = NewJob("GET", "/predict", [NewItem("song_id=a")], webhook=f"{url}/hook")
        job = services.work.accept(new)
        work = JobWork(app)
        work.start()
        deadline_s = time.monotonic() + 60
        while not receiver.calls:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        work.stop()
    assert receiver.calls[0][1]["webhook-id"] == job.id
    services.close()


def test_a_call_that_nobody_ends_is_given_up(ended: Ended) -> None:
    for _ in range(7):
        assert ended.calls.take_next() is not None
        ended.make_due()
    assert ended.calls.take_next() is None


def test_an_owner_may_have_to_wait(ended: Ended) -> None:
    assert ended.calls.take_next(but_not={"", "k1"}) is None
    assert ended.calls.take_next(but_not={"k1"}) is not None


def ended_jobs(work: JobService, urls: Sequence[tuple[str, str]]) -> None:
    """Make a job for each owner and URL, and end it."""
    for owner, url in urls:
        with working_for(Caller(owner=owner)):
            work.accept(NewJob("GET", "/predict", [NewItem("")], webhook=url))
        taken = work.queue.take_next()
        assert taken is not None
        work.queue.finish(taken, status=200, answer="{}")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.fixture
def work(config: Config) -> Iterator[JobService]:
    app = create_app(replace(config, webhook_secret=SECRET, database_timeout_s=5.0))
    services: Services = app.extensions["emosync"]
    services.work.webhooks = Webhooks(SECRET, may_call=anybody)
    yield services.work
    services.close()


def test_a_slow_host_delays_its_owner_alone(work: JobService) -> None:
    may_end = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        slow_calls.append(request.path)
        may_end.wait(10)
        request.send_response(204)
        request.end_headers()

    slow_calls: list[str] = []
    quick = Receiver()
    callers = JobCallers(work)
    with answering(slow) as slow_url, answering(quick) as url:
        ended_jobs(work, [("k1", slow_url)] * 6 + [("k2", url)] * 3)
        callers.start_due()
        wait_for(lambda: len(quick.calls) == 3)
        assert len(slow_calls) == 1
        callers.stop()
        may_end.set()
        wait_for(lambda: not any(t.name == "job-webhook" for t in threading.enumerate()))


def test_a_call_that_fails_in_an_unknown_way_holds_up_no_other(
    work: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, post = Receiver(), work.webhooks.call

    def call(url: str, **message: Any) -> None:
        if url == "http://poison.example/":
            raise RuntimeError("poison")
        post(url, **message)

    monkeypatch.setattr(work.webhooks, "call", call)
    callers = JobCallers(work)
    with answering(receiver) as url:
        ended_jobs(work, [("", "http://poison.example/")] * 8 + [("", url)])
        callers.start_due()
        wait_for(lambda: len(receiver.calls) == 1)
        wait_for(lambda: not any(t.name == "job-webhook" for t in threading.enumerate()))


def test_a_webhook_is_wished_by_the_query_and_stays_out_of_the_job(config: Config) -> None:
    app = create_app(replace(config, webhook_secret=SECRET))
    client, services = app.test_client(), app.extensions["emosync"]
    path = "/predict?song_id=a&webhook=https://example.org/hook"
    assert client.get(path, headers={"Prefer": "respond-async"}).status_code == 202
    taken = services.work.queue.take_next()
    assert taken.query == "song_id=a"
    JobRunner(app).run(taken)
    assert services.work.calls.take_next().url == "https://example.org/hook"
    answer = client.post("/batch?webhook=http://10.0.0.1/", json={"song_ids": ["a"]})
    assert_problem(answer, 400, "webhook_refused")
    services.close()


def test_without_a_secret_no_webhook_is_accepted(client: FlaskClient) -> None:
    path = "/predict?song_id=a&webhook=https://example.org/hook"
    answer = client.get(path, headers={"Prefer": "respond-async"})
    assert_problem(answer, 400, "webhook_refused")
