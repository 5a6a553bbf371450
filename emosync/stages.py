"""How long the stages of a request take, and for which model."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType


class Stages:
    """Durations by name, in the order in which they were measured."""

    def __init__(self) -> None:
        self._started_s = time.perf_counter()
        self._durations_s: dict[str, float] = {}
        # As sets that keep their order.
        self._tasks: dict[str, None] = {}
        self._methods: dict[str, None] = {}

    @property
    def task(self) -> str:
        """What is told, or several with a plus between them; empty until it is known."""
        return "+".join(self._tasks)

    @property
    def method(self) -> str:
        """The method that tells it, or several in the same way."""
        return "+".join(self._methods)

    @property
    def durations_s(self) -> Mapping[str, float]:
        """Seconds by stage."""
        return MappingProxyType(self._durations_s)

    @property
    def total_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started_s

    def answered_by(self, task: str, method: str) -> None:
        """Say which method of which task is at work; both must be known names."""
        self._tasks[task] = None
        self._methods[method] = None

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
        durations_s = {**self._durations_s, "total": self.total_s}
        return ", ".join(f"{name};dur={1e3 * s:.2f}" for name, s in durations_s.items())
