"""Uploaded recordings on disk, under names of our own making."""

import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from emosync.errors import NotFound, StorageUnavailable

_AUDIO_FILE: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{16}\.[a-z0-9]{2,5}", re.ASCII)


def new_name(timestamp: datetime, *, container: str) -> str:
    """Make the unique name of a recording.

    Parameters
    ----------
    timestamp : datetime
        When it came; the name begins with it, so that a listing is in order.
    container : str
        What the content is, such as "wav"; becomes the extension.

    Returns
    -------
    str
    """
    return f"{timestamp:%Y%m%d-%H%M%S}-{secrets.token_hex(8)}.{container}"


class Recordings:
    """A folder of recordings, one file each, never overwritten.

    Parameters
    ----------
    path : Path
        The folder; made when the first recording comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, audio_file: str, data: bytes) -> None:
        """Store a recording.

        Parameters
        ----------
        audio_file : str
            Its unique name, see `new_name`.
        data : bytes
            The file as it was sent.

        Raises
        ------
        StorageUnavailable
            If it cannot be written, as when the disk is full. Nothing is left behind.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            (self._path / audio_file).write_bytes(data)
        except OSError as exc:
            self.discard(audio_file)
            raise StorageUnavailable(
                "The recording cannot be stored at the moment; try again later."
            ) from exc

    def discard(self, audio_file: str) -> None:
        """Remove a recording, if it is there."""
        try:
            (self._path / audio_file).unlink(missing_ok=True)
        except OSError:
            # It follows a failure that is already on its way to the log.
            return

    def read(self, audio_file: str) -> bytes:
        """Return the bytes of a recording.

        Raises
        ------
        NotFound
            If there is none of that name, or the name is none of ours.
        """
        if not _AUDIO_FILE.fullmatch(audio_file):
            raise NotFound("No recording has that name.")
        try:
            return (self._path / audio_file).read_bytes()
        except FileNotFoundError as exc:
            raise NotFound("The recording is no longer stored.") from exc
        except OSError as exc:
            raise StorageUnavailable("The recording cannot be read at the moment.") from exc
