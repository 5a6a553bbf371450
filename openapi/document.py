"""The document as a whole: its pages, and what all operations share."""

from collections.abc import Sequence
from typing import Any, Final

from application.web.access import SCOPES
from application.web.parameter_names import NAMES
from emosync.access_errors import KeyInvalid, KeyMissing, KeyRefused, RateLimited, ScopeMissing
from emosync.config import Config
from emosync.errors import (
    BodyTimeout,
    DatabaseUnavailable,
    EmoSyncError,
    NotFound,
    UnknownParameter,
)
from emosync.keys import ADMIN
from openapi import (
    faces,
    genres,
    history,
    jobs,
    moods,
    predict,
    problems,
    service,
    songs,
    speech,
)
from openapi.headers import HEADERS, LIMIT_HEADERS, REPEAT_HEADERS, REQUEST_ID, SHARED_HEADERS
from openapi.parts import Errors, Json, Operation
from openapi.webhook import webhooks

VERSION: Final = "0.1.0"
_DESCRIPTION: Final = """\
Emotions of voices, songs and faces; genres and moods of music.

Recordings may be WAV, MP3, M4A, FLAC, Ogg, Opus, WebM, MP4 and other common formats, pictures
JPEG, PNG, WebP or GIF; the content decides, never the name. A multipart body may have
{upload_mb:g} MB, one of JSON {json_mb:g} MB. A voice may last {voice_s:g} s, a song {song_s:g} s.

Keys are off until one is made (`flask keys create`). Then every route but those without a padlock
takes one, as `X-API-Key` or as a Bearer token, with one of the scopes that the route names.
"""
_TAGS: Final = {
    "Predictions": "Uploads and recordings of any task.",
    "Songs": "Songs of the library, by their ids.",
    "Moods": "Moods of tracks and playlists.",
    "Faces": "Tracks that fit a face. "
    "The faces of a picture are told by `POST /predict` with `task=face`.",
    "Short answers": "For clients of an earlier server.",
    "Jobs": "Requests that are answered later, and many songs at once.",
    "History": "What was predicted, with pictures and reports.",
    "Service": "The service itself.",
}
_ORDER: Final = (predict, speech, songs, genres, moods, faces, jobs, history, service)
_GUARDED: Final[Errors] = (
    KeyRefused,
    KeyMissing,
    KeyInvalid,
    ScopeMissing,
    RateLimited,
    DatabaseUnavailable,
)


def document(config: Config) -> dict[str, Any]:
    """Describe the service.

    Parameters
    ----------
    config : Config
        Its limits.

    Returns
    -------
    dict
        After OpenAPI 3.1, plain values alone.
    """
    pages = [subject.page() for subject in _ORDER]
    schemas = {**problems.SCHEMAS}
    paths: dict[str, Json] = {}
    for page in pages:
        schemas.update(page.schemas)
        for operation in page.operations:
            paths.setdefault(operation.path, {})[operation.verb] = _operation(operation)
    return {
        "openapi": "3.1.1",
        "info": _info(config),
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text_} for name, text_ in _TAGS.items()],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "schemas": schemas,
            "examples": problems.examples(),
            "headers": HEADERS,
            "parameters": {"RequestId": REQUEST_ID},
            "securitySchemes": _SCHEMES,
        },
    }


def _info(config: Config) -> Json:
    description = _DESCRIPTION.format(
        upload_mb=config.max_upload_mb,
        json_mb=config.max_json_mb,
        voice_s=config.max_duration_s,
        song_s=config.max_song_duration_s,
    )
    return {"title": "EmoSync", "version": VERSION, "description": description}


def _operation(operation: Operation) -> Json:
    scopes = SCOPES.get(operation.route, (ADMIN,))
    answers = {**operation.answers, **_later(operation), **problems.answers(_errors(operation))}
    headers = {
        **SHARED_HEADERS,
        **(LIMIT_HEADERS if scopes else {}),
        **(REPEAT_HEADERS if operation.verb == "post" else {}),
    }
    return {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "security": _security(scopes),
        "parameters": _parameters(operation),
        **({"requestBody": operation.body} if operation.body else {}),
        "responses": {
            status: {**answer, "headers": {**headers, **answer.get("headers", {})}}
            for status, answer in answers.items()
        },
    }


def _parameters(operation: Operation) -> list[Json]:
    return [
        {"$ref": "#/components/parameters/RequestId"},
        *(jobs.REPEATABLE if operation.verb == "post" else ()),
        *operation.parameters,
        *(jobs.LATER if operation.can_wait else ()),
    ]


def _later(operation: Operation) -> Json:
    return {"202": jobs.accepted(as_preferred=True)} if operation.can_wait else {}


def _errors(operation: Operation) -> Errors:
    """Add to the errors of an operation those that it shares with others."""
    return (
        EmoSyncError,
        *(_GUARDED if SCOPES.get(operation.route, (ADMIN,)) else ()),
        *((BodyTimeout, *jobs.REPEAT_ERRORS) if operation.verb == "post" else ()),
        *(jobs.LATER_ERRORS if operation.can_wait else ()),
        *operation.errors,
        *((UnknownParameter,) if operation.route in NAMES else ()),
        # A parameter of a path holds no end of a line: there is no such route then.
        *((NotFound,) if "{" in operation.path else ()),
    )


def _security(scopes: Sequence[str]) -> list[Json]:
    """Name the scopes of which a key needs one; nothing at all is enough while keys are off."""
    if not scopes:
        return []
    return [{}, *({scheme: [scope]} for scope in scopes for scheme in _SCHEMES)]


_SCHEMES: Final[Json] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
