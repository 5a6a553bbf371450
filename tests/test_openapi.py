"""The document is complete: every route, every error, every choice; and it is valid."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from application.jobs.respond_async import ENDPOINTS
from application.web.access import SCOPES
from emosync.config import Config
from emosync.errors import EmoSyncError
from emosync.job_calls import JobCall
from emosync.job_errors import JobGivenUp, JobTimeout
from emosync.job_tables import CANCELLED, DONE, FAILED, STATES
from emosync.jobs import Job
from emosync.playlist_errors import PreviewHostRefused, PreviewUnavailable
from openapi.document import VERSION, document
from openapi.parts import template, tree
from openapi.problems import PROBLEM
from openapi.vocabulary import METHODS

DOCUMENT = document(Config())
OPERATIONS = [
    (verb, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for verb, operation in operations.items()
]
# Told in answers that are none of an error: why a track's mood is not known, how a job ended.
REASONS = {PreviewHostRefused, PreviewUnavailable, JobGivenUp, JobTimeout}
COMPONENTS = DOCUMENT["components"]


def test_it_is_valid() -> None:
    validate(json.loads(json.dumps(DOCUMENT)), cls=OpenAPIV31SpecValidator)


def test_it_has_the_routes_of_the_application_and_no_others(app: Flask) -> None:
    routes = {
        (verb.lower(), template(rule.rule))
        for rule in app.url_map.iter_rules()
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    assert {(verb, path) for verb, path, _ in OPERATIONS} == routes


def test_every_error_of_the_tree_is_answered_by_some_route() -> None:
    told = {
        (int(status), code)
        for _, _, operation in OPERATIONS
        for status, answer in operation["responses"].items()
        if PROBLEM in answer.get("content", {})
        for code in answer["content"][PROBLEM]["schema"]["properties"]["code"]["enum"]
    }
    errors = set(tree(EmoSyncError)) - REASONS
    assert told == {(error.status, error.code) for error in errors}


def test_every_operation_has_a_name_of_its_own_and_a_sentence() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].endswith(".") for _, _, operation in OPERATIONS)


def test_every_operation_names_the_scopes_that_the_route_takes() -> None:
    for verb, path, operation in OPERATIONS:
        (scopes,) = (
            scopes
            for route, scopes in SCOPES.items()
            if route.split(" ")[0].lower() == verb and template(route.split(" ")[1]) == path
        )
        ways = operation["security"]
        named = {scope for way in ways for found in way.values() for scope in found}
        assert named == set(scopes), (verb, path)


def test_its_methods_are_those_of_the_services(app: Flask) -> None:
    services = app.extensions["emosync"]
    found = {
        "speech": services.speech,
        "song": services.songs,
        "genre": services.genres,
        "mood": services.moods,
        "face": services.faces,
    }
    assert {task: tuple(service.methods.names) for task, service in found.items()} == dict(METHODS)


def test_what_a_job_may_answer_later_says_so(app: Flask) -> None:
    later = {
        (verb.lower(), template(rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint in ENDPOINTS
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(v, p) for v, p, found in OPERATIONS if "202" in found["responses"]}
    assert told == {*later, ("post", "/batch")}


def media(part: Any) -> Iterator[dict[str, Any]]:
    """Yield what has a schema and an example of it."""
    if isinstance(part, dict):
        if "schema" in part and ("example" in part or "examples" in part):
            yield part
        for inner in part.values():
            yield from media(inner)
    if isinstance(part, list):
        for inner in part:
            yield from media(inner)


def test_every_example_is_what_its_schema_says() -> None:
    found = list(media(DOCUMENT))
    assert len(found) > 50
    for part in found:
        schema = {**part["schema"], "components": COMPONENTS}
        validator = jsonschema_rs.Draft202012Validator(schema)
        for example in examples_of(part):
            assert not list(validator.iter_errors(example)), example


def examples_of(part: dict[str, Any]) -> list[Any]:
    """Return the examples of a media type, those of errors from where they are kept."""
    if "example" in part:
        return [part["example"]]
    named = [
        COMPONENTS["examples"][found["$ref"].rpartition("/")[2]] if "$ref" in found else found
        for found in part.get("examples", {}).values()
    ]
    return [found["value"] for found in named]


def test_every_body_and_every_answer_that_can_be_read_has_an_example() -> None:
    for verb, path, operation in OPERATIONS:
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for part in (*operation["responses"].values(), *bodies):
            for media_type, found in part.get("content", {}).items():
                is_itself = path in ("/openapi.json", "/docs", "/docs/{name}")
                if media_type not in ("image/png", "application/pdf") and not is_itself:
                    assert examples_of(found), (verb, path, media_type)


def test_every_error_that_a_route_answers_has_an_example() -> None:
    for verb, path, operation in OPERATIONS:
        for status, answer in operation["responses"].items():
            found = answer.get("content", {}).get(PROBLEM)
            if found is not None:
                codes = found["schema"]["properties"]["code"]["enum"]
                shown = [(error["status"], error["code"]) for error in examples_of(found)]
                assert shown == [(int(status), code) for code in codes], (verb, path)
                assert list(found["examples"]) == codes


@pytest.mark.parametrize("path", ["/", "/history?format=csv", "/metrics"])
def test_a_text_begins_as_its_example_does(client: FlaskClient, path: str) -> None:
    content = DOCUMENT["paths"][path.partition("?")[0]]["get"]["responses"]["200"]["content"]
    answer = client.get(path)
    example = content[answer.mimetype]["example"]
    head, _, _ = example.partition("\n")
    assert head in answer.text.split("\n")


@pytest.mark.parametrize("state", [DONE, FAILED, CANCELLED])
def test_what_a_webhook_is_sent_is_documented(state: str) -> None:
    counts = {**dict.fromkeys(STATES, 0), state: 1}
    job = Job("0" * 32, datetime(2026, 1, 15), datetime(2026, 1, 15), True, counts)
    body = json.loads(JobCall("https://a.example", 1, job).body)
    (operation,) = DOCUMENT["webhooks"].values()
    schema = operation["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert jsonschema_rs.is_valid(schema, body, validate_formats=True)


def test_its_version_is_that_of_the_changelog() -> None:
    changes = (Path(__file__).parent.parent / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[.*\] {re.escape(VERSION)}$", changes, re.MULTILINE)


def test_it_is_sent_and_known_again(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.get_json() == json.loads(json.dumps(DOCUMENT))
    again = client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_page_is_found_with_a_slash_too(client: FlaskClient) -> None:
    answer = client.get("/docs/")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/docs")


@pytest.mark.parametrize("name", ["start.js", "swagger-ui.css", "swagger-ui-bundle.js"])
def test_the_page_loads_what_is_there(client: FlaskClient, name: str) -> None:
    assert f'"docs/{name}"' in client.get("/docs").text
    with client.get(f"/docs/{name}") as answer:
        assert answer.status_code == 200


def test_the_page_has_no_outside_host(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert "//" not in answer.text.replace("<!DOCTYPE html>", "")
    assert "http" not in client.get("/docs/start.js").text
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"


@pytest.mark.parametrize("name", ["swagger-ui.js", "index.css", "..", "LICENSE"])
def test_no_other_file_of_the_package_is_sent(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404
