"""A bucket that keeps the song library, read through a cache on disk."""

from collections.abc import Iterator

from emosync.config import Config
from emosync.object_cache import Download, ObjectCache
from s3utils import download_from_s3, list_files_in_bucket, process_client, upload_to_s3


class SongBucket:
    """Objects in a bucket, read and written by key.

    All methods raise UpstreamError or Unavailable, or what is below them, when the bucket
    cannot be used; `s3utils` says which and when.

    Parameters
    ----------
    config : Config
        Names the bucket and its server, and sets the limits of the cache.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._name = config.s3_bucket_name
        self._cache = ObjectCache(
            config.cache_path, limit_bytes=config.cache_bytes, check_s=config.cache_check_s
        )

    def read(self, key: str, *, fall_back: bool = False) -> bytes:
        """Return an object, from the disk if the copy there is current.

        Parameters
        ----------
        key : str
            Such as "SONGS/a.mp3".
        fall_back : bool
            Whether an older copy will do while the bucket cannot be read.

        Returns
        -------
        bytes

        Raises
        ------
        NotFound
            If the bucket has no such object.
        """

        def fetch(etag: str | None) -> Download | None:
            return download_from_s3(process_client(self._config), self._name, key, etag=etag)

        return self._cache.read(self._name_of_copy(key), fetch, fall_back=fall_back)

    def write(self, key: str, data: bytes) -> None:
        """Keep an object; readers see the old one or the new one, never a part."""
        upload_to_s3(process_client(self._config), self._name, key, data)
        self._cache.discard(self._name_of_copy(key))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key that begins with a prefix."""
        return list_files_in_bucket(process_client(self._config), self._name, prefix)

    def _name_of_copy(self, key: str) -> str:
        # Two services with different buckets may share the disk.
        return f"{self._config.aws_endpoint_url}/{self._name}/{key}"
