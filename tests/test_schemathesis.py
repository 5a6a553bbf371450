"""Requests that are made up from the API document, good and bad: none breaks the service.

No answer may be an error of the service but those that it is set up to give, or other than the
document says.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from app import create_app
from emosync.config import Config
from emosync.keys import SCOPES
from openapi.document import document

ROOT = Path(__file__).parent.parent
# What this service lacks, or has switched off, for every error of the server that it may answer.
LACKS = {
    "spotify_not_configured": "the id and the secret of an application at Spotify",
}
FIELDS = {"file", "audio", "image"}
DOCUMENT = document(Config())
OPERATIONS = [
    f"{verb.upper()} {path}"
    for path, operations in DOCUMENT["paths"].items()
    for verb in operations
]
CONFORMANCE = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def made(folder: Path) -> Flask:
    """Make an application; what it fetches from others is switched off."""
    config = Config(
        data_path=folder / "data",
        visualizations_path=folder / "visualizations",
        library_path=folder / "library",
        models_path=ROOT / "models",
    )
    return create_app(replace(config, youtube_enabled=False, max_duration_s=10.0))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Make one application for all requests."""
    app = made(tmp_path_factory.mktemp("service"))
    yield app
    app.extensions["emosync"].close()


@pytest.fixture(scope="module")
def schema(app: Flask) -> Any:
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.fixture(scope="module")
def closed_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Make an application that asks for keys, once `keys` has made them."""
    app = made(tmp_path_factory.mktemp("closed"))
    yield app
    app.extensions["emosync"].close()


@pytest.fixture(scope="module")
def keys(closed_app: Flask) -> list[str | None]:
    """Return what may be shown for a key: a key of each scope, a wrong one, and nothing."""
    kept = closed_app.extensions["emosync"].keys
    return [None, "wrong", *(kept.create(scope, [scope])[1] for scope in SCOPES)]


@pytest.fixture(scope="module")
def closed_schema(closed_app: Flask) -> Any:
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/openapi.json", closed_app)


@pytest.fixture(scope="module")
def files(make_wav: Any) -> list[bytes]:
    """Return what may stand in a form as its file: good, short, broken, empty."""
    voice = (ROOT / "tests" / "audio" / "voice_3s.wav").read_bytes()
    picture = (ROOT / "tests" / "pictures" / "drawn.png").read_bytes()
    return [voice, picture, make_wav(0.1), voice[:100], b"text", b""]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_request_breaks_it(
    schema: Any, files: list[bytes], name: str, mode: GenerationMode
) -> None:
    answered(schema, name, mode, files, keys=[None])


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_request_breaks_it_with_keys_in_force(
    closed_schema: Any, files: list[bytes], keys: list[str | None], name: str
) -> None:
    verb, path = name.split(" ")
    found = answered(closed_schema, name, GenerationMode.POSITIVE, files, keys=keys)
    is_closed = bool(DOCUMENT["paths"][path][verb.lower()]["security"])
    assert ({401, 403} <= found) == is_closed
    assert found - {401, 403}, "nobody was let in"


def answered(
    schema: Any, name: str, mode: GenerationMode, files: list[bytes], *, keys: list[str | None]
) -> set[int]:
    """Send what is made up for an operation, with each of the keys; return the statuses."""
    verb, path = name.split(" ")
    checks = [CHECKS.get_one(check) for check in CONFORMANCE]
    operation = schema[path][verb]
    statuses: set[int] = set()

    @settings(
        max_examples=5 + 15 // len(keys),
        deadline=None,
        derandomize=True,
        # The first failure is told; making it smaller takes minutes.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def sent(case: Any, data: st.DataObject) -> None:
        if isinstance(case.body, dict):
            for field in FIELDS & case.body.keys():
                content = data.draw(st.sampled_from(files))
                is_form = case.media_type == "multipart/form-data"
                case.body[field] = content if is_form else base64.b64encode(content).decode()
        for key in keys:
            show(case, key)
            response = case.call()
            statuses.add(response.status_code)
            if response.status_code >= 500:
                assert response.json()["code"] in LACKS, response.text
            case.validate_response(response, checks=checks)

    sent()
    return statuses


def show(case: Any, key: str | None) -> None:
    """Let a request show this key and no other, such as one that was made up."""
    for header in ("X-API-Key", "Authorization"):
        case.headers.pop(header, None)
    if key is not None:
        case.headers["X-API-Key"] = key
