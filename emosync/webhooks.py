"""Webhooks: signed, and sent to public addresses only.

A client names the URL, so the name is resolved once, every address is checked, and the
connection goes to what was checked: a name that changes its address in between gains nothing.

References
----------
.. [1] Standard Webhooks, https://www.standardwebhooks.com: the headers and the signature.
.. [2] OWASP, "Server-Side Request Forgery Prevention Cheat Sheet".
"""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from emosync.job_errors import WebhookRefused

TIMEOUT_S: Final = 5.0
# However slowly its name is resolved, or the other side sends its answer.
MAX_DURATION_S: Final = 15.0
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,2000}", re.ASCII | re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}
# What is handed out for the internet (RFC 4291); NAT64 and other forms of IPv4 lie outside.
_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
# But for tunnels, whose addresses hold one of IPv4, which may be private (6to4, its relays,
# Teredo), and for examples, which Python 3.11 does not know (RFC 9637).
_NOT_GLOBAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("2002::/16", "192.88.99.0/24", "2001::/32", "3fff::/20")
)


class CallFailed(Exception):
    """A webhook was not taken; it may be later.

    Parameters
    ----------
    message : str
        Why, for the log.
    status : int, optional
        What the other side answered.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def check_webhook_url(url: str) -> str:
    """Refuse what is never called, without asking for addresses.

    Parameters
    ----------
    url : str
        As the client sent it.

    Returns
    -------
    str
        The same.

    Raises
    ------
    WebhookRefused
        If it is no plain URL of http or https, holds a password, or names a private address.
    """
    parts = _split(url)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return url  # a name; its addresses are checked when it is called
    if not is_public(str(address)):
        raise WebhookRefused("A webhook must be at a public address.")
    return url


def is_public(address: str) -> bool:
    """Tell whether an IP address is on the public internet, whatever it is wrapped in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip not in _GLOBAL:
            return False
    if any(ip in network for network in _NOT_GLOBAL):
        return False
    return ip.is_global and not ip.is_multicast


class Webhooks:
    """Calls webhooks.

    Parameters
    ----------
    secret : bytes
        Known to those who are called, so that they can tell a call from a forgery.
    may_call : callable
        Tells whether an address may be connected to.
    """

    def __init__(self, secret: bytes, *, may_call: Callable[[str], bool] = is_public) -> None:
        self._secret = secret
        self._may_call = may_call

    def call(self, url: str, *, message_id: str, timestamp_s: int, body: bytes) -> None:
        """Send a message.

        Parameters
        ----------
        url : str
            Where to.
        message_id : str
            The same each time it is sent, so that it can be told from a new one.
        timestamp_s : int
            Now, in seconds since 1970; the other side refuses what is old.
        body : bytes
            JSON.

        Raises
        ------
        CallFailed
            If it is not taken, or there is no public address to send it to.
        """
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "EmoSync",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": self.signature(message_id, timestamp_s, body),
        }
        try:
            status = self._post(_split(url), body, headers)
        # Of names that are none the resolver says UnicodeError, which is a ValueError.
        except (OSError, ValueError, http.client.HTTPException, WebhookRefused) as exc:
            raise CallFailed(f"{type(exc).__name__}: {exc}") from exc
        if not 200 <= status < 300:  # a redirect is not followed: it may lead anywhere
            raise CallFailed(f"the other side answered {status}", status)

    def signature(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """Sign a message; returns the value of the header webhook-signature."""
        content = f"{message_id}.{timestamp_s}.".encode() + body
        digest = hmac.new(self._secret, content, hashlib.sha256).digest()
        return "v1," + base64.b64encode(digest).decode()

    def _post(self, parts: SplitResult, body: bytes, headers: dict[str, str]) -> int:
        host = parts.hostname or ""
        port = parts.port or _PORTS[parts.scheme]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        end_s = time.monotonic() + MAX_DURATION_S
        address = self._address(host, port)
        with ExitStack() as stack:
            connected = stack.enter_context(socket.create_connection((address, port), TIMEOUT_S))
            if parts.scheme == "https":
                connected = stack.enter_context(_wrapped(connected, host))
            stack.enter_context(_ended_in_time(connected, end_s - time.monotonic()))
            connection = http.client.HTTPConnection(host, port)
            connection.sock = connected
            connection.request("POST", target, body, {"Host": parts.netloc, **headers})
            return connection.getresponse().status

    def _address(self, host: str, port: int) -> str:
        """Resolve a name; raises WebhookRefused unless all of its addresses may be called."""
        addresses = _resolved(host, port)
        if not addresses or not all(self._may_call(address) for address in addresses):
            raise WebhookRefused("A webhook must be at a public address.")
        return addresses[0]


def _resolved(host: str, port: int) -> list[str]:
    """Ask for the addresses of a name; the system's own limit is half a minute or more."""
    answer: Future[list[str]] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as exc:
            answer.set_exception(exc)
        else:
            answer.set_result([str(address[0]) for *_, address in found])

    threading.Thread(target=ask, name="webhook-name", daemon=True).start()
    return answer.result(TIMEOUT_S)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_plain = bool(_URL.fullmatch(url) and parts.hostname) and "@" not in parts.netloc
        is_plain = is_plain and parts.port != 0
        # As the resolver will: it takes no empty label, and none of more than 63 characters.
        (parts.hostname or "").encode("idna")
    except ValueError:
        is_plain = False
    if not is_plain:
        raise WebhookRefused("A webhook must be a URL such as https://example.org/hook.")
    return parts


def _wrapped(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """Speak TLS with the host that the URL names, wherever it is; not before the first byte."""
    context = ssl.create_default_context()
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


@contextmanager
def _ended_in_time(connected: socket.socket, left_s: float) -> Iterator[None]:
    """Break a connection off that keeps us waiting with a byte now and then."""

    def break_off() -> None:
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    end = threading.Timer(left_s, break_off)
    end.start()
    try:
        yield
    finally:
        end.cancel()
