"""A folder that keeps the song library, under the same keys as a bucket would."""

import os
from collections.abc import Iterator
from pathlib import Path

from emosync.errors import NotFound, StorageUnavailable
from emosync.file_store import PART_SUFFIX, write_whole


class SongFolder:
    """Objects in a folder, read and written by key.

    Keys are paths below the folder. Whatever leads out of it, by dots or by a symbolic
    link, is not there.

    Parameters
    ----------
    path : Path
        The folder; made with the first object.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, key: str, *, fall_back: bool = False) -> bytes:
        """Return an object.

        Parameters
        ----------
        key : str
            Such as "SONGS/a.mp3".
        fall_back : bool
            Without a meaning here: nothing stands between the folder and its reader.

        Returns
        -------
        bytes

        Raises
        ------
        NotFound
            If there is no such file in the folder.
        StorageUnavailable
            If it cannot be read.
        """
        try:
            if not self._holds(self._path / key) or not (self._path / key).is_file():
                raise NotFound("The song library holds no such object.")
            return (self._path / key).read_bytes()
        except FileNotFoundError as exc:
            raise NotFound("The song library holds no such object.") from exc
        except OSError as exc:
            raise StorageUnavailable("The song library cannot be read at the moment.") from exc

    def write(self, key: str, data: bytes) -> None:
        """Keep an object; readers see the old one or the new one, never a part.

        Parameters
        ----------
        key : str
            Such as "SONGS/a.mp3".
        data : bytes
            The whole content.

        Raises
        ------
        StorageUnavailable
            If it cannot be written; nothing is left behind.
        """
        path = self._path / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._holds(path.parent):
                raise StorageUnavailable("A folder of the song library lies outside of it.")
            write_whole(path, data)
        except OSError as exc:
            raise StorageUnavailable("The song library cannot be written at the moment.") from exc

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key that begins with a prefix, in no order; subfolders are left out.

        Parameters
        ----------
        prefix : str
            A folder with its slash, and maybe the beginning of a name.

        Yields
        ------
        str

        Raises
        ------
        StorageUnavailable
            If the folder cannot be read.
        """
        folder, _, begin = prefix.rpartition("/")
        try:
            if not self._holds(self._path / folder):
                return
            with os.scandir(self._path / folder) as entries:
                for entry in entries:
                    if entry.name.startswith(begin) and self._is_object(entry):
                        yield f"{folder}/{entry.name}"
        except (FileNotFoundError, NotADirectoryError):
            return  # nothing was kept there yet
        except OSError as exc:
            raise StorageUnavailable("The song library cannot be read at the moment.") from exc

    def _is_object(self, entry: os.DirEntry[str]) -> bool:
        if entry.name.endswith(PART_SUFFIX):
            return False
        if entry.is_symlink():  # `Path` takes links in a circle for no file, `entry` raises
            return self._holds(Path(entry.path)) and Path(entry.path).is_file()
        return entry.is_file()

    def _holds(self, path: Path) -> bool:
        """Tell whether a path stays in the folder when its links are followed."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._path))
