import dataclasses
import logging
import re
import sys
from pathlib import Path

import pytest

from emosync.access_errors import KeyInvalid, KeyMissing
from emosync.database import Database
from emosync.errors import NotFound, ParameterError
from emosync.keys import API_KEYS, Keys
from emosync.logs import FORMS, LogLines


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'a.sqlite3'}")


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


def test_without_any_key_everybody_may_ask(keys: Keys) -> None:
    for text in (None, "", "anything"):
        assert keys.check(text) is None


def test_the_first_key_is_in_force_at_once_and_in_every_process(database: Database) -> None:
    here, there = Keys(database), Keys(database)
    assert there.check(None) is None
    key, text = here.create("phone", ["predict", "read"])
    assert there.check(text) == key
    with pytest.raises(KeyMissing):
        there.check(None)


def test_a_revoked_key_is_refused_at_once_and_keys_stay_in_force(database: Database) -> None:
    here, there = Keys(database), Keys(database)
    key, text = here.create("phone", ["read"])
    assert there.check(text) == key
    here.revoke(key.id)
    with pytest.raises(KeyInvalid):
        there.check(text)
    with pytest.raises(KeyMissing):
        Keys(database).check(None)


def test_deleting_all_keys_opens_the_service_at_once_for_every_process(database: Database) -> None:
    here, there = Keys(database), Keys(database)
    _, text = here.create("phone", ["read"])
    with pytest.raises(KeyMissing):
        there.check(None)
    assert here.delete_all() == 1
    assert there.check(None) is None
    assert there.check(text) is None
    here.create("phone", ["read"])
    with pytest.raises(KeyInvalid):
        there.check(text)


def test_revoking_twice_keeps_the_first_time(keys: Keys) -> None:
    key, _ = keys.create("phone", ["read"])
    keys.revoke(key.id)
    before = keys.find(key.id)
    keys.revoke(key.id)
    assert keys.find(key.id) == before
    assert before.revoked_at is not None


def test_a_key_that_is_not_there_cannot_be_revoked(keys: Keys) -> None:
    with pytest.raises(NotFound):
        keys.revoke("0" * 16)


def test_a_key_that_differs_in_one_character_is_refused(keys: Keys) -> None:
    _, text = keys.create("phone", ["read"])
    other = "a" if text[-1] != "a" else "b"
    for wrong in (text[:-1] + other, text[:-1], text + "a", text.upper(), "é" * 68, "\udcff"):
        with pytest.raises(KeyInvalid):
            keys.check(wrong)


def test_the_secret_of_one_key_does_not_open_another(keys: Keys) -> None:
    (_, one), (other, _) = (keys.create(name, ["read"]) for name in ("one", "other"))
    with pytest.raises(KeyInvalid):
        keys.check(f"emosync_{other.id}_{one[-43:]}")


def test_the_database_holds_no_secret(keys: Keys, database: Database) -> None:
    _, text = keys.create("phone", ["read"])
    with database.begin() as connection:
        stored = str(connection.execute(API_KEYS.select()).all())
    assert text[-43:] not in stored
    assert re.search("[0-9a-f]{64}", stored)


def test_keys_have_256_random_bits_and_are_listed_oldest_first(keys: Keys) -> None:
    made = [keys.create(f"key {number}", ["predict"]) for number in range(3)]
    assert len({text[-43:] for _, text in made}) == 3
    assert sorted((key.id for key, _ in made)) == sorted(key.id for key in keys.all())
    assert [key.created_at for key in keys.all()] == sorted(key.created_at for key, _ in made)


def test_a_key_owns_what_it_makes_unless_it_replaces_another(keys: Keys) -> None:
    old, _ = keys.create("old", ["read"])
    new, _ = keys.create("new", ["read"], owner=old.owner)
    assert old.owner == old.id
    assert new.owner == old.id != new.id


@pytest.mark.parametrize(
    ("name", "scopes"),
    [("", ["read"]), ("a" * 65, ["read"]), ("a\nb", ["read"]), ("a", []), ("a", ["write"])],
)
def test_names_and_scopes_that_cannot_be_used_are_refused(
    keys: Keys, name: str, scopes: list[str]
) -> None:
    with pytest.raises(ParameterError):
        keys.create(name, scopes)
    assert keys.all() == []


def test_keys_hold_in_postgres_too(postgres_url: str) -> None:
    database = Database(postgres_url)
    database.upgrade()
    keys = Keys(database)
    assert keys.check(None) is None
    key, text = keys.create("phone", ["read"])
    assert keys.check(text) == key
    keys.revoke(key.id)
    with pytest.raises(KeyInvalid):
        keys.check(text)
    database.close()


@pytest.mark.parametrize("form", FORMS)
def test_whatever_is_logged_the_secret_is_not_in_it(
    keys: Keys, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    key, text = keys.create("phone", ["read"])
    log = logging.getLogger("a")
    try:
        raise ValueError(f"in a traceback: {text}")
    except ValueError:
        record = log.makeRecord(
            "a", logging.ERROR, "a.py", 1, "%s?key=%s", (text, text), sys.exc_info()
        )
    LogLines(form).handle(record)
    written = capsys.readouterr().err
    assert written.count(f"emosync_{key.id}_...") >= 3
    assert text[-43:] not in written


def test_what_represents_a_key_holds_no_secret(keys: Keys) -> None:
    key, text = keys.create("phone", ["read"])
    assert text[-43:] not in repr(key)
    assert "digest" not in {field.name for field in dataclasses.fields(key)}
