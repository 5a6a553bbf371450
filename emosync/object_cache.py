"""Copies of remote objects on disk, renewed by their ETags.

Many processes share the folder without waiting for each other: each downloads for itself,
writes beside and renames. What they know of a copy stands in the file itself:

- its head: ETag, size and checksum, so that body and ETag never disagree;
- its time of change: when the remote side last said that the copy is current;
- its time of access: when it was last used; the copies that nobody uses leave first.
"""

import json
import logging
import os
import secrets
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from emosync.errors import NotFound, Unavailable, UpstreamError
from emosync.file_store import PART_SUFFIX
from emosync.single_flight import SingleFlight

_log = logging.getLogger(__name__)

# Writing a part takes seconds; whoever began one this long ago has died.
_PART_AGE_S: Final = 600.0
# The time of access is written at most this often: it only has to tell days from minutes.
_USE_STEP_S: Final = 60.0
# A sweep reads the whole folder, so one comes when this share of the limit has been written
# and makes room for the other processes to write as much.
_SWEEP_SHARE: Final = 0.05
_SWEPT_SHARE: Final = 0.85
# File systems give out whole blocks: a library of short JSON files takes twice its bytes.
_BLOCK_BYTES: Final = 4096
# A copy begins with the length of its head.
_LENGTH_BYTES: Final = 2


@dataclass(frozen=True)
class Download:
    """An object as the remote side holds it.

    Attributes
    ----------
    etag : str
        Changes when the content does.
    data : bytes
        The whole content.
    """

    etag: str
    data: bytes


# Given the ETag of the copy, or None without one; None says that the copy is current.
Fetch = Callable[[str | None], Download | None]


@dataclass(frozen=True)
class _Copy:
    etag: str
    data: bytes
    checked_s: float


class _File(NamedTuple):
    """What a sweep sees; there may be hundreds of thousands."""

    path: str
    size_bytes: int
    used_s: float
    changed_s: float

    @property
    def is_part(self) -> bool:
        return self.path.endswith(PART_SUFFIX)


