"""Pictures that are drawn on the first request and then kept."""

import logging
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)


class Drawings:
    """A folder of finished pictures.

    Parameters
    ----------
    path : Path
        The folder; made when the first picture is drawn.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # One picture at a time per process: drawing takes a core and 100 MB.
        self._lock = threading.Lock()

    def get(self, name: str, draw: Callable[[], bytes]) -> bytes:
        """Return a picture, drawing it if it is not there yet.

        Parameters
        ----------
        name : str
            File name; the caller vouches that it holds no path.
        draw : callable
            Makes the picture.

        Returns
        -------
        bytes
            The picture.
        """
        finished = self._path / name
        with self._lock:
            try:
                return finished.read_bytes()
            except OSError:
                picture = draw()
            try:
                self._keep(finished, picture)
            except OSError:
                # The cache saves time only; a full disk must not cost the answer.
                _log.warning("the picture %s cannot be cached", name, exc_info=True)
            return picture

    def _keep(self, finished: Path, picture: bytes) -> None:
        """Write beside, then rename, so that no other worker reads half a picture."""
        self._path.mkdir(parents=True, exist_ok=True)
        unfinished = self._path / f".{secrets.token_hex(8)}.part"
        try:
            unfinished.write_bytes(picture)
            unfinished.replace(finished)
        finally:
            unfinished.unlink(missing_ok=True)
