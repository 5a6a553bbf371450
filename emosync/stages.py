"""How long the stages of a request take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stages:
    """Durations by name, in the order in which they were measured."""

    def __init__(self) -> None:
        self._started_s = time.perf_counter()
        self._durations_s: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time that the block takes."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - started_s)

    def add(self, name: str, duration_s: float) -> None:
        """Add a duration in seconds."""
        self._durations_s[name] = self._durations_s.get(name, 0.0) + duration_s

    def server_timing(self) -> str:
        """Return the value of a Server-Timing header, with the total since the start.

        References
        ----------
        .. [1] W3C, "Server Timing"; durations are in milliseconds.
        """
        total_s = time.perf_counter() - self._started_s
        durations_s = {**self._durations_s, "total": total_s}
        return ", ".join(f"{name};dur={1e3 * s:.2f}" for name, s in durations_s.items())
