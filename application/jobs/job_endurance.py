"""Threads that go on, whatever their work trips over."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from emosync.errors import Unavailable

_log = logging.getLogger(__name__)


class Endurance:
    """Lets a thread outlive its failures, and tells of an outage once.

    Parameters
    ----------
    name : str
        What the thread does, for the log.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.has_failed = False

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """Go on after the block, which has failed or not: see `has_failed`."""
        was_out, self.has_failed = self.has_failed, True
        try:
            yield
        except Unavailable as exc:
            if not was_out:
                _log.warning("%s waits: %s", self._name, exc)
        # A thread's wrapper: nobody would notice its end, and its work would be left.
        except Exception:
            _log.exception("%s failed, and goes on", self._name)
        else:
            self.has_failed = False
