import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from buckets import SECRET, BreakingOff, answering, refusing

from emosync.config import Config
from emosync.errors import (
    EmoSyncError,
    LibraryAccessRefused,
    LibraryBucketMissing,
    LibraryCredentialsMissing,
    LibraryTimeout,
    LibraryUnreachable,
    NotFound,
    UpstreamError,
)
from s3utils import (
    ATTEMPTS,
    Client,
    download_from_s3,
    list_files_in_bucket,
    make_client,
    process_client,
    upload_to_s3,
)

MISSING = "no-such-bucket"
KEY = "COMPLETED PLAYBACK STRINGS/a.json"
DATA = bytes(range(256)) * 4096  # 1 MB

# Each asks the bucket for something.
CALLS: dict[str, Callable[[Client], object]] = {
    "download": lambda client: download_from_s3(client, MISSING, KEY),
    "upload": lambda client: upload_to_s3(client, MISSING, KEY, b"{}"),
    "list": lambda client: list(list_files_in_bucket(client, MISSING)),
}


@pytest.fixture
def make(config: Config) -> Iterator[Callable[..., Client]]:
    """Make clients that are closed in the end."""
    clients = []

    def make_one(url: str, **settings: Any) -> Client:
        clients.append(make_client(replace(config, aws_endpoint_url=url, **settings)))
        return clients[-1]

    yield make_one
    for client in clients:
        client.close()


@pytest.fixture
def client(make: Callable[..., Client], credentials: None, s3_server: str) -> Client:
    return make(s3_server)


@pytest.fixture
def bucket(client: Client) -> str:
    """Make a bucket."""
    name = f"songs-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    return name


def failure(call: str, client: Client) -> EmoSyncError:
    with pytest.raises(EmoSyncError) as caught:
        CALLS[call](client)
    assert caught.value.message.endswith(".")
    assert SECRET not in caught.value.message
    assert "127.0.0.1" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("key", [KEY, "a", "ü/é +%&?#.json", "a//b"])
def test_what_was_put_is_got(client: Client, bucket: str, key: str) -> None:
    upload_to_s3(client, bucket, key, DATA)
    download = download_from_s3(client, bucket, key)
    assert download is not None
    assert download.data == DATA
    assert list(list_files_in_bucket(client, bucket)) == [key]


def test_an_empty_object_is_got(client: Client, bucket: str) -> None:
    upload_to_s3(client, bucket, KEY, b"")
    download = download_from_s3(client, bucket, KEY)
    assert download is not None
    assert download.data == b""


def test_a_copy_with_the_same_etag_is_not_sent_again(client: Client, bucket: str) -> None:
    upload_to_s3(client, bucket, KEY, b"old")
    old = download_from_s3(client, bucket, KEY)
    assert old is not None
    assert download_from_s3(client, bucket, KEY, etag=old.etag) is None
    upload_to_s3(client, bucket, KEY, b"new")
    new = download_from_s3(client, bucket, KEY, etag=old.etag)
    assert new is not None
    assert new.data == b"new"


def test_an_object_says_what_it_is_by_its_suffix(client: Client, bucket: str) -> None:
    upload_to_s3(client, bucket, KEY, b"{}")
    upload_to_s3(client, bucket, "no suffix", b"")
    types = [client.head_object(Bucket=bucket, Key=k)["ContentType"] for k in (KEY, "no suffix")]
    assert types == ["application/json", "application/octet-stream"]


def test_every_page_is_listed(client: Client, crowded_bucket: str) -> None:
    keys = list(list_files_in_bucket(client, crowded_bucket, "CURVES/"))
    assert keys == [f"CURVES/song-{number:04}.json" for number in range(1_203)]
    assert len(list(list_files_in_bucket(client, crowded_bucket))) == len(keys) + 2


def test_an_object_that_is_not_there_is_not_found(client: Client, bucket: str) -> None:
    with pytest.raises(NotFound):
        download_from_s3(client, bucket, KEY)


