"""Requests that are made up from the API document, good and bad: none breaks the service.

No answer may be an error that is not announced, or other than the document says.
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
from openapi.document import document

ROOT = Path(__file__).parent.parent
FIELDS = {"file", "audio", "image"}
OPERATIONS = [
    f"{verb.upper()} {path}"
    for path, operations in document(Config())["paths"].items()
    for verb in operations
]
CONFORMANCE = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Make one application for all requests; what they fetch from others is switched off."""
    folder = tmp_path_factory.mktemp("service")
    config = Config(
        data_path=folder / "data",
        visualizations_path=folder / "visualizations",
        library_path=folder / "library",
        models_path=ROOT / "models",
    )
    app = create_app(replace(config, youtube_enabled=False, max_duration_s=10.0))
    yield app
    app.extensions["emosync"].close()


@pytest.fixture(scope="module")
def schema(app: Flask) -> Any:
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


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
    verb, path = name.split(" ")
    checks = [CHECKS.get_one(check) for check in CONFORMANCE]
    operation = schema[path][verb]

    @settings(
        max_examples=20,
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
        response = case.call()
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=checks)

    sent()
