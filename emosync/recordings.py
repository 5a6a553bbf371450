"""Uploaded recordings in their store, under names of our own making."""

import re
import secrets
from datetime import datetime
from hashlib import sha256
from typing import Final

from emosync.caller import JobItem
from emosync.errors import NotFound
from emosync.file_store import FileStore

_TIME_FORMAT: Final = "%Y%m%d-%H%M%S"
_AUDIO_FILE: Final = re.compile(r"(\d{8}-\d{6})-[0-9a-f]{16}\.[a-z0-9]{2,5}", re.ASCII)


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
    return f"{timestamp:{_TIME_FORMAT}}-{secrets.token_hex(8)}.{container}"


def name_in_job(item: JobItem, index: int, *, container: str) -> str:
    """Make the name of a recording in a job: the same one whenever that is done again.

    Parameters
    ----------
    item : JobItem
        Which part of which job.
    index : int
        Number of the recording in that part, from 0.
    container : str
        What the content is.

    Returns
    -------
    str
    """
    place = f"{item.job_id} {item.position} {index}"
    token = sha256(place.encode()).hexdigest()[:16]
    return f"{item.created:{_TIME_FORMAT}}-{token}.{container}"


def time_in_name(audio_file: str) -> datetime | None:
    """Read when a recording came from its name; None if the name is none of ours."""
    found = _AUDIO_FILE.fullmatch(audio_file)
    try:
        return datetime.strptime(found[1], _TIME_FORMAT) if found else None
    except ValueError:
        return None


class Recordings:
    """A store of recordings, one file each.

    Parameters
    ----------
    store : FileStore
        Where they lie.
    are_kept : bool
        Whether new ones are kept at all. Those from before stay until they are removed.
    """

    def __init__(self, store: FileStore, *, are_kept: bool = True) -> None:
        self._store = store
        self._are_kept = are_kept

    def keep(self, audio_file: str, data: bytes) -> None:
        """Store a recording, if they are kept.

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
        if self._are_kept:
            self._store.keep(audio_file, data)

    def discard(self, audio_file: str) -> None:
        """Remove a recording, if it is there and can be; never raises."""
        self._store.discard(audio_file)

    def read(self, audio_file: str) -> bytes:
        """Return the bytes of a recording.

        Raises
        ------
        NotFound
            If there is none of that name, or the name is none of ours.
        StorageUnavailable
            If it cannot be read.
        """
        if not _AUDIO_FILE.fullmatch(audio_file):
            raise NotFound("No recording has that name.")
        try:
            return self._store.read(audio_file)
        except NotFound as exc:
            raise NotFound(
                "The recording is no longer stored."
                if self._are_kept
                else "This service keeps no recordings (KEEP_UPLOADS=0), and without its "
                "recording this cannot be drawn."
            ) from exc
