"""Threads of a web process that work on jobs, where no broker is named."""

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final

from application.jobs.job_bell import LocalBell
from application.jobs.job_endurance import Endurance
from application.jobs.job_runner import JobRunner
from emosync.job_queue import JobQueue, Taken

# What is begun may end in this time when the process is told to stop; the rest goes back.
STOP_S: Final = 10.0


class JobPool:
    """Works on jobs until it is told to stop.

    Parameters
    ----------
    runner : JobRunner
        Does the work.
    queue : JobQueue
        Where it stands.
    bell : LocalBell
        Tells of work that this process has accepted.
    n_threads : int
        How many parts are worked on at a time.
    shall_stop : callable
        Tells whether the process was told to stop; nothing is begun then, long before `stop`
        where requests are still to be answered.
    """

    def __init__(
        self,
        runner: JobRunner,
        queue: JobQueue,
        bell: LocalBell,
        *,
        n_threads: int,
        shall_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._runner = runner
        self._queue = queue
        self._bell = bell
        self._shall_stop = shall_stop
        self._is_stopping = False
        self._numbers = count()
        self._in_hand: dict[str, Taken] = {}
        self._threads = [self._new_thread() for _ in range(n_threads)]

    def start(self) -> None:
        """Begin to look for work."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, within_s: float) -> None:
        """End what is begun, or put it back.

        Parameters
        ----------
        within_s : float
            How long what is begun may take, in seconds.
        """
        self._is_stopping = True
        self._bell.ring()
        end_s = time.monotonic() + within_s
        for thread in list(self._threads):
            thread.join(max(0.0, end_s - time.monotonic()))
        endurance = Endurance("the end of work on jobs")
        for taken in list(self._in_hand.values()):
            # Nobody failed, so the attempt does not count.
            with endurance.outlived():
                self._queue.put_back(taken, pause_s=0, attempts=taken.attempts - 1)

    def _is_over(self) -> bool:
        return self._is_stopping or self._shall_stop()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._work, name=f"job-{next(self._numbers)}", daemon=True)

    def _replace(self, thread: threading.Thread) -> None:
        """Let another thread go on in the place of one that hangs, until that comes back."""
        if thread in self._threads and not self._is_over():
            self._threads.remove(thread)
            self._threads.append(self._new_thread())
            self._threads[-1].start()

    def _work(self) -> None:
        thread = threading.current_thread()
        endurance, is_idle = Endurance("work on jobs"), False
        while not self._is_over() and thread in self._threads:
            with endurance.outlived():
                is_idle = not self._do_next(lambda: self._replace(thread))
            # After a failure, what was begun is done anew when its lease has ended.
            if is_idle or endurance.has_failed:
                self._bell.wait()

    def _do_next(self, when_given_up: Callable[[], None]) -> bool:
        taken = self._queue.take_next()
        if taken is None:
            return False
        self._in_hand[taken.lease] = taken
        try:
            self._runner.run(taken, when_given_up=when_given_up)
        finally:
            self._in_hand.pop(taken.lease, None)
        return True
