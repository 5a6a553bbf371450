"""For whom the work at hand is done: whose key, under which request, and in which job.

It is set where a request or a job comes in, and read where rows are written or logged, so
that no function between the two has to hand it on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True)
class JobItem:
    """Which part of which job is at work.

    Attributes
    ----------
    job_id : str
        The job.
    position : int
        Number of the part, from 0.
    created : datetime
        When the job was accepted, in UTC without a zone.
    """

    job_id: str
    position: int
    created: datetime


@dataclass(frozen=True)
class Caller:
    """For whom work is done.

    Attributes
    ----------
    owner : str
        Id of the key; empty where no keys are in use.
    scopes : frozenset of str
        What the key may do.
    request_id : str
        Under which the log tells of it.
    item : JobItem, optional
        None in a request that is answered at once.
    """

    owner: str = ""
    scopes: frozenset[str] = frozenset()
    request_id: str = ""
    item: JobItem | None = None


_NOBODY: Final = Caller()
_CALLER: Final[ContextVar[Caller]] = ContextVar("caller", default=_NOBODY)


def current_caller() -> Caller:
    """Return for whom the work at hand is done."""
    return _CALLER.get()


def set_caller(caller: Caller) -> None:
    """Say for whom the work of this thread is done from now on."""
    _CALLER.set(caller)


@contextmanager
def working_for(caller: Caller) -> Iterator[None]:
    """Say for whom the work of the block is done."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)
