"""Pictures and reports that are drawn on the first request and then kept."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from emosync.errors import NotFound, StorageUnavailable
from emosync.file_store import FileStore

_log = logging.getLogger(__name__)


def picture_name(audio_file: str) -> str:
    """Name the picture of a recording."""
    return f"{audio_file}.png"


def report_name(audio_file: str) -> str:
    """Name the report on a recording."""
    return f"{audio_file}.pdf"


def recording_of(drawing_name: str) -> str:
    """Name the recording of a picture or a report."""
    return drawing_name.rpartition(".")[0]


@dataclass(frozen=True)
class Drawing:
    """A finished drawing: its content, or where to get it.

    Attributes
    ----------
    data : bytes
        Empty if there is a link.
    link : str, optional
        URL of the store that keeps it, good for some minutes.
    """

    data: bytes = b""
    link: str | None = None


class Drawings:
    """A store of finished drawings of one type.

    Parameters
    ----------
    store : FileStore
        Where they lie.
    media_type : str
        What they are, such as "image/png".
    is_wanted : callable
        Tells whether a drawing of that name is to be kept, once it is.
    """

    def __init__(
        self,
        store: FileStore,
        media_type: str,
        *,
        is_wanted: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._store = store
        self._media_type = media_type
        self._is_wanted = is_wanted
        # One drawing at a time per process: it takes a core and 100 MB.
        self._lock = threading.Lock()

    def get(self, name: str, draw: Callable[[], bytes]) -> bytes:
        """Return a drawing, making it if it is not there yet.

        Parameters
        ----------
        name : str
            File name.
        draw : callable
            Makes the drawing.

        Returns
        -------
        bytes
            The drawing.
        """
        data = self._finished(name)
        if data is not None:
            return data
        with self._lock:
            data = self._finished(name)  # whoever held the lock may have made it
            if data is None:
                data = draw()
                self._keep(name, data)
            return data

    def hand_over(
        self, name: str, draw: Callable[[], bytes], *, download_name: str | None = None
    ) -> Drawing:
        """Return a link to a drawing where the store gives one, else its content.

        Parameters
        ----------
        name, draw
            As for `get`.
        download_name : str, optional
            Under which a browser is to save it; by default it is shown.

        Returns
        -------
        Drawing
        """
        link = self._store.link(name, media_type=self._media_type, download_name=download_name)
        if link is None:
            return Drawing(self.get(name, draw))
        if not self._is_finished(name):
            data = self.get(name, draw)
            if not self._is_finished(name):
                return Drawing(data)
        return Drawing(link=link)

    def _finished(self, name: str) -> bytes | None:
        try:
            return self._store.read(name)
        except (NotFound, StorageUnavailable):
            return None

    def _is_finished(self, name: str) -> bool:
        try:
            return self._store.has(name)
        except StorageUnavailable:
            return False

    def _keep(self, name: str, data: bytes) -> None:
        try:
            self._store.keep(name, data)
        except StorageUnavailable:
            # The store saves time only; a full disk must not cost the answer.
            _log.warning("%s cannot be kept", name, exc_info=True)
            return
        # What it shows may have been removed while it was drawn. Asked before, the answer could
        # be old when the drawing is kept.
        if not self._is_wanted(name):
            self._store.discard(name)
