"""Playlists at Spotify and audio features of tracks, in the forms that its API had and has.

Since February 2026 a playlist's entries are at `/playlists/{id}/items`, with the track as
`item`, and an app in development mode reads only playlists of its owner; apps with extended
quota may still use `/playlists/{id}/tracks`, with the track as `track` [1]_. Audio features
are closed to apps registered since November 2024 [2]_.

.. [1] developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide
.. [2] developer.spotify.com/blog/2024-11-27-changes-to-the-web-api
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from emosync.errors import InvalidFeatures
from emosync.playlist_errors import (
    InvalidPlaylist,
    SpotifyAnswerInvalid,
    SpotifyPlaylistClosed,
    UnknownPlaylist,
)
from emosync.spotify_api import Answer, Patience, SpotifyApi, SpotifySettings
from emosync.tracks import Track, parse_features

# Ids in base 62, of 128 bits.
_ID: Final = "[0-9A-Za-z]{22}"
_URI: Final = re.compile(rf"spotify:(?:user:[^:]+:)?playlist:({_ID})")
_PATH: Final = re.compile(
    rf"/(?:intl-[a-z-]+/)?(?:embed/)?(?:user/[^/]+/)?playlist/({_ID})/?", re.IGNORECASE
)
HOSTS: Final = frozenset({"open.spotify.com", "play.spotify.com"})
# Audio features in one call.
N_FEATURES: Final = 100
# How long closed audio features are left alone before they are tried again.
CLOSED_S: Final = 3600.0


@dataclass(frozen=True)
class Form:
    """One form of a playlist's entries.

    Attributes
    ----------
    name : str
        Last part of the path.
    page_size : int
        Most entries that a page may have.
    """

    name: str
    page_size: int


# The present one first.
FORMS: Final = (Form("items", 50), Form("tracks", 100))


def parse_playlist(text: str) -> str:
    """Read which playlist is meant.

    Parameters
    ----------
    text : str
        An id, `spotify:playlist:ID`, or a link such as
        `https://open.spotify.com/intl-de/playlist/ID?si=...`.

    Returns
    -------
    str
        The id.

    Raises
    ------
    InvalidPlaylist
        If it is something else: a link of another service, to an album, or shortened.
    """
    text = text.strip()
    if match := re.fullmatch(f"({_ID})", text) or _URI.fullmatch(text):
        return match[1]
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError as exc:
        raise InvalidPlaylist("The playlist must be an id or a link of Spotify.") from exc
    if host in HOSTS and (match := _PATH.fullmatch(parts.path)):
        return match[1]
    raise InvalidPlaylist(_what_is_wrong(text, host))


def _what_is_wrong(text: str, host: str) -> str:
    if host in HOSTS or text.startswith("spotify:"):
        return "The link leads to something else at Spotify; send one to a playlist."
    if host == "spotify.link":
        return "The link is a shortened one; open it and send the address that it leads to."
    if "://" in text or "/" in text:
        return "The link is not one of Spotify's; send one like https://open.spotify.com/playlist/…"
    return "The playlist must be an id of 22 letters and digits, or a link of Spotify."


class Spotify:
    """Playlists and audio features, asked in the name of an app.

    Parameters
    ----------
    settings : SpotifySettings
        How to reach Spotify. Nothing is asked before the first call.
    """

    def __init__(self, settings: SpotifySettings) -> None:
        self._api = SpotifyApi(settings)
        self._closed_until_s = 0.0

    def playlist_tracks(self, playlist_id: str) -> tuple[Track, ...]:
        """List the tracks of a playlist, however many pages it has.

        Parameters
        ----------
        playlist_id : str
            See `parse_playlist`.

        Returns
        -------
        tuple of Track
            In the playlist's order, without features. Files of the owner's own have no id.
            Episodes, and tracks that Spotify has no longer, are left out.

        Raises
        ------
        UnknownPlaylist
            If there is none, or none that apps may see (404).
        SpotifyPlaylistClosed
            If this app may not read it (403).
        SpotifyAnswerInvalid
            If a page is none.
        SpotifyNotConfigured, SpotifyCredentialsRefused, SpotifyBusy, SpotifyTimeout,
        SpotifyUnreachable
            See `SpotifyApi.get`.
        """
        patience = self._api.patience()
        refused = []
        for form in FORMS:
            page = self._page(playlist_id, form, 0, patience)
            if page.status == 200:
                return tuple(self._tracks(playlist_id, form, page.body, patience))
            refused.append(page.status)
        # The present form's answer tells why: the older one is closed to most apps.
        raise _refusal(refused[0])

    def audio_features(self, track_ids: Sequence[str]) -> dict[str, Mapping[str, float]]:
        """Ask for the audio features of tracks.

        Parameters
        ----------
        track_ids : sequence of str
            As many as you like.

        Returns
        -------
        dict
            Id to features (see `tracks.FEATURE_RANGES`), of the tracks for which Spotify tells
            them. Empty where this app may not ask, as all that were registered since
            November 2024; the same is answered for an hour, without asking.

        Raises
        ------
        SpotifyNotConfigured, SpotifyCredentialsRefused, SpotifyBusy, SpotifyTimeout,
        SpotifyUnreachable
            See `SpotifyApi.get`.
        """
        patience = self._api.patience()
        found: dict[str, Mapping[str, float]] = {}
        for i in range(0, len(track_ids), N_FEATURES):
            if time.monotonic() < self._closed_until_s:
                break
            ids = ",".join(track_ids[i : i + N_FEATURES])
            answer = self._api.get("audio-features", patience, ids=ids)
            if answer.status != 200:
                self._closed_until_s = time.monotonic() + CLOSED_S
            found |= _features(answer.body)
        return found

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _tracks(
        self, playlist_id: str, form: Form, page: Mapping[str, Any], patience: Patience
    ) -> Iterator[Track]:
        offset = 0
        while page["items"]:
            yield from filter(None, map(_track, page["items"]))
            # By number, not by the address in `next`: the token goes nowhere but to the API.
            offset += len(page["items"])
            if not page.get("next"):
                return
            answer = self._page(playlist_id, form, offset, patience)
            if answer.status != 200:
                raise _refusal(answer.status)
            page = answer.body

    def _page(self, playlist_id: str, form: Form, offset: int, patience: Patience) -> Answer:
        path = f"playlists/{playlist_id}/{form.name}"
        answer = self._api.get(path, patience, limit=form.page_size, offset=offset)
        if answer.status != 200:
            return answer
        if not isinstance(answer.body, dict):
            raise SpotifyAnswerInvalid("Spotify's answer is no page of a playlist.")
        # Of a playlist that it may not read, an app is told no more than the title.
        return answer if isinstance(answer.body.get("items"), list) else Answer(403)


def _refusal(status: int) -> UnknownPlaylist | SpotifyPlaylistClosed:
    if status == 403:
        return SpotifyPlaylistClosed(
            "Spotify lets this service read only playlists of the app's owner; "
            "send the tracks themselves instead."
        )
    return UnknownPlaylist(
        "Spotify has no such playlist, or hides it from apps, as it does its own and private ones."
    )


def _track(entry: object) -> Track | None:
    """Read an entry of either form; None if it holds no track."""
    if not isinstance(entry, dict):
        return None
    found = entry.get("item") or entry.get("track")
    if not isinstance(found, dict) or found.get("type", "track") != "track":
        return None
    artists = [_text(artist, "name") for artist in found.get("artists") or ()]
    return Track(
        id=None if entry.get("is_local") else _text(found, "id"),
        name=_text(found, "name"),
        artist=", ".join(filter(None, artists)) or None,
        album=_text(found.get("album"), "name"),
        preview_url=_text(found, "preview_url"),
    )


def _text(holder: object, member: str) -> str | None:
    value = holder.get(member) if isinstance(holder, dict) else None
    return value if isinstance(value, str) and value else None


def _features(body: object) -> dict[str, Mapping[str, float]]:
    entries = body.get("audio_features") if isinstance(body, dict) else None
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        # What Spotify does not know is null.
        if (track_id := _text(entry, "id")) is not None:
            with suppress(InvalidFeatures):
                found[track_id] = parse_features(entry, (), of=track_id)
    return found
