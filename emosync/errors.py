"""Errors that a caller can see.

Every class carries the HTTP status and a stable code; one handler in `app` turns
them into problem+json (RFC 9457)::

    EmoSyncError                      500 internal_error
    |-- ParameterError                400 invalid_parameter
    |   |-- MissingInput              400 missing_input
    |   |-- InvalidBase64             400 invalid_base64
    |   |-- InvalidSongId             400 invalid_song_id
    |   |-- InvalidTracks             400 invalid_tracks
    |   |-- InvalidVideoUrl           400 invalid_video_url
    |   |   |-- VideoHostRefused      400 video_host_refused
    |   |   `-- PlaylistUrl           400 playlist_url
    |   |-- UnknownEmotion            400 unknown_emotion
    |   |-- UnknownMethod             400 unknown_method
    |   `-- UnknownParameter          400 unknown_parameter
    |-- VideoDisabled                 403 video_disabled
    |-- NotFound                      404 not_found
    |   `-- UnknownSong               404 unknown_song
    |-- BodyTimeout                   408 body_timeout
    |-- TooLarge                      413 too_large
    |   `-- ImageTooLarge             413 image_too_large
    |-- UnsupportedMedia              415 unsupported_media
    |-- UnreadableMedia               422 unreadable_media
    |   `-- NoAudioTrack              422 no_audio_track
    |-- UnusableAudio                 422 unusable_audio
    |   |-- TooShort                  422 too_short
    |   |-- TooLong                   422 too_long
    |   `-- SilentAudio               422 silent_audio
    |-- NoFace                        422 no_face
    |-- InvalidFeatures               422 invalid_features
    |-- UnusableVideo                 422 unusable_video
    |   |-- VideoTooLong              422 video_too_long
    |   |-- VideoTooLarge             422 video_too_large
    |   |-- VideoLive                 422 video_live
    |   `-- VideoLengthUnknown        422 video_length_unknown
    |-- UpstreamError                 502 upstream_error
    |   |-- LibraryAccessRefused      502 library_access_refused
    |   |-- LibraryBucketMissing      502 library_bucket_missing
    |   |-- StoredPlaybackInvalid     502 stored_playback_invalid
    |   `-- VideoRefused              502 video_refused
    |       |-- VideoPrivate          502 video_private
    |       |-- VideoRemoved          502 video_removed
    |       |-- VideoAgeRestricted    502 video_age_restricted
    |       |-- VideoBotCheck         502 video_bot_check
    |       |-- VideoGeoBlocked       502 video_geo_blocked
    |       `-- VideoTimeout          504 video_timeout
    `-- Unavailable                   503 unavailable
        |-- ModelUnavailable          503 model_unavailable
        |-- DatabaseUnavailable       503 database_unavailable
        |   `-- DatabaseOutdated      503 database_outdated
        |-- StorageUnavailable        503 storage_unavailable
        |-- LibraryUnreachable        503 library_unreachable
        |-- LibraryTimeout            503 library_timeout
        |-- LibraryCredentialsMissing 503 library_credentials_missing
        `-- VideoBusy                 503 video_busy

Those of playlists are in `playlist_errors`, those of keys and limits in `access_errors`.

Messages are sentences for the person who sent the request: what is wrong and what
to do. They never hold a path of the server, a secret or a traceback; the cause is
chained (`raise ... from exc`) and goes to the log.
"""


class EmoSyncError(Exception):
    """Base of every error that an answer can carry.

    Parameters
    ----------
    message : str
        A sentence that tells the caller what to do.
    """

    status: int = 500
    code: str = "internal_error"
    title: str = "Internal error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ParameterError(EmoSyncError):
    """A parameter is missing, malformed or out of range."""

    status, code, title = 400, "invalid_parameter", "Invalid parameter"


class MissingInput(ParameterError):
    """The request holds no file, no field or no body where one is needed."""

    code, title = "missing_input", "Missing input"


class InvalidBase64(ParameterError):
    """A base64 member cannot be decoded, or its data URL names no known type."""

    code, title = "invalid_base64", "Invalid base64"


class InvalidSongId(ParameterError):
    """A song id holds a character, such as a slash, that no id may hold."""

    code, title = "invalid_song_id", "Invalid song id"


class InvalidVideoUrl(ParameterError):
    """A URL is not that of one video."""

    code, title = "invalid_video_url", "Invalid video URL"


class VideoHostRefused(InvalidVideoUrl):
    """A URL names another host than those that videos are taken from."""

    code, title = "video_host_refused", "Video host refused"


class PlaylistUrl(InvalidVideoUrl):
    """A URL is that of a playlist or a channel."""

    code, title = "playlist_url", "Playlist or channel"


class InvalidTracks(ParameterError):
    """The list of tracks is none, too long, or holds what is no track."""

    code, title = "invalid_tracks", "Invalid tracks"


class UnknownEmotion(ParameterError):
    """No mood goes with an emotion of that name."""

    code, title = "unknown_emotion", "Unknown emotion"


class UnknownMethod(ParameterError):
    """No model of that name serves the task."""

    code, title = "unknown_method", "Unknown method"


class UnknownParameter(ParameterError):
    """A name resembles that of a parameter, or is one that has no meaning for the request."""

    code, title = "unknown_parameter", "Unknown parameter"


class VideoDisabled(EmoSyncError):
    """The server is set up to fetch no videos."""

    status, code, title = 403, "video_disabled", "Videos disabled"


class NotFound(EmoSyncError):
    """What the request names does not exist."""

    status, code, title = 404, "not_found", "Not found"


