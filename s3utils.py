"""S3, or any server that speaks like it: get, put, list, remove, link, and its errors as ours.

boto3 is imported by the first call. It takes 0.15 s and 11 MB beside the application, its
client 0.1 s and 16 MB more, and a service with a folder for its library needs neither.
"""

import io
import mimetypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

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
from emosync.object_cache import Download

# boto3 makes the classes of its clients as it runs, and ships no types.
Client = Any

# With the time-out of 5 s the last attempt ends before Heroku's router gives up, at 30 s.
ATTEMPTS: Final = 3
_CHUNK_BYTES: Final = 1 << 20
# As many as S3 takes in one request.
_REMOVED_AT_ONCE: Final = 1_000
# Refusals that do not come as 401 or 403; the last two answer a wrong region.
_REFUSALS: Final = frozenset(
    {"ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "PermanentRedirect"}
)
# Too many requests, and an object that changed between the two halves of a broken download.
_PASSING: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.PRECONDITION_FAILED)


def make_client(config: Config) -> Client:
    """Make a client; credentials come from boto3's own chain.

    A client may be shared by threads, not by processes: make it after the fork.

    Parameters
    ----------
    config : Config
        Region, endpoint and time-out.

    Returns
    -------
    boto3 S3 client

    Raises
    ------
    LibraryCredentialsMissing
        If AWS_PROFILE names a profile that is not there.
    """
    with library_errors():
        from boto3.session import Session
        from botocore.config import Config as ClientConfig

        settings = ClientConfig(
            connect_timeout=config.s3_timeout_s,
            read_timeout=config.s3_timeout_s,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # The checksums that boto3 adds by itself are unknown to many other servers.
            request_checksum_calculation="when_required",
            # Links are still signed in an older way by default, which AWS takes no longer.
            signature_version="s3v4",
        )
        # A session of its own: two threads must not make clients from the same one.
        return Session().client(
            "s3",
            region_name=config.aws_region or None,
            endpoint_url=config.aws_endpoint_url or None,
            config=settings,
        )


def process_client(config: Config) -> Client:
    """Return this process's client, making it on the first call, also after a fork."""
    return _client_of(config, os.getpid())


def download_from_s3(
    client: Client, bucket: str, key: str, *, etag: str | None = None
) -> Download | None:
    """Get an object, going on where it stopped if the connection breaks.

    Parameters
    ----------
    client : boto3 S3 client
        From `make_client`.
    bucket, key : str
        Where the object is.
    etag : str, optional
        Of a copy that is at hand.

    Returns
    -------
    Download or None
        None if the object still has that ETag.

    Raises
    ------
    NotFound
        If the bucket has no such object. Without the right to list the bucket, S3 says
        LibraryAccessRefused instead.
    LibraryAccessRefused, LibraryBucketMissing, LibraryCredentialsMissing
        If the bucket cannot be used as it is configured.
    LibraryTimeout, LibraryUnreachable, UpstreamError
        If its server does not answer, or not as it should.
    """
    with library_errors():
        condition = {"IfNoneMatch": etag} if etag else {}
        try:
            answer = client.get_object(Bucket=bucket, Key=key, **condition)
        except client.exceptions.ClientError as exc:
            if _status(exc) == HTTPStatus.NOT_MODIFIED:
                return None
            raise
        return Download(answer["ETag"], _whole_body(client, bucket, key, answer))


def upload_to_s3(client: Client, bucket: str, key: str, data: bytes) -> None:
    """Put an object; readers see the old one or the new one, never a part.

    Parameters
    ----------
    client : boto3 S3 client
        From `make_client`.
    bucket, key : str
        Where the object is to be; the key's suffix tells its type.
    data : bytes
        The whole content.

    Raises
    ------
    UpstreamError, Unavailable
        As `download_from_s3`.
    """
    media_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
    with library_errors():
        client.put_object(Bucket=bucket, Key=key, Body=data, ContentType=media_type)


def list_files_in_bucket(client: Client, bucket: str, prefix: str = "") -> Iterator[str]:
    """Yield every key that begins with a prefix, page after page, in S3's order.

    Parameters
    ----------
    client : boto3 S3 client
        From `make_client`.
    bucket : str
        Its name.
    prefix : str
        What the keys begin with.

    Yields
    ------
    str
        Keys; those that stand for a folder, with a slash at the end, are left out.

    Raises
    ------
    UpstreamError, Unavailable
        As `download_from_s3`.
    """
    with library_errors():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):
                    yield found["Key"]


def is_in_s3(client: Client, bucket: str, key: str) -> bool:
    """Tell whether a bucket has an object; raises UpstreamError, Unavailable."""
    with library_errors():
        try:
            client.head_object(Bucket=bucket, Key=key)
        except client.exceptions.ClientError as exc:
            if _status(exc) == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True


