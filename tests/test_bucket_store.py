"""The store in a bucket, against a real server that speaks S3."""

from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from itertools import count
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from buckets import answering, fill, refusing

from application.storage.bucket_store import LINK_LIFE_S, BucketStore
from emosync.config import Config
from emosync.errors import NotFound, StorageUnavailable

_NUMBERS = count()


@pytest.fixture
def bucket_config(config: Config, s3_server: str, credentials: None) -> Config:
    name = f"files-{next(_NUMBERS)}"
    fill(s3_server, name, [])
    return replace(config, files_bucket_name=name, aws_endpoint_url=s3_server, aws_region="")


@pytest.fixture
def store(bucket_config: Config) -> BucketStore:
    return BucketStore(bucket_config, "UPLOADS/")


def test_a_file_comes_back_under_its_name(store: BucketStore) -> None:
    assert not store.has("a.wav")
    store.keep("a.wav", b"first")
    store.keep("a.wav", b"second")
    assert store.has("a.wav")
    assert store.read("a.wav") == b"second"


def test_what_is_not_there_is_not_found_and_may_be_removed(store: BucketStore) -> None:
    with pytest.raises(NotFound):
        store.read("a.wav")
    store.discard("a.wav")
    store.remove(["a.wav"])


def test_stores_of_one_bucket_keep_apart(store: BucketStore, bucket_config: Config) -> None:
    other = BucketStore(bucket_config, "PICTURES/")
    store.keep("a.wav", b"sound")
    other.keep("a.wav.png", b"picture")
    assert list(store.names()) == ["a.wav"]
    assert list(other.names()) == ["a.wav.png"]
    assert not other.has("a.wav")


def test_more_than_one_request_takes_are_removed(
    store: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3utils._REMOVED_AT_ONCE", 3)
    names = [f"{number:04}.wav" for number in range(9)]
    for name in names:
        store.keep(name, b"sound")
    assert sorted(store.names()) == names
    store.remove(names[1:])
    assert list(store.names()) == names[:1]


def test_a_link_gets_the_file_as_it_is_to_be_sent(store: BucketStore) -> None:
    store.keep("a.png", b"picture")
    shown = httpx.get(store.link("a.png", media_type="image/png") or "")
    assert shown.content == b"picture"
    assert shown.headers["Content-Type"] == "image/png"
    assert "Content-Disposition" not in shown.headers
    link = store.link("a.png", media_type="application/pdf", download_name="b.pdf") or ""
    assert httpx.get(link).headers["Content-Disposition"] == 'attachment; filename="b.pdf"'


def test_a_link_is_signed_in_the_newer_way_and_ends_soon(store: BucketStore) -> None:
    query = parse_qs(urlsplit(store.link("a.png", media_type="image/png") or "").query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == [str(LINK_LIFE_S)]


def test_a_link_may_name_another_server_than_the_service_asks(bucket_config: Config) -> None:
    public = replace(bucket_config, files_public_url="https://files.example")
    link = BucketStore(public, "UPLOADS/").link("a.png", media_type="image/png") or ""
    assert link.startswith(f"https://files.example/{public.files_bucket_name}/UPLOADS/a.png?")


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (500, "InternalError")]
)
def test_a_bucket_that_fails_is_unavailable_storage(
    bucket_config: Config, status: int, code: str
) -> None:
    with answering(refusing(status, code)) as url:
        broken = BucketStore(replace(bucket_config, aws_endpoint_url=url), "UPLOADS/")
        for act in (
            lambda: broken.keep("a", b""),
            lambda: broken.read("a"),
            lambda: broken.remove(["a"]),
            lambda: list(broken.names()),
        ):
            with pytest.raises(StorageUnavailable):
                act()
        broken.discard("a")


def test_a_removal_that_is_refused_in_part_is_told(bucket_config: Config) -> None:
    body = (
        b"<DeleteResult><Error><Key>UPLOADS/a</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    )

    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "application/xml")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with answering(respond) as url:
        store = BucketStore(replace(bucket_config, aws_endpoint_url=url), "UPLOADS/")
        with pytest.raises(StorageUnavailable):
            store.remove(["a"])


def test_without_credentials_storage_is_unavailable(
    config: Config, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = replace(
        config, files_bucket_name="nobodys", aws_endpoint_url=s3_server, s3_timeout_s=4.0
    )
    store = BucketStore(unknown, "UPLOADS/")
    with pytest.raises(StorageUnavailable):
        store.keep("a", b"")
    with pytest.raises(StorageUnavailable):
        store.link("a", media_type="image/png")