class UnknownSong(NotFound):
    """The library does not hold what the request needs of that song."""

    code, title = "unknown_song", "Unknown song"


class BodyTimeout(EmoSyncError):
    """The body of the request stopped coming, or came too slowly."""

    status, code, title = 408, "body_timeout", "Body timeout"


class TooLarge(EmoSyncError):
    """The body is larger than the configured limit."""

    status, code, title = 413, "too_large", "Too large"


class ImageTooLarge(TooLarge):
    """The picture has more pixels than the limit."""

    code, title = "image_too_large", "Image too large"


class UnsupportedMedia(EmoSyncError):
    """The content is of no kind that can be decoded."""

    status, code, title = 415, "unsupported_media", "Unsupported media"


class UnreadableMedia(EmoSyncError):
    """The content is of a known kind, but broken."""

    status, code, title = 422, "unreadable_media", "Unreadable media"


class NoAudioTrack(UnreadableMedia):
    """The container holds no audio."""

    code, title = "no_audio_track", "No audio track"


class UnusableAudio(EmoSyncError):
    """The audio was read, but no emotion can be told from it."""

    status, code, title = 422, "unusable_audio", "Unusable audio"


class TooShort(UnusableAudio):
    """The recording is shorter than the models need."""

    code, title = "too_short", "Too short"


class TooLong(UnusableAudio):
    """The recording is longer than the limit."""

    code, title = "too_long", "Too long"


class SilentAudio(UnusableAudio):
    """The recording holds digital silence only."""

    code, title = "silent_audio", "Silent audio"


class NoFace(EmoSyncError):
    """The picture shows no face where one is needed."""

    status, code, title = 422, "no_face", "No face"


class InvalidFeatures(EmoSyncError):
    """The features of a song or a track are not what the models need."""

    status, code, title = 422, "invalid_features", "Invalid features"


class UnusableVideo(EmoSyncError):
    """The video is there, but is of a kind that is not taken."""

    status, code, title = 422, "unusable_video", "Unusable video"


class VideoTooLong(UnusableVideo):
    """The video is longer than the limit."""

    code, title = "video_too_long", "Video too long"


class VideoTooLarge(UnusableVideo):
    """The video's file is larger than the limit."""

    code, title = "video_too_large", "Video too large"


class VideoLive(UnusableVideo):
    """The video is being broadcast, or will be."""

    code, title = "video_live", "Live video"


class VideoLengthUnknown(UnusableVideo):
    """The site does not say how long the video is."""

    code, title = "video_length_unknown", "Length of the video unknown"


class UpstreamError(EmoSyncError):
    """A service that the request depends on failed."""

    status, code, title = 502, "upstream_error", "Upstream error"


class LibraryAccessRefused(UpstreamError):
    """The bucket refuses the credentials, or what they may do."""

    code, title = "library_access_refused", "Library access refused"


class LibraryBucketMissing(UpstreamError):
    """There is no bucket of the configured name."""

    code, title = "library_bucket_missing", "Library bucket missing"


class StoredPlaybackInvalid(UpstreamError):
    """The library holds a playback sequence that is broken."""

    code, title = "stored_playback_invalid", "Stored playback invalid"


class VideoRefused(UpstreamError):
    """The site does not hand a video over, for a reason that has no code of its own."""

    code, title = "video_refused", "Video refused"


class VideoPrivate(VideoRefused):
    """The video is for some people only: invited, paying or members."""

    code, title = "video_private", "Private video"


class VideoRemoved(VideoRefused):
    """There is no such video, or no longer."""

    code, title = "video_removed", "Video removed"


class VideoAgeRestricted(VideoRefused):
    """The site wants to know the age of who is watching."""

    code, title = "video_age_restricted", "Video age-restricted"


class VideoBotCheck(VideoRefused):
    """The site takes this server for a bot, as it does most data centres."""

    code, title = "video_bot_check", "Bot check"


class VideoGeoBlocked(VideoRefused):
    """The video is not shown in the country of this server."""

    code, title = "video_geo_blocked", "Video blocked in this country"


class VideoTimeout(VideoRefused):
    """The video does not arrive in time."""

    status, code, title = 504, "video_timeout", "Video time-out"


class Unavailable(EmoSyncError):
    """Part of this service cannot work at the moment."""

    status, code, title = 503, "unavailable", "Unavailable"


class ModelUnavailable(Unavailable):
    """A model could not be loaded or verified."""

    code, title = "model_unavailable", "Model unavailable"


class DatabaseUnavailable(Unavailable):
    """The database is locked, down or unreachable.

    Attributes
    ----------
    may_be_done : bool
        Whether the transaction may be committed all the same: it was asked for, and the answer
        was lost.
    """

    code, title = "database_unavailable", "Database unavailable"
    may_be_done = False


class DatabaseOutdated(DatabaseUnavailable):
    """The tables of the database are older than this code."""

    code, title = "database_outdated", "Database outdated"


class StorageUnavailable(Unavailable):
    """A file cannot be written, as when the disk is full."""

    code, title = "storage_unavailable", "Storage unavailable"


class LibraryUnreachable(Unavailable):
    """The bucket's server cannot be reached, or is failing itself."""

    code, title = "library_unreachable", "Library unreachable"


class LibraryTimeout(Unavailable):
    """The bucket's server does not answer in time."""

    code, title = "library_timeout", "Library time-out"


class LibraryCredentialsMissing(Unavailable):
    """A bucket is configured, and no credentials for it are found."""

    code, title = "library_credentials_missing", "Library credentials missing"


class VideoBusy(Unavailable):
    """As many videos are being fetched as this process fetches at a time."""

    code, title = "video_busy", "Fetching other videos"
