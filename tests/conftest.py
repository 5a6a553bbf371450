"""Fixtures that more than one test module uses."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf
from answers import Upload, multipart
from buckets import CREDENTIALS, NO_CREDENTIALS, fill, s3_process
from document_check import CheckedClient
from flask import Flask
from flask.testing import FlaskClient
from servers import LocalServer, Postgres, postgres_server, rabbitmq_process, redis_process
from werkzeug.test import TestResponse

from emosync.config import Config
from emosync.database import Database

ROOT = Path(__file__).parent.parent

MakeWav = Callable[..., bytes]


# Every answer that a test gets is held to the API document.
Flask.test_client_class = CheckedClient


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own settings out of the tests."""
    for variable in fields(Config):
        monkeypatch.delenv(variable.name.upper(), raising=False)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in NO_CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def make_wav() -> MakeWav:
    """Make a tone of 0.5 of full scale as the bytes of a file."""

    def make(
        duration_s: float = 1.0,
        *,
        sr: int = 16_000,
        freq_hz: float = 220.0,
        level: float = 0.5,
        subtype: str = "PCM_16",
    ) -> bytes:
        t: npt.NDArray[np.float64] = np.arange(round(duration_s * sr)) / sr
        out = io.BytesIO()
        y = level * np.sin(2 * np.pi * freq_hz * t)
        sf.write(out, y, sr, format="WAV", subtype=subtype)
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def voice() -> bytes:
    """Return a synthetic voice, as WAV."""
    return sorted((ROOT / "tests" / "audio").glob("*.wav"))[0].read_bytes()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return settings that keep everything written under a temporary folder."""
    return Config(
        data_path=tmp_path / "data",
        visualizations_path=tmp_path / "visualizations",
        library_path=tmp_path / "library",
        models_path=ROOT / "models",
        database_timeout_s=0.2,
    )


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server that speaks S3; returns its URL."""
    with s3_process(tmp_path_factory.mktemp("s3") / "log") as url:
        yield url


@pytest.fixture(scope="session")
def crowded_bucket(s3_server: str) -> str:
    """Make a bucket with the curves song-0000 to song-1202, more than a listing's page."""
    keys = [f"CURVES/song-{number:04}.json" for number in range(1_203)]
    fill(s3_server, "crowded", [*keys, "CURVES.txt", "CURVES/", "elsewhere/a.json"])
    return "crowded"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run PostgreSQL for all tests; none of them may stop it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """Make an empty database in PostgreSQL; returns its URL for SQLAlchemy."""
    return postgres.new_database().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Open an empty database of each kind, with all tables."""
    url = f"sqlite:///{tmp_path / 'state.sqlite3'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    database = Database(url, timeout_s=30)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[LocalServer]:
    """Run Redis for all tests; none of them may stop it."""
    with redis_process() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[LocalServer]:
    """Run RabbitMQ for all tests; none of them may stop it."""
    with rabbitmq_process() as server:
        yield server


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 find credentials."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    # Tests of single modules run without the application and its models.
    from app import create_app

    app = create_app(config)
    yield app
    app.extensions["emosync"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def upload(client: FlaskClient, voice: bytes) -> Upload:
    """Post a recording; by default the voice, under the name voice.wav."""

    def post(
        data: bytes | None = None,
        name: str = "voice.wav",
        *,
        path: str = "/predict",
        field: str = "file",
        **form: str,
    ) -> TestResponse:
        body = multipart(voice if data is None else data, name, field=field, **form)
        return client.post(path, data=body, content_type="multipart/form-data; boundary=x")

    return post
