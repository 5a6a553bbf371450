"""Holds answers to the API document: their status, their type, their headers, their members."""

import http.client
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx
import jsonschema_rs
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from emosync.config import Config

Json = dict[str, Any]

PROBLEM: Final = "application/problem+json"
# Answered by Flask itself, with the verbs of the route.
_BY_ITSELF: Final = ("OPTIONS",)


@dataclass(frozen=True)
class Answer:
    """What was answered to what.

    Attributes
    ----------
    verb, path : str
        Of the request.
    status : int
        Of the answer.
    headers : Headers
        By names of any case.
    body : bytes
        Empty where it is not JSON.
    """

    verb: str
    path: str
    status: int
    headers: Headers
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    def __str__(self) -> str:
        return f"{self.verb} {self.path}: {self.status} {self.media_type}"


class CheckedClient(FlaskClient):
    """Flask's client of tests, which holds every answer to the document."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # Read to its end, so that no request of one test is still at work in the next.
        answer = super().open(*args, **{"buffered": True, **kwargs})
        request = answer.request
        body = answer.get_data() if (answer.mimetype or "").endswith("json") else b""
        found = Answer(request.method, request.path, answer.status_code, answer.headers, body)
        if not _is_a_tests_own(self, request.path):
            check(found)
        return answer


def check_over_http(response: httpx.Response) -> None:
    """Hold an answer of a running service to the document; a hook of httpx's client."""
    is_json = response.headers.get("Content-Type", "").partition(";")[0].endswith("json")
    body = response.read() if is_json else b""
    request = response.request
    headers = Headers(response.headers.multi_items())
    check(Answer(request.method, request.url.path, response.status_code, headers, body))


def check_http(verb: str, path: str, response: http.client.HTTPResponse) -> bytes:
    """Hold an answer to the document that http.client got; returns its body."""
    body = response.read()
    headers = Headers(response.getheaders())
    is_json = headers.get("Content-Type", "").partition(";")[0].endswith("json")
    path = path.partition("?")[0]
    check(Answer(verb, path, response.status, headers, body if is_json else b""))
    return body


def check(answer: Answer) -> None:
    """Hold an answer to the document; raises AssertionError."""
    operations = _operations(answer)
    is_redirect = operations is None and 300 <= answer.status < 400
    if answer.verb in _BY_ITSELF or is_redirect:
        return
    verb = "get" if answer.verb == "HEAD" else answer.verb.lower()
    if operations is None or verb not in operations:
        assert answer.status == (404 if operations is None else 405), f"{answer} is not documented"
        _check_schema(answer, {"$ref": "#/components/schemas/Problem"})
        return
    responses = operations[verb]["responses"]
    assert str(answer.status) in responses, f"{answer}: the document has not this status"
    response = responses[str(answer.status)]
    _check_headers(answer, response)
    if answer.verb == "HEAD" or "content" not in response:
        return
    content = response["content"]
    assert answer.media_type in content, f"{answer}: the document has {', '.join(content)}"
    if "schema" in content[answer.media_type]:
        _check_schema(answer, content[answer.media_type]["schema"])


@cache
def strict_document() -> Json:
    """Return the document with every object closed: members it does not name are refused."""
    # Tests of single modules run without the application and its models.
    from openapi.document import document

    # What it is made of is shared by all documents of the process.
    found = deepcopy(document(Config()))
    for schema in _objects(found):
        schema.setdefault("additionalProperties", False)
    return found


def _objects(part: Any) -> Iterator[Json]:
    """Yield the schemas of objects whose members are named."""
    if isinstance(part, dict):
        if part.get("type") == "object" and "properties" in part:
            yield part
        for inner in part.values():
            yield from _objects(inner)
    if isinstance(part, list):
        for inner in part:
            yield from _objects(inner)


def _operations(answer: Answer) -> Json | None:
    for pattern, operations in _patterns():
        if pattern.fullmatch(answer.path):
            return operations
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], Json]]:
    """Order the paths so that words come before parameters, which may hold slashes."""
    paths = strict_document()["paths"]
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", "[^/].*", re.escape(path)), re.DOTALL), paths[path])
        for path in sorted(paths, key=lambda path: path.replace("{", "~"))
    ]


def _check_headers(answer: Answer, response: Json) -> None:
    headers = strict_document()["components"]["headers"]
    for name, header in response.get("headers", {}).items():
        found = headers[header["$ref"].rpartition("/")[2]]
        if found.get("required"):
            assert name in answer.headers, f"{answer}: there is no header {name}"


def _check_schema(answer: Answer, schema: Json) -> None:
    if answer.verb == "HEAD":
        return
    error = next(_validator(json.dumps(schema)).iter_errors(json.loads(answer.body)), None)
    assert error is None, f"{answer}: {error}"


@cache
def _validator(schema: str) -> Any:
    components = strict_document()["components"]
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": components})


def _is_a_tests_own(client: FlaskClient, path: str) -> bool:
    """Tell whether a route was added by a test: those of the application have a blueprint."""
    for rule in client.application.url_map.iter_rules():
        if rule.rule.rstrip("/") == path.rstrip("/") and "." not in rule.endpoint:
            return True
    return path.startswith("/static")