class ObjectCache:
    """A folder of copies, shared by processes and threads.

    Parameters
    ----------
    path : Path
        The folder; made with the first copy.
    limit_bytes : int
        Disk that the copies may take together.
    check_s : float >= 0
        How long a copy is used before the remote side is asked whether it is current.
    """

    def __init__(self, path: Path, *, limit_bytes: int, check_s: float) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._check_s = check_s
        self._renewals: SingleFlight[bytes] = SingleFlight()
        self._failed_s: float | None = None
        # The first copy that a process keeps brings a sweep: others may have left parts.
        self._unswept_bytes = limit_bytes

    def read(self, name: str, fetch: Fetch, *, fall_back: bool = False) -> bytes:
        """Return an object, from disk if the copy there is current.

        Parameters
        ----------
        name : str
            Tells the object from all others.
        fetch : callable
            Gets the object, or None if it still has the ETag that it is given.
        fall_back : bool
            Whether an older copy will do while the remote side fails.

        Returns
        -------
        bytes

        Raises
        ------
        NotFound
            If the remote side has no such object; the copy leaves too.
        UpstreamError, Unavailable
            What `fetch` raises, unless an older copy will do.
        """
        path = self._file(name)
        copy = _stored(path)
        if copy is None or not self._is_current(copy, fall_back):
            return self._renewals.run(path, lambda: self._renewed(path, fetch, fall_back))
        return copy.data

    def discard(self, name: str) -> None:
        """Forget a copy, as after the object was written."""
        _forget(self._file(name))

    def _file(self, name: str) -> Path:
        return self._path / sha256(name.encode()).hexdigest()

    def _is_current(self, copy: _Copy, fall_back: bool) -> bool:
        # A time in the future comes from a clock that was set back, and proves nothing.
        if 0 <= time.time() - copy.checked_s < self._check_s:
            return True
        # While the remote side is down, its time-outs must not hold up every request.
        return (
            fall_back
            and self._failed_s is not None
            and (time.monotonic() - self._failed_s < self._check_s)
        )

    def _renewed(self, path: Path, fetch: Fetch, fall_back: bool) -> bytes:
        copy = _stored(path)  # again: another thread may have just been here
        if copy is not None and self._is_current(copy, fall_back):
            return copy.data
        try:
            download = fetch(copy.etag if copy else None)
        except NotFound:
            _forget(path)
            raise
        except (UpstreamError, Unavailable):
            if copy is None or not fall_back:
                raise
            self._failed_s = time.monotonic()
            _log.warning("an older copy stands in for the song library", exc_info=True)
            return copy.data
        self._failed_s = None
        if download is not None:
            self._keep(path, download)
            return download.data
        if copy is None:
            raise UpstreamError("The song library compared a copy that nobody has.")
        _touch(path)
        return copy.data

    def _keep(self, path: Path, download: Download) -> None:
        size_bytes = _disk_bytes(len(download.data))
        if size_bytes > _SWEPT_SHARE * self._limit_bytes:
            return  # it would drive out all others and itself
        try:
            self._write(path, download)
            self._unswept_bytes += size_bytes
            if self._unswept_bytes >= _SWEEP_SHARE * self._limit_bytes:
                self._unswept_bytes = 0
                self._sweep()
        except OSError:
            # The cache saves time only; a full disk must not cost the answer.
            _log.warning("a copy cannot be kept", exc_info=True)

    def _write(self, path: Path, download: Download) -> None:
        """Write beside, then rename, so that no other process reads half a copy."""
        self._path.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{secrets.token_hex(8)}{PART_SUFFIX}")
        try:
            with part.open("xb") as file:
                file.write(_head(download))
                file.write(download.data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove the parts of dead processes, and the copies not used for longest."""
        files = _files(self._path)
        for file in files:
            if file.is_part and time.time() - file.changed_s > _PART_AGE_S:
                _forget(file.path)
        copies = [file for file in files if not file.is_part]
        total_bytes = sum(_disk_bytes(copy.size_bytes) for copy in copies)
        excess_bytes = total_bytes - _SWEPT_SHARE * self._limit_bytes
        for copy in sorted(copies, key=attrgetter("used_s")):
            if excess_bytes <= 0:
                return
            _forget(copy.path)
            excess_bytes -= _disk_bytes(copy.size_bytes)


def _head(download: Download) -> bytes:
    facts = {
        "etag": download.etag,
        "size": len(download.data),
        "crc32": zlib.crc32(download.data),
    }
    text = json.dumps(facts).encode()
    return len(text).to_bytes(_LENGTH_BYTES, "big") + text


def _stored(path: Path) -> _Copy | None:
    """Read a copy and note that it was used; None if there is none, or none that is whole."""
    try:
        # Without a buffer the content is read straight into its bytes: a song's need no twin.
        with path.open("rb", buffering=0) as file:
            stat = os.fstat(file.fileno())
            facts = json.loads(file.read(int.from_bytes(file.read(_LENGTH_BYTES), "big")))
            data = file.read()
            if time.time() - stat.st_atime > _USE_STEP_S:
                os.utime(file.fileno(), ns=(time.time_ns(), stat.st_mtime_ns))
        # After a loss of power a file may have its name and not its content.
        is_whole = len(data) == facts["size"] and zlib.crc32(data) == facts["crc32"]
        return _Copy(facts["etag"], data, stat.st_mtime) if is_whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _touch(path: Path) -> None:
    """Note that a copy is current."""
    with suppress(OSError):  # another process may have removed it
        os.utime(path)


def _forget(path: str | Path) -> None:
    with suppress(OSError):
        os.unlink(path)


def _files(folder: Path) -> list[_File]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # removed by another process
                stat = entry.stat(follow_symlinks=False)
                found.append(_File(entry.path, stat.st_size, stat.st_atime, stat.st_mtime))
    return found


def _disk_bytes(size_bytes: int) -> int:
    return -(-size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
