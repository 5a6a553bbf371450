"""The same work asked for by many threads at once is done once."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Share the outcome of a piece of work among all who ask for it while it runs.

    When it failed, all of them get the error: ten threads that wait for a dead server one
    after the other would wait ten times as long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[Result]] = {}

    def run(self, name: Hashable, work: Callable[[], Result]) -> Result:
        """Do the work, or wait for the thread that is doing it.

        Parameters
        ----------
        name : hashable
            Tells what is the same work.
        work : callable
            Does it, in the thread that came first.

        Returns
        -------
        object
            What the work returned. An error that it raised is raised in every thread.
        """
        with self._lock:
            outcome = self._running.get(name)
            is_first = outcome is None
            if outcome is None:
                outcome = self._running[name] = Future()
        if is_first:
            self._do(name, work, outcome)
        return outcome.result()

    def _do(self, name: Hashable, work: Callable[[], Result], outcome: Future[Result]) -> None:
        try:
            result = work()
        except BaseException as exc:
            # Only passed on: `result` raises it, here and in the threads that wait.
            self._forget(name)
            outcome.set_exception(exc)
        else:
            self._forget(name)
            outcome.set_result(result)

    def _forget(self, name: Hashable) -> None:
        with self._lock:
            del self._running[name]