@pytest.mark.parametrize("call", CALLS)
def test_a_bucket_that_is_not_there_is_named_as_the_reason(
    make: Callable[..., Client], credentials: None, s3_server: str, call: str
) -> None:
    assert isinstance(failure(call, make(s3_server)), LibraryBucketMissing)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", LibraryAccessRefused),
        (403, "InvalidAccessKeyId", LibraryAccessRefused),
        (403, "SignatureDoesNotMatch", LibraryAccessRefused),
        (403, "RequestTimeTooSkewed", LibraryAccessRefused),
        (400, "ExpiredToken", LibraryAccessRefused),
        (400, "AuthorizationHeaderMalformed", LibraryAccessRefused),
        (400, "InvalidRequest", UpstreamError),
        (404, "NoSuchBucket", LibraryBucketMissing),
    ],
)
def test_a_refusal_is_told_by_its_reason(
    make: Callable[..., Client],
    credentials: None,
    call: str,
    status: int,
    code: str,
    error: type[EmoSyncError],
) -> None:
    with answering(refusing(status, code)) as url:
        assert type(failure(call, make(url))) is error


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
def test_a_failing_server_is_asked_again_and_then_unreachable(
    make: Callable[..., Client],
    credentials: None,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr("time.sleep", lambda duration_s: None)  # of boto3, between attempts
    asked = []

    def respond(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        refusing(status, code)(request)

    with answering(respond) as url:
        assert isinstance(failure(call, make(url)), LibraryUnreachable)
    assert len(asked) == ATTEMPTS


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_down_is_unreachable(
    make: Callable[..., Client], credentials: None, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda duration_s: None)
    with answering(refusing(500, "")) as url:
        pass  # nobody listens there any longer
    assert isinstance(failure(call, make(url)), LibraryUnreachable)


@pytest.mark.parametrize("call", CALLS)
def test_a_silent_server_is_waited_for_no_longer_than_configured(
    make: Callable[..., Client], credentials: None, call: str
) -> None:
    ended = threading.Event()

    def respond(request: BaseHTTPRequestHandler) -> None:
        ended.wait(30)
        request.close_connection = True

    begun_s = time.monotonic()
    with answering(respond) as url:
        assert isinstance(failure(call, make(url, s3_timeout_s=0.1)), LibraryTimeout)
        ended.set()
    # Three attempts and the pauses between them.
    assert time.monotonic() - begun_s < 10


@pytest.mark.parametrize("call", CALLS)
def test_missing_credentials_are_told_apart(
    make: Callable[..., Client], s3_server: str, call: str
) -> None:
    assert isinstance(failure(call, make(s3_server)), LibraryCredentialsMissing)


def test_half_of_the_credentials_are_none(
    make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, s3_server: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTS")
    with pytest.raises(LibraryCredentialsMissing):
        CALLS["download"](make(s3_server))


def test_a_profile_that_is_not_there_is_missing_credentials(
    make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, s3_server: str
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(LibraryCredentialsMissing):
        make(s3_server)


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    make: Callable[..., Client], credentials: None, knows_ranges: bool
) -> None:
    server = BreakingOff(DATA, n_breaks=2, knows_ranges=knows_ranges)
    with answering(server) as url:
        download = download_from_s3(make(url), MISSING, KEY)
    assert download is not None
    assert download.data == DATA
    if knows_ranges:
        half, three_quarters = len(DATA) // 2, len(DATA) * 3 // 4
        assert server.ranges == [None, f"bytes={half}-", f"bytes={three_quarters}-"]


def test_a_download_that_always_breaks_off_is_given_up(
    make: Callable[..., Client], credentials: None
) -> None:
    server = BreakingOff(DATA, n_breaks=100)
    with answering(server) as url:
        assert isinstance(failure("download", make(url)), LibraryUnreachable)
    assert len(server.ranges) == ATTEMPTS


def test_two_halves_of_different_objects_are_never_joined(
    make: Callable[..., Client], credentials: None
) -> None:
    server = BreakingOff(DATA, n_breaks=1)

    def respond(request: BaseHTTPRequestHandler) -> None:
        server(request)
        server.etag = '"second"'

    with answering(respond) as url:
        assert isinstance(failure("download", make(url)), LibraryUnreachable)


def test_a_process_makes_one_client_for_its_threads(config: Config, credentials: None) -> None:
    config = replace(config, data_path=Path("one"), aws_endpoint_url="http://127.0.0.1:1")
    assert process_client(config) is process_client(replace(config))


def test_a_fork_makes_a_client_of_its_own(
    config: Config, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, data_path=Path("two"), aws_endpoint_url="http://127.0.0.1:1")
    before = process_client(config)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert process_client(config) is not before
