"""Leases that last as long as the work that they are for, and not much longer than a process."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Final

from emosync.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

# So many times in a lease it is renewed: the database may fail once or twice.
_RENEWALS: Final = 3


class LeaseRenewal:
    """Renews a lease, from a thread of its own, until it is stopped or the work takes too long.

    Parameters
    ----------
    renew : callable
        Renews it.
    lease_s : float
        How long it lasts, in seconds.
    name : str
        Whose lease it is, for the log.
    limit_s : float
        After how many seconds it is no longer renewed.
    give_up : callable, optional
        Called then, once.
    """

    def __init__(
        self,
        renew: Callable[[], object],
        *,
        lease_s: float,
        name: str,
        limit_s: float = math.inf,
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._renew = renew
        self._period_s = lease_s / _RENEWALS
        self._name = name
        self._end_s = time.monotonic() + limit_s
        self._give_up = give_up
        self._is_stopped = threading.Event()
        threading.Thread(target=self._run, name="lease", daemon=True).start()

    def stop(self) -> None:
        """Renew it no more; at most once, if that is about to happen."""
        self._is_stopped.set()

    def _run(self) -> None:
        while not self._is_stopped.wait(min(self._period_s, self._left_s())):
            is_over = not self._left_s()
            try:
                self._give_up() if is_over else self._renew()
            except DatabaseUnavailable as exc:
                _log.warning("the lease of %s is left to end: %s", self._name, exc)
            if is_over:
                return

    def _left_s(self) -> float:
        return max(0.0, self._end_s - time.monotonic())
