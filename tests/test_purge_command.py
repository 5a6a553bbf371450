from collections.abc import Iterator
from dataclasses import replace

import pytest
from answers import rows
from flask import Flask
from sqlalchemy import text
from test_files_in_a_bucket import names, send

from app import create_app
from emosync.config import Config


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    app = create_app(replace(config, retention_days=30))
    yield app
    app.extensions["emosync"].close()


def purge(app: Flask) -> str:
    return app.test_cli_runner().invoke(args=["purge"]).output


def test_old_predictions_are_purged_and_young_ones_stay(app: Flask, voice: bytes) -> None:
    old, young = (send(app, voice, method="cnn") for _ in range(2))
    with app.extensions["emosync"].database.begin() as connection:
        connection.execute(
            text(
                "UPDATE predictions SET timestamp = '2024-01-15 14:30:25' WHERE audio_file = :old"
            ),
            {"old": old["audio_file"]},
        )
    assert "Removed 1 predictions older than 30 days" in purge(app)
    assert [row["audio_file"] for row in rows(app.test_client())] == [young["audio_file"]]
    assert names(app)[0] == {young["audio_file"]}
    assert "Removed 0 predictions" in purge(app)


def test_a_file_that_a_killed_process_left_is_purged(app: Flask, config: Config) -> None:
    config.uploads_path.mkdir(parents=True)
    (config.uploads_path / "20240115-143025-0123456789abcdef.wav").touch()
    assert "Removed 1 files that belong to no prediction." in purge(app)
    assert names(app)[0] == set()


def test_without_a_limit_predictions_are_kept_for_ever(config: Config, voice: bytes) -> None:
    app = create_app(config)
    found = send(app, voice, method="cnn")
    assert "kept for ever" in purge(app)
    assert rows(app.test_client())[0]["audio_file"] == found["audio_file"]
    app.extensions["emosync"].close()


def test_a_purge_that_fails_says_so(app: Flask, config: Config) -> None:
    config.data_path.mkdir()
    (config.data_path / "emosync.sqlite3").write_bytes(b"no database at all" * 100)
    result = app.test_cli_runner().invoke(args=["purge"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: The database does not answer")
