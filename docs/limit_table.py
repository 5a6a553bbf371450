"""The limits of what is accepted and waited for, in one table, with the values of the code."""

import re
from dataclasses import fields
from typing import Final

from flask import Flask

from application.jobs.job_views import MAX_SONGS
from application.tasks.song_analysis import MIN_DURATION_S
from application.web.request_context import MAX_LIMIT
from docs.tables import ROOT, table
from emosync import first_answers, images, previews, tracks, video_download, webhooks
from emosync.access_errors import RateLimited
from emosync.audio import AudioLimits
from emosync.config import Config
from emosync.errors import (
    BodyTimeout,
    DatabaseUnavailable,
    EmoSyncError,
    ImageTooLarge,
    InvalidFeatures,
    InvalidTracks,
    LibraryTimeout,
    ParameterError,
    TooLarge,
    TooLong,
    TooShort,
    VideoBusy,
    VideoTimeout,
    VideoTooLarge,
    VideoTooLong,
)
from emosync.job_errors import InvalidBatch, JobTimeout, TooManyJobs, UnknownJob
from emosync.playlist_errors import SpotifyTimeout
from emosync.song_features import MAX_STEPS
from emosync.spotify_api import SpotifySettings

_DEFAULTS: Final = {variable.name: variable.default for variable in fields(Config)}
_FIXED: Final = "fixed"

Row = tuple[str, str, str, str]


def limits() -> str:
    """List every limit with its default, what sets it, and the answer beyond it."""
    rows = [*_sizes(), *_lengths(), *_counts(), *_waits()]
    return table(("What", "Limit", "Set by", "Beyond it"), rows)


def _sizes() -> list[Row]:
    form = Flask.default_config
    return [
        _set("a form with its files", "max_upload_mb", "MB", TooLarge),
        _set("a body of JSON", "max_json_mb", "MB", TooLarge),
        _fixed("a field of a form", f"{form['MAX_FORM_MEMORY_SIZE'] / 1e6:g} MB", TooLarge),
        _fixed("parts of a form", form["MAX_FORM_PARTS"], TooLarge),
        _fixed("a picture", f"{images.MAX_PIXELS / 1e6:g} megapixels", ImageTooLarge),
        _set("a video's file", "max_upload_mb", "MB", VideoTooLarge),
        (
            "a track's preview",
            f"{previews.MAX_BYTES / 1e6:g} MB, {previews.TIMEOUT_S:g} s",
            _FIXED,
            "the track has no mood, and a `reason`",
        ),
    ]


def _lengths() -> list[Row]:
    shortest_s = AudioLimits(max_duration_s=0).min_duration_s
    return [
        _set("a recording of speech or for its genre", "max_duration_s", "s", TooLong),
        _set("a song, or a recording for its mood", "max_song_duration_s", "s", TooLong),
        _set("a video", "max_video_duration_s", "s", VideoTooLong),
        _fixed("a recording, at least", f"{shortest_s:g} s", TooShort),
        _fixed("a song, at least", f"{MIN_DURATION_S:g} s", TooShort),
    ]


def _counts() -> list[Row]:
    return [
        _fixed("tracks in one request", tracks.MAX_TRACKS, InvalidTracks),
        _fixed("songs in one batch", f"{MAX_SONGS:,}", InvalidBatch),
        _fixed("rows of a song's features", f"{MAX_STEPS:,}", InvalidFeatures),
        _fixed("rows of a page of the history, or songs", f"{MAX_LIMIT:,}", ParameterError),
        _fixed("videos that a worker fetches at once", video_download.MAX_AT_ONCE, VideoBusy),
        _set("jobs of a key that have not ended", "max_jobs_per_owner", "", TooManyJobs),
        _set("requests by a key or an address", "rate_limits", "", RateLimited),
    ]


def _waits() -> list[Row]:
    server = dict(re.findall(r"^(\w+) = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.M))
    return [
        _set("silence of who sends a body", "body_pause_s", "s", BodyTimeout),
        _set("a body, on average, at least", "body_min_kb_s", "kB/s", BodyTimeout),
        _set("waiting for the database", "database_timeout_s", "s", DatabaseUnavailable),
        _set("waiting for the bucket, 3 times", "s3_timeout_s", "s", LibraryTimeout),
        _set("fetching a video", "youtube_timeout_s", "s", VideoTimeout),
        _fixed("a call to Spotify", f"{SpotifySettings.timeout_s:g} s", SpotifyTimeout),
        _set("part of a job", "job_time_limit_s", "s", JobTimeout),
        _set("fetching a job that has ended", "job_retention_days", "days", UnknownJob),
        (
            "the same `Idempotency-Key`",
            f"{first_answers.KEPT_S / 3600:g} h",
            _FIXED,
            "the request is a new one",
        ),
        (
            "a call of a webhook",
            f"{webhooks.MAX_DURATION_S:g} s",
            _FIXED,
            "it is called again later",
        ),
        (
            "a worker without a sign of life; requests when the service stops",
            f"{server['timeout']} s",
            "`timeout` in `gunicorn.conf.py`",
            "the worker is ended",
        ),
    ]


def _set(what: str, name: str, unit: str, error: type[EmoSyncError]) -> Row:
    default = _DEFAULTS[name]
    shown = f"{default:g} {unit}".strip() if isinstance(default, float) else str(default) or "none"
    return (what, shown, f"`{name.upper()}`", _answer(error))


def _fixed(what: str, limit: object, error: type[EmoSyncError]) -> Row:
    return (what, str(limit), _FIXED, _answer(error))


def _answer(error: type[EmoSyncError]) -> str:
    return f"{error.status} `{error.code}`"
