"""How workers are told that there is work: only which, never what.

Bells may fail. Whoever has not heard is told again: see `job_upkeep`.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from application.jobs.celery_queue import TASK, celery_for
from emosync.config import Config
from emosync.jobs import ItemId

_log = logging.getLogger(__name__)


class Bell(Protocol):
    """Tells workers of work."""

    def ring(self, items: Sequence[ItemId]) -> None:
        """Tell of parts of jobs; never raises."""


class LocalBell:
    """Wakes the threads of this process; those of others look by themselves, each second."""

    _LOOK_S: Final = 1.0

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def ring(self, items: Sequence[ItemId] = ()) -> None:
        """Wake all threads."""
        with self._condition:
            self._condition.notify_all()

    def wait(self) -> None:
        """Return as soon as the bell rings, or after a second."""
        with self._condition:
            self._condition.wait(self._LOOK_S)


class CeleryBell:
    """Sends messages to Celery's workers.

    Parameters
    ----------
    config : Config
        Names the broker.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def ring(self, items: Sequence[ItemId]) -> None:
        """Send a message for each part; stop at the first that cannot be sent."""
        if not items:
            return
        celery = celery_for(self._config)
        from kombu.exceptions import OperationalError

        try:
            with celery.producer_or_acquire() as producer:
                for item in items:
                    celery.send_task(TASK, args=item, producer=producer, retry=False)
        except (OperationalError, OSError) as exc:
            _log.warning("workers cannot be told of jobs, and will be later: %s", exc)
