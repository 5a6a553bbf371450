"""Previews of tracks: fetched from the services that publish them, and from nowhere else."""

import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from emosync.errors import TooLarge
from emosync.playlist_errors import PreviewHostRefused, PreviewUnavailable

if TYPE_CHECKING:
    import urllib3

# Where Spotify, Apple and Deezer keep their 30 s previews. A client names the URL, so anything
# else could make this service read what only it can reach.
PREVIEW_HOSTS: Final = (
    "p.scdn.co",
    "audio-ssl.itunes.apple.com",
    "cdnt-preview.dzcdn.net",
    "cdns-preview-[0-9a-f].dzcdn.net",
)
_HOST: Final = re.compile("|".join(host.replace(".", r"\.") for host in PREVIEW_HOSTS))
# 30 s at 320 kbit/s have 1.2 MB.
MAX_BYTES: Final = 5_000_000
TIMEOUT_S: Final = 5.0
MAX_DURATION_S: Final = 10.0
CHUNK_BYTES: Final = 65_536


class Previews:
    """Fetches previews: https alone, no redirects, with limits of time and size.

    Parameters
    ----------
    timeout_s : float
        How long a host may keep silent.
    max_duration_s : float
        How long one preview may take.
    max_bytes : int
        How large one may be.
    addresses : mapping of str to str
        Host to the address that is asked instead, such as "http://127.0.0.1:8000".
    """

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        max_duration_s: float = MAX_DURATION_S,
        max_bytes: int = MAX_BYTES,
        addresses: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._timeout_s = timeout_s
        self._max_duration_s = max_duration_s
        self._max_bytes = max_bytes
        self._addresses = addresses

    def fetch(self, url: str) -> bytes:
        """Fetch one preview.

        Parameters
        ----------
        url : str
            A track's `preview_url`.

        Returns
        -------
        bytes
            The file.

        Raises
        ------
        PreviewHostRefused
            If it is no https URL of one of `PREVIEW_HOSTS`.
        TooLarge
            If it has more bytes than allowed.
        PreviewUnavailable
            If it is not there, leads elsewhere, or does not come in time.
        """
        # Imported here, with spotipy's other parts: few processes need them.
        import urllib3

        until_s = time.monotonic() + self._max_duration_s
        with urllib3.PoolManager(retries=False) as pool:
            try:
                answer = pool.request(
                    "GET",
                    self._address(url),
                    redirect=False,
                    preload_content=False,
                    timeout=urllib3.Timeout(self._timeout_s),
                )
                try:
                    return self._read(answer, until_s)
                finally:
                    answer.close()
            except urllib3.exceptions.HTTPError as exc:
                raise PreviewUnavailable("The track's preview cannot be fetched.") from exc

    def _address(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
            allowed = parts.scheme == "https" and parts.port in {None, 443}
        except ValueError:
            host, allowed = "", False
        if not (allowed and _HOST.fullmatch(host)):
            raise PreviewHostRefused(
                "Previews are fetched over https from Spotify (p.scdn.co), Apple "
                "(audio-ssl.itunes.apple.com) and Deezer (cdnt-preview.dzcdn.net, "
                "cdns-preview-0.dzcdn.net and the like) only."
            )
        query = f"?{parts.query}" if parts.query else ""
        return self._addresses.get(host, f"https://{host}") + (parts.path or "/") + query

    def _read(self, answer: "urllib3.BaseHTTPResponse", until_s: float) -> bytes:
        """Read the body, as long as time and size allow."""
        if answer.status != 200:
            raise PreviewUnavailable(f"The track's preview is not there ({answer.status}).")
        data = bytearray()
        # As much as has come, so that a host that trickles is noticed.
        while chunk := answer.read1(CHUNK_BYTES):
            data += chunk
            if len(data) > self._max_bytes:
                raise TooLarge(f"The preview is larger than {self._max_bytes / 1e6:g} MB.")
            if time.monotonic() > until_s:
                raise PreviewUnavailable("The track's preview does not come in time.")
        return bytes(data)