def remove_from_s3(client: Client, bucket: str, keys: Sequence[str]) -> None:
    """Remove objects, if they are there.

    Parameters
    ----------
    client : boto3 S3 client
        From `make_client`.
    bucket : str
        Its name.
    keys : sequence of str
        Of any length.

    Raises
    ------
    UpstreamError, Unavailable
        As `download_from_s3`; also if only some of them are left.
    """
    for begin in range(0, len(keys), _REMOVED_AT_ONCE):
        objects = [{"Key": key} for key in keys[begin : begin + _REMOVED_AT_ONCE]]
        with library_errors():
            answer = client.delete_objects(
                Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
            )
        if failed := answer.get("Errors"):
            raise UpstreamError(f"The bucket keeps {len(failed)} of {len(objects)} objects.")


def link_to_s3(
    client: Client,
    bucket: str,
    key: str,
    *,
    life_s: int,
    media_type: str,
    download_name: str | None = None,
) -> str:
    """Sign a URL with which anybody can get an object; asks no server.

    Parameters
    ----------
    client : boto3 S3 client
        From `make_client`; its endpoint is the one that the URL names.
    bucket, key : str
        Where the object is.
    life_s : int
        How long the URL is good, in seconds.
    media_type : str
        As which the object is sent.
    download_name : str, optional
        Under which a browser saves it; by default it is shown.

    Returns
    -------
    str

    Raises
    ------
    LibraryCredentialsMissing
        If there is nothing to sign with.
    """
    wanted = {"Bucket": bucket, "Key": key, "ResponseContentType": media_type}
    if download_name is not None:
        wanted["ResponseContentDisposition"] = f'attachment; filename="{download_name}"'
    with library_errors():
        link: str = client.generate_presigned_url("get_object", wanted, ExpiresIn=life_s)
    return link


@contextmanager
def library_errors() -> Iterator[None]:
    """Raise boto3's errors as ours; the cause goes to the log, never into the message."""
    import botocore.exceptions as s3

    missing = (s3.NoCredentialsError, s3.PartialCredentialsError, s3.CredentialRetrievalError)
    expired = (s3.ProfileNotFound, s3.TokenRetrievalError, s3.SSOError, s3.LoginError)
    broken = (s3.ConnectionError, s3.HTTPClientError, s3.IncompleteReadError, s3.ChecksumError)
    try:
        yield
    except s3.ClientError as exc:
        raise _refusal(exc) from exc
    except (*missing, *expired) as exc:
        raise LibraryCredentialsMissing(
            "The service has no credentials for the bucket of the song library."
        ) from exc
    except (s3.ConnectTimeoutError, s3.ReadTimeoutError) as exc:
        raise LibraryTimeout("The song library does not answer in time; try again later.") from exc
    except (*broken, s3.FlexibleChecksumError) as exc:
        raise LibraryUnreachable("The song library cannot be reached; try again later.") from exc
    except s3.BotoCoreError as exc:
        raise UpstreamError("The song library cannot be used as it is configured.") from exc


@lru_cache(maxsize=4)
def _client_of(config: Config, pid: int) -> Client:
    return make_client(config)


def _refusal(error: Any) -> EmoSyncError:
    """Tell what an answer of 300 or more means."""
    code, status = error.response["Error"]["Code"], _status(error)
    if code == "NoSuchBucket":
        return LibraryBucketMissing("The bucket of the song library does not exist.")
    if status == HTTPStatus.NOT_FOUND:
        return NotFound("The song library holds no such object.")
    if code in _REFUSALS or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return LibraryAccessRefused("The song library refuses the credentials of this service.")
    if code == "RequestTimeout":
        return LibraryTimeout("The song library does not answer in time; try again later.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        return LibraryUnreachable("The song library fails at the moment; try again later.")
    return UpstreamError("The song library refuses the request; the service's log says why.")


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def _whole_body(client: Client, bucket: str, key: str, answer: dict[str, Any]) -> bytes:
    """Read the body, asking for what is left of it when it breaks off."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    received = io.BytesIO()
    for left in reversed(range(ATTEMPTS)):
        try:
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                received.write(chunk)
            break
        except (HTTPClientError, IncompleteReadError):
            if not left:
                raise
            answer["Body"].close()
        answer = client.get_object(
            Bucket=bucket, Key=key, IfMatch=answer["ETag"], Range=f"bytes={received.tell()}-"
        )
        if "ContentRange" not in answer:  # the server knows no ranges
            received = io.BytesIO()
    # Of a buffer that is let go of, these are the same bytes and no copy.
    return received.getvalue()
