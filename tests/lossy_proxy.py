"""Stands between the service and PostgreSQL, and loses what that says of one commit."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class LossyProxy:
    """Hands on what both sides say.

    Parameters
    ----------
    server_port : int
        Of 127.0.0.1, where PostgreSQL listens.

    Attributes
    ----------
    port : int
        Of 127.0.0.1, where this listens.
    is_away : bool
        Whether it refuses new connections, as a server does that is being restarted.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._marker = b""
        self._goes_away = self.is_away = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def lose_commit_of(self, statement: str, *, goes_away: bool = False) -> None:
        """End the connection once the next transaction with that statement is committed."""
        self._marker, self._goes_away = statement.encode(), goes_away

    def serve(self) -> None:
        """Take connections until the proxy is closed."""
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                if self.is_away:
                    client.close()
                else:
                    _Connection(self, client).start(self._server_port)

    def close(self) -> None:
        # Closing alone wakes nobody who waits for a connection.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def is_marked(self, said: bytes) -> bool:
        return bool(self._marker) and self._marker in said

    def lost(self) -> None:
        self._marker, self.is_away = b"", self._goes_away


class _Connection:
    def __init__(self, proxy: LossyProxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._is_marked = self._is_committing = False

    def start(self, server_port: int) -> None:
        self._server = socket.create_connection(("127.0.0.1", server_port))
        for pump in (self._ask, self._answer):
            threading.Thread(target=pump, daemon=True).start()

    def _ask(self) -> None:
        with self._closing():
            while said := self._client.recv(65_536):
                self._is_marked |= self._proxy.is_marked(said)
                self._is_committing = self._is_marked and b"COMMIT" in said
                self._server.sendall(said)

    def _answer(self) -> None:
        with self._closing():
            while said := self._server.recv(65_536):
                if self._is_committing:
                    self._proxy.lost()
                    return
                self._client.sendall(said)

    @contextmanager
    def _closing(self) -> Iterator[None]:
        with suppress(OSError):
            yield
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


@contextmanager
def lossy_proxy(server_port: int) -> Iterator[LossyProxy]:
    """Run a proxy in this process."""
    proxy = LossyProxy(server_port)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
