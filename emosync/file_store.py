"""Files under names of our own making, in a folder or wherever else a store keeps them."""

import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from emosync.errors import NotFound, StorageUnavailable

PART_SUFFIX: Final = ".part"
# Plain names only, so that none can lead out of the folder or stand for an unfinished file.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, then rename, so that nobody reads half of a file.

    Parameters
    ----------
    path : Path
        Of the file; its folder must be there.
    data : bytes
        The whole content.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind.
    """
    part = path.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class FileStore(Protocol):
    """Files by their names; what is kept is there for every process and machine that shares it."""

    def keep(self, name: str, data: bytes) -> None:
        """Store a file, in the place of one of the same name: whole, or not at all.

        Parameters
        ----------
        name : str
            Letters, digits, dots, dashes and underscores; the suffix tells its type.
        data : bytes
            The whole content.

        Raises
        ------
        StorageUnavailable
            If it cannot be written, as when the disk is full.
        """

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        NotFound
            If there is none of that name.
        StorageUnavailable
            If it cannot be read.
        """

    def has(self, name: str) -> bool:
        """Tell whether there is a file of that name; raises StorageUnavailable."""

    def discard(self, name: str) -> None:
        """Remove a file, if it is there and can be; never raises."""

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, if they are there.

        Raises
        ------
        StorageUnavailable
            If one of them may be left.
        """

    def names(self) -> Iterator[str]:
        """Yield the name of every file, in no order; raises StorageUnavailable."""

    def clear_parts(self, *, age_s: float) -> None:
        """Remove what was begun that many seconds ago and never finished; never raises."""

    def link(self, name: str, *, media_type: str, download_name: str | None = None) -> str | None:
        """Return a URL that hands a kept file to whoever has it, for some minutes.

        Parameters
        ----------
        name : str
            Of a file that is there.
        media_type : str
            As which it is to be sent.
        download_name : str, optional
            Under which a browser is to save it; by default it is shown.

        Returns
        -------
        str or None
            None if files of this store are sent by the service itself.
        """


class FolderStore:
    """A folder of files.

    Parameters
    ----------
    path : Path
        The folder; made when the first file comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, name: str, data: bytes) -> None:
        """Store a file: written beside and renamed, so that nobody reads half of it."""
        finished = self._file(name)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            write_whole(finished, data)
        except OSError as exc:
            raise StorageUnavailable(
                "The file cannot be stored at the moment; try again later."
            ) from exc

    def read(self, name: str) -> bytes:
        """Return the content of a file; raises NotFound, StorageUnavailable."""
        try:
            return self._file(name).read_bytes()
        except FileNotFoundError as exc:
            raise NotFound("No file of that name is stored.") from exc
        except OSError as exc:
            raise StorageUnavailable(
                "The file cannot be read at the moment; try again later."
            ) from exc

    def has(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return self._file(name).is_file()

    def discard(self, name: str) -> None:
        """Remove a file, if it is there and can be."""
        # What fails here follows a failure that is already on its way to the log.
        with suppress(NotFound, StorageUnavailable):
            self.remove([name])

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, if they are there; raises StorageUnavailable if one may be left."""
        try:
            for name in names:
                self._file(name).unlink(missing_ok=True)
        except OSError as exc:
            raise StorageUnavailable(
                "The file cannot be removed at the moment; try again later."
            ) from exc

    def names(self) -> Iterator[str]:
        """Yield the name of every file; what others write at the moment is none yet."""
        try:
            with os.scandir(self._path) as found:
                for file in found:
                    if _NAME.fullmatch(file.name):
                        yield file.name
        except FileNotFoundError:
            return
        except OSError as exc:
            raise StorageUnavailable("The files cannot be listed at the moment.") from exc

    def clear_parts(self, *, age_s: float) -> None:
        """Remove what was begun that long ago and never finished: its process has died."""
        oldest_s = time.time() - age_s
        with suppress(OSError):
            for part in self._path.glob(f".*{PART_SUFFIX}"):
                if part.stat().st_mtime < oldest_s:
                    part.unlink(missing_ok=True)

    def link(self, name: str, *, media_type: str, download_name: str | None = None) -> str | None:
        """Return None: the service itself sends what lies in a folder."""
        return None

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NotFound("No file has such a name.")
        return self._path / name
