from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner

from application.services import Services
from emosync.config import Config


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture
def found(app: Flask) -> Services:
    services: Services = app.extensions["emosync"]
    return services


@pytest.fixture
def broken(config: Config, tmp_path: Path) -> Iterator[FlaskCliRunner]:
    """Commands whose database is no database."""
    from app import create_app

    (tmp_path / "file").write_text("")
    app = create_app(replace(config, database_url=f"sqlite:///{tmp_path / 'file' / 'a.sqlite3'}"))
    yield app.test_cli_runner()
    app.extensions["emosync"].close()


def run(runner: FlaskCliRunner, *words: str) -> Result:
    return runner.invoke(args=["keys", *words])


def test_a_new_key_alone_goes_to_standard_output_and_is_good(
    runner: FlaskCliRunner, found: Services
) -> None:
    told = run(runner, "create", "phone")
    key = found.keys.check(told.stdout.removesuffix("\n"))
    assert told.exit_code == 0
    assert key is not None
    assert (key.name, sorted(key.scopes)) == ("phone", ["predict", "read"])
    assert key.id in told.stderr
    assert told.stdout.strip() not in told.stderr


def test_a_key_has_the_scopes_that_were_asked_for(runner: FlaskCliRunner, found: Services) -> None:
    run(runner, "create", "scraper", "--scope", "admin", "--scope", "read")
    (key,) = found.keys.all()
    assert key.scopes == {"admin", "read"}


def test_a_key_may_take_the_place_of_another(runner: FlaskCliRunner, found: Services) -> None:
    old, _ = found.keys.create("old", ["read"])
    assert run(runner, "create", "new", "--replaces", old.id).exit_code == 0
    assert {key.owner for key in found.keys.all()} == {old.id}


def test_a_key_may_see_what_was_made_before_there_were_keys(
    runner: FlaskCliRunner, found: Services
) -> None:
    run(runner, "create", "first", "--inherits")
    assert [key.owner for key in found.keys.all()] == [""]


def test_the_list_shows_every_key_and_no_secret(runner: FlaskCliRunner, found: Services) -> None:
    key, text = found.keys.create("a phone", ["read", "predict"])
    gone, _ = found.keys.create("lost", ["admin"])
    run(runner, "revoke", gone.id)
    told = run(runner, "list").stdout
    head, *lines = told.splitlines()
    assert head.split() == ["ID", "SCOPES", "MADE", "REVOKED", "NAME"]
    by_id = {line.split()[0]: line for line in lines}
    assert by_id[key.id].split()[1:2] == ["predict,read"]
    assert by_id[key.id].endswith("  -                    a phone")
    assert by_id[gone.id].count(":") == 4
    assert text[-43:] not in told


def test_a_revoked_key_is_good_no_more(runner: FlaskCliRunner, found: Services) -> None:
    key, _ = found.keys.create("phone", ["read"])
    told = run(runner, "revoke", key.id)
    assert (told.exit_code, told.stdout) == (0, f"Key {key.id} is revoked.\n")
    assert found.keys.find(key.id).revoked_at is not None


def test_keys_are_put_off_by_deleting_them(runner: FlaskCliRunner, found: Services) -> None:
    _, text = found.keys.create("phone", ["read"])
    gone, _ = found.keys.create("lost", ["read"])
    found.keys.revoke(gone.id)
    told = run(runner, "off", "--yes")
    assert (told.exit_code, told.stdout) == (0, "Keys are off: 2 deleted.\n")
    assert found.keys.all() == []
    assert found.keys.check(text) is None


def test_keys_stay_in_force_unless_it_is_confirmed(runner: FlaskCliRunner, found: Services) -> None:
    found.keys.create("phone", ["read"])
    told = runner.invoke(args=["keys", "off"], input="n\n")
    assert told.exit_code == 1
    assert "everybody may do everything?" in told.stdout
    assert len(found.keys.all()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["revoke", "0" * 16], "There is no key of that id."),
        (["create", "new", "--replaces", "nobody"], "There is no key of that id."),
        (["create", ""], "1 to 64 printable characters"),
        (["create", "new", "--scope", "write"], "'write' is not one of"),
        (["create", "new", "--replaces", "a", "--inherits"], "choose --replaces or --inherits"),
    ],
)
def test_what_cannot_be_done_is_told_without_a_traceback(
    runner: FlaskCliRunner, words: list[str], message: str
) -> None:
    told = run(runner, *words)
    assert told.exit_code != 0
    assert message in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize(
    "words", [["create", "a"], ["list"], ["revoke", "0" * 16], ["off", "--yes"]]
)
def test_a_database_that_fails_is_told_without_a_traceback(
    broken: FlaskCliRunner, words: list[str]
) -> None:
    told = run(broken, *words)
    assert told.exit_code == 1
    assert told.stderr.startswith("Error: The database does not answer")
