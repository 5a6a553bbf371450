"""Errors of playlists at Spotify and of tracks' previews.

They are branches of the tree in `errors`::

ParameterError
|-- InvalidPlaylist               400 invalid_playlist
`-- PreviewHostRefused            400 preview_host_refused
NotFound
`-- UnknownPlaylist               404 spotify_playlist_unknown
UpstreamError
|-- PreviewUnavailable            502 preview_unavailable
|-- SpotifyCredentialsRefused     502 spotify_credentials_refused
|-- SpotifyPlaylistClosed         502 spotify_playlist_closed
`-- SpotifyAnswerInvalid          502 spotify_answer_invalid
Unavailable
|-- SpotifyNotConfigured          503 spotify_not_configured
|-- SpotifyBusy                   503 spotify_busy
|-- SpotifyTimeout                503 spotify_timeout
`-- SpotifyUnreachable            503 spotify_unreachable
"""

from emosync.errors import NotFound, ParameterError, Unavailable, UpstreamError


class InvalidPlaylist(ParameterError):
    """The text is neither the id of a playlist at Spotify nor a link to one."""

    code, title = "invalid_playlist", "Invalid playlist"


class PreviewHostRefused(ParameterError):
    """A preview lies elsewhere than where previews are taken from."""

    code, title = "preview_host_refused", "Preview refused"


class UnknownPlaylist(NotFound):
    """Spotify has no such playlist, or hides it from apps."""

    code, title = "spotify_playlist_unknown", "Unknown playlist"


class PreviewUnavailable(UpstreamError):
    """A preview cannot be fetched, in time or at all."""

    code, title = "preview_unavailable", "Preview unavailable"


class SpotifyCredentialsRefused(UpstreamError):
    """Spotify does not take the app's id and secret."""

    code, title = "spotify_credentials_refused", "Spotify credentials refused"


class SpotifyPlaylistClosed(UpstreamError):
    """Spotify does not let this app read the playlist."""

    code, title = "spotify_playlist_closed", "Spotify playlist closed"


class SpotifyAnswerInvalid(UpstreamError):
    """Spotify answered with what is no page of a playlist."""

    code, title = "spotify_answer_invalid", "Spotify's answer invalid"


class SpotifyNotConfigured(Unavailable):
    """No id and secret of an app at Spotify were set."""

    code, title = "spotify_not_configured", "Spotify not configured"


class SpotifyBusy(Unavailable):
    """Spotify asks to wait for longer than a request can.

    Parameters
    ----------
    message : str
        See `EmoSyncError`.
    retry_after_s : int
        For how long, as Spotify said.
    """

    code, title = "spotify_busy", "Spotify busy"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SpotifyTimeout(Unavailable):
    """Spotify does not answer in time."""

    code, title = "spotify_timeout", "Spotify time-out"


class SpotifyUnreachable(Unavailable):
    """Spotify cannot be reached, or is failing itself."""

    code, title = "spotify_unreachable", "Spotify unreachable"
