"""Files in a bucket, which any number of machines share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from emosync.config import Config
from emosync.errors import NotFound, StorageUnavailable, Unavailable, UpstreamError
from s3utils import (
    download_from_s3,
    is_in_s3,
    link_to_s3,
    list_files_in_bucket,
    process_client,
    remove_from_s3,
    upload_to_s3,
)

# Long enough to follow a redirect and load a page, too short to hand on.
LINK_LIFE_S: Final = 300


class BucketStore:
    """Objects of a bucket under one prefix; a `FileStore`.

    Parameters
    ----------
    config : Config
        Names the bucket and its server.
    prefix : str
        What the keys begin with, such as "UPLOADS/".
    """

    def __init__(self, config: Config, prefix: str) -> None:
        self._config = config
        self._bucket = config.files_bucket_name
        self._prefix = prefix

    def keep(self, name: str, data: bytes) -> None:
        """Put an object, which readers see whole; raises StorageUnavailable."""
        with _storage_errors():
            upload_to_s3(process_client(self._config), self._bucket, self._prefix + name, data)

    def read(self, name: str) -> bytes:
        """Get an object; raises NotFound, StorageUnavailable."""
        with _storage_errors():
            found = download_from_s3(
                process_client(self._config), self._bucket, self._prefix + name
            )
        return found.data if found else b""

    def has(self, name: str) -> bool:
        """Tell whether there is such an object; raises StorageUnavailable."""
        with _storage_errors():
            return is_in_s3(process_client(self._config), self._bucket, self._prefix + name)

    def discard(self, name: str) -> None:
        """Remove an object, if it is there and can be; never raises."""
        try:
            self.remove([name])
        except StorageUnavailable:
            # It follows a failure that is already on its way to the log.
            return

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, if they are there; raises StorageUnavailable if one may be left."""
        keys = [self._prefix + name for name in names]
        with _storage_errors():
            remove_from_s3(process_client(self._config), self._bucket, keys)

    def names(self) -> Iterator[str]:
        """Yield the name of every object; raises StorageUnavailable."""
        with _storage_errors():
            client = process_client(self._config)
            for key in list_files_in_bucket(client, self._bucket, self._prefix):
                yield key.removeprefix(self._prefix)

    def clear_parts(self, *, age_s: float) -> None:
        """Do nothing: a bucket shows no object before it is whole."""

    def link(self, name: str, *, media_type: str, download_name: str | None = None) -> str | None:
        """Return a URL that gets the object for `LINK_LIFE_S`; asks no server."""
        public = self._config.files_public_url or self._config.aws_endpoint_url
        with _storage_errors():
            return link_to_s3(
                process_client(replace(self._config, aws_endpoint_url=public)),
                self._bucket,
                self._prefix + name,
                life_s=LINK_LIFE_S,
                media_type=media_type,
                download_name=download_name,
            )


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Raise what fails as the trouble of a store; the cause goes to the log."""
    try:
        yield
    except NotFound as exc:
        raise NotFound("No file of that name is stored.") from exc
    except (Unavailable, UpstreamError) as exc:
        raise StorageUnavailable(
            "The store of files does not answer as it should; try again later."
        ) from exc
