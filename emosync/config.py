"""The environment, read once and declared once.

A field of `Config` holds everything about a variable: its type, its default, how the text
is converted and what it means. `.env.example` and the README's table list the same names,
and a test holds them to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from emosync import converters
from emosync.labels import MOOD_OF_EMOTION

BYTES_PER_MB = 1_000_000


def _read(convert: Callable[[str], Any], meaning: str) -> dict[str, Any]:
    return {"convert": convert, "meaning": meaning}


@dataclass(frozen=True)
class Config:
    """Settings of one process; every field is the variable of the same name in capitals."""

    database_url: str = field(
        default="",
        metadata=_read(
            converters.database_url, "SQLAlchemy or Heroku URL; empty: SQLite in DATA_PATH"
        ),
    )
    database_timeout_s: float = field(
        default=5.0,
        metadata=_read(
            converters.positive, "how long a request waits for a locked or absent database"
        ),
    )
    database_pool_size: int = field(
        default=8,
        metadata=_read(converters.count, "most connections to the database of one process"),
    )
    data_path: Path = field(
        default=Path("data"), metadata=_read(Path, "folder of the uploads and the SQLite file")
    )
    models_path: Path = field(
        default=Path("models"), metadata=_read(Path, "folder of the models and their cards")
    )
    visualizations_path: Path = field(
        default=Path("static/visualizations"),
        metadata=_read(Path, "folder of the pictures that were drawn once"),
    )
    model_runtime: str = field(
        default="onnx",
        metadata=_read(converters.runtime, "onnx, or native for .keras and .skops files"),
    )
    model_threads: int = field(
        default=1, metadata=_read(converters.count, "threads of one model in one worker")
    )
    max_upload_mb: float = field(
        default=100.0, metadata=_read(converters.positive, "largest multipart body, in MB")
    )
    max_json_mb: float = field(
        default=32.0, metadata=_read(converters.positive, "largest JSON body, in MB")
    )
    body_pause_s: float = field(
        default=20.0,
        metadata=_read(converters.positive, "longest silence of who sends a body, in seconds"),
    )
    body_min_kb_s: float = field(
        default=4.0,
        metadata=_read(
            converters.positive, "what must come of a body on average beyond that, in kB/s"
        ),
    )
    max_duration_s: float = field(
        default=600.0, metadata=_read(converters.positive, "longest recording, in seconds")
    )
    cors_origins: tuple[str, ...] = field(
        default=("*",),
        metadata=_read(
            converters.origins, "origins of web pages that may call, with commas; * is all"
        ),
    )
    max_song_duration_s: float = field(
        default=7200.0, metadata=_read(converters.positive, "longest song, in seconds")
    )
    library_path: Path = field(
        default=Path("data/library"),
        metadata=_read(Path, "folder of the song library, where no bucket is named"),
    )
    s3_bucket_name: str = field(
        default="",
        metadata=_read(converters.bucket, "bucket of the song library; empty: LIBRARY_PATH"),
    )
    aws_endpoint_url: str = field(
        default="",
        metadata=_read(
            converters.endpoint, "URL of an S3-compatible server, as of MinIO; empty: AWS"
        ),
    )
    aws_region: str = field(
        default="",
        metadata=_read(str, "region of the bucket; empty: AWS_DEFAULT_REGION or the profile's"),
    )
    s3_timeout_s: float = field(
        default=5.0,
        metadata=_read(
            converters.positive, "how long a silent bucket is waited for, in each of 3 attempts"
        ),
    )
    playback_prefix: str = field(
        default="COMPLETED PLAYBACK STRINGS/",
        metadata=_read(
            converters.prefix, "where the library keeps the playback sequences, {id}.json"
        ),
    )
    features_prefix: str = field(
        default="FEATURES PREDICT/",
        metadata=_read(converters.prefix, "where it keeps the tables of features, {id}.csv"),
    )
    songs_prefix: str = field(
        default="SONGS/", metadata=_read(converters.prefix, "where it keeps the recordings, {id}.*")
    )
    curves_prefix: str = field(
        default="CURVES/", metadata=_read(converters.prefix, "where it keeps the curves, {id}.json")
    )
    cache_mb: float = field(
        default=1000.0,
        metadata=_read(
            converters.positive, "disk for copies from the bucket, in MB; the unused leave"
        ),
    )
    cache_check_s: float = field(
        default=30.0,
        metadata=_read(
            converters.seconds, "how long a copy is used before the bucket is asked for changes"
        ),
    )
    arousal_model_s3: str = field(
        default="",
        metadata=_read(str, "folder in the bucket of the arousal model; empty: MODELS_PATH"),
    )
    valence_model_s3: str = field(
        default="",
        metadata=_read(str, "folder in the bucket of the valence model; empty: MODELS_PATH"),
    )
    youtube_enabled: bool = field(
        default=True, metadata=_read(converters.switch, "1, or 0 to fetch no videos from YouTube")
    )
    youtube_proxy: str = field(
        default="",
        metadata=_read(
            converters.proxy, "URL of a proxy for YouTube alone; empty: HTTPS_PROXY, or none"
        ),
    )
    youtube_cookies_file: str = field(
        default="",
        metadata=_read(
            converters.file, "cookies of a browser for YouTube, in Netscape's format; only read"
        ),
    )
    youtube_timeout_s: float = field(
        default=60.0,
        metadata=_read(converters.positive, "how long fetching a video may take, in seconds"),
    )
    max_video_duration_s: float = field(
        default=600.0, metadata=_read(converters.positive, "longest video, in seconds")
    )
    spotify_client_id: str = field(
        default="", metadata=_read(str, "id of the app at Spotify; empty: no playlists")
    )
    # Kept out of every repr, so that no log can hold it.
    spotify_client_secret: str = field(
        default="", repr=False, metadata=_read(str, "the app's secret at Spotify")
    )
    log_format: str = field(
        default="text",
        metadata=_read(converters.log_format, "text, or json for one JSON object a line"),
    )
    rate_limits: str = field(
        default="",
        metadata=_read(
            converters.rate_limits,
            "how often a key or an address may ask, as in 60/minute;1000/day; empty: no limit",
        ),
    )
    # It may hold a password.
    redis_url: str = field(
        default="",
        repr=False,
        metadata=_read(
            converters.redis_url, "where the limits are counted; empty: in each worker by itself"
        ),
    )
    trusted_proxies: int = field(
        default=0,
        metadata=_read(
            converters.number,
            "proxies before the service whose word is taken for the client's address",
        ),
    )
    keep_uploads: bool = field(
        default=True,
        metadata=_read(converters.switch, "1, or 0 to keep no recordings and pictures that come"),
    )
    retention_days: int = field(
        default=0,
        metadata=_read(converters.number, "days after which flask purge removes; 0: never"),
    )
    files_bucket_name: str = field(
        default="",
        metadata=_read(
            converters.bucket, "bucket of uploads, pictures and reports; empty: folders"
        ),
    )
    files_public_url: str = field(
        default="",
        metadata=_read(
            converters.endpoint,
            "URL of that bucket's server in links to it; empty: AWS_ENDPOINT_URL",
        ),
    )
    mood_of_emotion: tuple[tuple[str, str], ...] = field(
        default=(),
        metadata=_read(
            converters.moods, "other moods of tracks that fit an emotion, as in sad=Calm,angry=Sad"
        ),
    )

    job_threads: int = field(
        default=1,
        metadata=_read(
            converters.number,
            "threads of one web process that work on jobs; 0, or with a broker: none",
        ),
    )
    job_lease_s: float = field(
        default=30.0,
        metadata=_read(
            converters.positive,
            "after how long without a sign of life a job is begun anew, in seconds",
        ),
    )
    job_time_limit_s: float = field(
        default=600.0,
        metadata=_read(converters.positive, "how long one part of a job may take, in seconds"),
    )
    max_jobs_per_owner: int = field(
        default=5_000,
        metadata=_read(
            converters.count, "jobs of a key that may wait or be at work; without keys, of all"
        ),
    )
    job_retention_days: float = field(
        default=7.0,
        metadata=_read(converters.positive, "how long jobs that ended are kept, in days"),
    )
    # Of a broker's URL the password is part.
    celery_broker_url: str = field(
        default="",
        repr=False,
        metadata=_read(
            converters.broker_url, "Redis or RabbitMQ, for Celery; empty: web processes do the jobs"
        ),
    )
    webhook_secret: bytes = field(
        default=b"",
        repr=False,
        metadata=_read(converters.webhook_secret, "signs webhooks, in base64; empty: no webhooks"),
    )

    def __post_init__(self) -> None:
        if len(set(self.library_prefixes)) < len(self.library_prefixes):
            raise ValueError("PLAYBACK_, FEATURES_, SONGS_ and CURVES_PREFIX must differ")

    @property
    def library_prefixes(self) -> tuple[str, ...]:
        """Folders of the song library."""
        return (
            self.playback_prefix,
            self.features_prefix,
            self.songs_prefix,
            self.curves_prefix,
        )

    @property
    def sql_url(self) -> str:
        """URL of the database in use."""
        return self.database_url or f"sqlite:///{self.data_path.absolute() / 'emosync.sqlite3'}"

    @property
    def moods(self) -> dict[str, str]:
        """Mood of the tracks that fit each emotion."""
        return {**MOOD_OF_EMOTION, **dict(self.mood_of_emotion)}

    @property
    def uploads_path(self) -> Path:
        """Folder of the recordings."""
        return self.data_path / "uploads"

    @property
    def reports_path(self) -> Path:
        """Folder of the reports that were written once."""
        return self.data_path / "reports"

    @property
    def job_bodies_path(self) -> Path:
        """Folder of what jobs were sent."""
        return self.data_path / "jobs"

    @property
    def cache_path(self) -> Path:
        """Folder of the copies from the bucket."""
        return self.data_path / "cache"

    @property
    def cache_bytes(self) -> int:
        """Disk for the copies in bytes."""
        return int(self.cache_mb * BYTES_PER_MB)

    @property
    def max_upload_bytes(self) -> int:
        """Largest multipart body in bytes."""
        return int(self.max_upload_mb * BYTES_PER_MB)

    @property
    def max_json_bytes(self) -> int:
        """Largest JSON body in bytes."""
        return int(self.max_json_mb * BYTES_PER_MB)


def config_at_start(environ: Mapping[str, str]) -> Config:
    """Convert the environment of a process that starts; what cannot be used ends it in a sentence.

    Raises
    ------
    SystemExit
        If a variable cannot be converted; the message names it.
    """
    try:
        return read_config(environ)
    except ValueError as exc:
        raise SystemExit(f"Error: {exc}") from None


def read_config(environ: Mapping[str, str]) -> Config:
    """Convert the environment.

    Parameters
    ----------
    environ : mapping of str to str
        Such as `os.environ`. An empty value counts as absent.

    Returns
    -------
    Config

    Raises
    ------
    ValueError
        If a variable cannot be converted; the message names it.
    """
    values = {}
    for variable in fields(Config):
        name = variable.name.upper()
        if text := environ.get(name, "").strip():
            try:
                values[variable.name] = variable.metadata["convert"](text)
            except ValueError as exc:
                # What is kept out of a repr is a secret, and this goes to the log.
                shown = f"{name}={text!r}" if variable.repr else name
                raise ValueError(f"{shown} cannot be used: {exc}") from exc
    return Config(**values)
