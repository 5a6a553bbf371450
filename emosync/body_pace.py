"""A body must keep coming: who sends nothing, or next to nothing, holds a thread of a worker."""

import socket
import time
from collections.abc import Callable

from emosync.errors import BodyTimeout


class PacedSocket:
    """Receives from a socket, and gives up on who pauses for too long or is too slow on the whole.

    Parameters
    ----------
    sock : socket
        Blocking, as it is again after every call.
    pause_s : float > 0
        Longest silence, and what a sender has from the start.
    bytes_per_s : float > 0
        What must have come on average beyond that.
    give_up : callable
        Called before the error; what comes afterwards is no new request.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        pause_s: float,
        bytes_per_s: float,
        give_up: Callable[[], object] = lambda: None,
    ) -> None:
        self.sock = sock
        self._give_up = give_up
        self._pause_s, self._bytes_per_s = pause_s, bytes_per_s
        self._begun_s: float | None = None
        self._received_bytes = 0

    def recv(self, size_bytes: int) -> bytes:
        """Receive what is there.

        Parameters
        ----------
        size_bytes : int
            At most.

        Returns
        -------
        bytes
            Empty if the sender has hung up.

        Raises
        ------
        BodyTimeout
            If the sender is too slow.
        """
        try:
            self.sock.settimeout(self._wait_s())
            data = self.sock.recv(size_bytes)
        except TimeoutError as exc:
            self._give_up()
            raise BodyTimeout(
                "The body came too slowly, or stopped coming; send it again."
            ) from exc
        finally:
            self.sock.settimeout(None)
        self._received_bytes += len(data)
        return data

    def _wait_s(self) -> float:
        """Tell how long to wait for more; what came quickly counts for later."""
        now_s = time.monotonic()
        if self._begun_s is None:
            self._begun_s = now_s
        allowed_s = self._pause_s + self._received_bytes / self._bytes_per_s
        left_s = self._begun_s + allowed_s - now_s
        if left_s <= 0:
            raise TimeoutError
        return min(left_s, self._pause_s)
