import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest
from answers import assert_problem
from flask import Flask

from app import create_app
from emosync.config import Config
from emosync.schema import newest_version


@pytest.fixture
def app_on_postgres(config: Config, postgres_url: str) -> Iterator[Flask]:
    app = create_app(replace(config, database_url=postgres_url, database_timeout_s=5))
    yield app
    app.extensions["emosync"].close()


def said(app: Flask, *words: str) -> str:
    return app.test_cli_runner().invoke(args=["db", *words]).output


def test_a_server_is_upgraded_by_command_and_serves_from_then_on(app_on_postgres: Flask) -> None:
    client = app_on_postgres.test_client()
    newest = newest_version()
    for path in ("/ready", "/history"):
        answer = client.get(path)
        assert_problem(answer, 503, "database_outdated")
        assert "flask db upgrade" in answer.text
    assert (
        said(app_on_postgres, "current") == f"The tables are at no version; {newest} is needed.\n"
    )
    assert f"are at {newest}" in said(app_on_postgres, "upgrade")
    assert said(app_on_postgres, "current") == f"The tables are at {newest}; {newest} is needed.\n"
    assert client.get("/ready").status_code == 200
    assert client.get("/history").status_code == 200


def test_upgrading_twice_changes_nothing(app: Flask) -> None:
    said(app, "upgrade")
    assert said(app, "upgrade") == (
        f"The tables were at {newest_version()} and are at {newest_version()}.\n"
    )


def test_a_database_that_cannot_be_read_is_told_in_a_sentence(app: Flask, config: Config) -> None:
    config.data_path.mkdir()
    (config.data_path / "emosync.sqlite3").write_bytes(b"no database at all" * 100)
    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: The database does not answer")


def test_the_first_use_of_a_file_upgrades_it(app: Flask, config: Config) -> None:
    assert app.test_client().get("/history").status_code == 200
    with sqlite3.connect(config.data_path / "emosync.sqlite3") as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchone() == (newest_version(),)
    connection.close()
