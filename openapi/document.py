"""The document as a whole: its pages, and what all operations share."""

from collections.abc import Sequence
from typing import Any, Final

from access import SCOPES
from emosync.access_errors import KeyInvalid, KeyMissing, KeyRefused, RateLimited, ScopeMissing
from emosync.config import Config
from emosync.errors import DatabaseUnavailable, EmoSyncError
from openapi import faces, genres, history, moods, predict, problems, service, songs, speech
from openapi.parts import Errors, Json, Operation, count, parameter, text
from request_ids import HEADER, PATTERN

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
    "Faces": "Tracks that fit a face.",
    "Short answers": "For clients of an earlier server.",
    "History": "What was predicted, with pictures and reports.",
    "Service": "The service itself.",
}
_ORDER: Final = (predict, speech, songs, genres, moods, faces, history, service)
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
        "components": {
            "schemas": schemas,
            "headers": _HEADERS,
            "parameters": {"RequestId": _REQUEST_ID},
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
    scopes = SCOPES[operation.route]
    errors = (EmoSyncError, *(_GUARDED if scopes else ()), *operation.errors)
    responses = {**operation.answers, **problems.answers(errors)}
    return {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "security": _security(scopes),
        "parameters": [{"$ref": "#/components/parameters/RequestId"}, *operation.parameters],
        **({"requestBody": operation.body} if operation.body else {}),
        "responses": {
            status: {**answer, "headers": {**_SHARED_HEADERS, **answer.get("headers", {})}}
            for status, answer in responses.items()
        },
    }


def _security(scopes: Sequence[str]) -> list[Json]:
    """Name the scopes of which a key needs one; nothing at all is enough while keys are off."""
    if not scopes:
        return []
    return [{}, *({scheme: [scope]} for scope in scopes for scheme in _SCHEMES)]


_SCHEMES: Final[Json] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_REQUEST_ID: Final = parameter(
    HEADER,
    text(pattern=f"^{PATTERN}$"),
    "Names the request in the answer and in the log; made where it is absent.",
    place="header",
)
_HEADERS: Final[Json] = {
    "RequestId": {"description": "The request.", "required": True, "schema": text()},
    "ServerTiming": {
        "description": "How long each stage took, in milliseconds.",
        "schema": text(),
    },
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": count()},
    "WWW-Authenticate": {"description": "How to show a key.", "required": True, "schema": text()},
    "Location": {"description": "Where it is.", "required": True, "schema": text()},
}
_SHARED_HEADERS: Final[Json] = {
    HEADER: {"$ref": "#/components/headers/RequestId"},
    "Server-Timing": {"$ref": "#/components/headers/ServerTiming"},
}
