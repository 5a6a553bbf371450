"""Calls to Spotify's Web API through spotipy: token, time limits, waits, and what went wrong."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from emosync.playlist_errors import (
    SpotifyBusy,
    SpotifyCredentialsRefused,
    SpotifyNotConfigured,
    SpotifyTimeout,
    SpotifyUnreachable,
)

N_ATTEMPTS: Final = 3
# Before another attempt where Spotify names no time.
PAUSE_S: Final = 0.3
# Answers that are the caller's to judge.
JUDGED: Final = (400, 403, 404, 410)
RETRIED: Final = frozenset({429, *range(500, 600)})


@dataclass(frozen=True)
class SpotifySettings:
    """How to reach Spotify.

    Attributes
    ----------
    client_id, client_secret : str
        Of the app; empty where none is configured. The secret is in no repr.
    api_url, token_url : str
        Where the Web API and its tokens are.
    timeout_s : float
        How long one answer may keep silent.
    max_wait_s : float
        How long all waits of one operation that Spotify asks for may last.
    max_duration_s : float
        After which no further page of an operation is asked for.
    """

    client_id: str
    client_secret: str = field(repr=False)
    api_url: str = "https://api.spotify.com/v1/"
    token_url: str = "https://accounts.spotify.com/api/token"
    timeout_s: float = 5.0
    max_wait_s: float = 3.0
    max_duration_s: float = 20.0


@dataclass
class Patience:
    """What one operation, of as many calls as it has, may still take.

    Attributes
    ----------
    until_s : float
        Of `time.monotonic`.
    wait_s : float
        For waits that Spotify asks for.
    """

    until_s: float
    wait_s: float


@dataclass(frozen=True)
class Answer:
    """What Spotify said.

    Attributes
    ----------
    status : int
        200, or one of `JUDGED`.
    body : object
        Parsed JSON of a 200; None if it was none.
    """

    status: int
    body: Any = None


class SpotifyApi:
    """Spotify's Web API, asked in the name of an app (client credentials).

    Spotipy is imported at the first call: it takes 0.2 s, and few processes need it.

    Parameters
    ----------
    settings : SpotifySettings
        How to reach it.
    """

    def __init__(self, settings: SpotifySettings) -> None:
        self._settings = settings
        self._busy_until_s = 0.0

    def patience(self) -> Patience:
        """Give a new operation its time."""
        return Patience(time.monotonic() + self._settings.max_duration_s, self._settings.max_wait_s)

    def get(self, path: str, patience: Patience, **parameters: str | int) -> Answer:
        """Ask once, and again where Spotify is busy or stumbles.

        Parameters
        ----------
        path : str
            Below the API's URL.
        patience : Patience
            Of the operation; waits are taken from it.
        **parameters
            Of the query.

        Returns
        -------
        Answer

        Raises
        ------
        SpotifyNotConfigured
            If there are no credentials.
        SpotifyCredentialsRefused
            If they are not taken.
        SpotifyBusy
            If Spotify asks for a longer wait than patience allows.
        SpotifyTimeout, SpotifyUnreachable
            If no answer comes.
        """
        if not (self._settings.client_id and self._settings.client_secret):
            raise SpotifyNotConfigured(
                "Playlists need an app at Spotify; set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET."
            )
        answer = Answer(0)
        for _ in range(N_ATTEMPTS):
            self._check_time(patience)
            answer, wait_s = self._ask(path, parameters)
            if answer.status == 200 or answer.status in JUDGED:
                return answer
            self._wait(answer, wait_s, patience)
        raise _error(answer, PAUSE_S)

    def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._session.close()
            del self._client, self._session

    @cached_property
    def _session(self) -> Any:
        import requests

        # Without retries of its own: those would sleep for hours if Retry-After says so.
        return requests.Session()

    @cached_property
    def _client(self) -> Any:
        from spotipy import MemoryCacheHandler, Spotify
        from spotipy.oauth2 import SpotifyClientCredentials

        # Its debug messages hold the secret and the token, its errors say what ours say.
        logging.getLogger("spotipy").setLevel(logging.CRITICAL)
        credentials = SpotifyClientCredentials(
            self._settings.client_id,
            self._settings.client_secret,
            requests_session=self._session,
            requests_timeout=self._settings.timeout_s,
            # In memory; spotipy's default is a file in the working directory.
            cache_handler=MemoryCacheHandler(),
        )
        credentials.OAUTH_TOKEN_URL = self._settings.token_url
        client = Spotify(
            auth_manager=credentials,
            requests_session=self._session,
            requests_timeout=self._settings.timeout_s,
        )
        client.prefix = self._settings.api_url
        return client

    def _ask(self, path: str, parameters: dict[str, str | int]) -> tuple[Answer, float]:
        """Ask once; give the answer and the wait that it asks for."""
        from requests import RequestException, Timeout
        from spotipy import SpotifyException, SpotifyOauthError

        try:
            # spotipy's methods know one form of playlists each, and its pages go where an
            # answer says.
            return Answer(200, self._client._get(path, **parameters)), 0.0
        except SpotifyException as exc:
            return Answer(exc.http_status), _retry_after_s(exc.headers)
        except SpotifyOauthError as exc:
            # Whether Spotify refused the credentials, or only stumbled.
            response = getattr(exc.__context__, "response", None)
            if response is None or response.status_code not in RETRIED:
                raise _error(Answer(401), 0.0) from exc
            return Answer(response.status_code), _retry_after_s(response.headers)
        except Timeout as exc:
            raise SpotifyTimeout("Spotify does not answer in time; try again later.") from exc
        except RequestException as exc:
            raise SpotifyUnreachable("Spotify cannot be reached; try again later.") from exc

    def _check_time(self, patience: Patience) -> None:
        now_s = time.monotonic()
        if now_s < self._busy_until_s:
            raise _error(Answer(429), self._busy_until_s - now_s)
        if now_s > patience.until_s:
            raise SpotifyTimeout("Spotify takes too long for this playlist; try again later.")

    def _wait(self, answer: Answer, wait_s: float, patience: Patience) -> None:
        """Wait as asked, or raise what is wrong where that takes too long."""
        if answer.status == 401:
            # Tokens last an hour, and may be withdrawn before.
            self._client.auth_manager.cache_handler.save_token_to_cache(None)
            return
        if answer.status == 429 and wait_s > patience.wait_s:
            # Whoever goes on asking is made to wait longer.
            self._busy_until_s = time.monotonic() + wait_s
        if answer.status not in RETRIED or wait_s > patience.wait_s:
            raise _error(answer, wait_s)
        patience.wait_s -= wait_s
        time.sleep(wait_s)


def _retry_after_s(headers: Any) -> float:
    """Read Retry-After, in whole seconds."""
    with suppress(TypeError, ValueError):
        return max(float(int(headers.get("Retry-After"))), 0.0)
    return PAUSE_S


def _error(
    answer: Answer, wait_s: float
) -> SpotifyBusy | SpotifyCredentialsRefused | SpotifyUnreachable:
    if answer.status == 401:
        return SpotifyCredentialsRefused("Spotify refuses this service's id and secret.")
    if answer.status == 429:
        seconds = max(1, round(wait_s))
        return SpotifyBusy(f"Spotify is busy; send the request again in {seconds} s.", seconds)
    return SpotifyUnreachable(f"Spotify is failing ({answer.status}); try again later.")
