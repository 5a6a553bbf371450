"""Who may ask for what: the key of a request, and the scopes that each route takes.

Keys are in force as soon as one was made (`flask keys create`); before that everybody may ask
for everything.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from flask import Flask, g, request

from application.web.request_context import is_replay, services
from emosync.access_errors import KeyRefused, ScopeMissing
from emosync.caller import current_caller, set_caller
from emosync.keys import ADMIN, PREDICT, READ, Key

_FREE: Final = ()
# Verb and rule of every route to the scopes of which a key needs one. What is not here takes
# an administrator's key, and a test asks for every route by name.
SCOPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "GET /": _FREE,
        "GET /health": _FREE,
        "GET /ready": _FREE,
        "GET /openapi.json": _FREE,
        "GET /docs": _FREE,
        "GET /docs/<name>": _FREE,
        "POST /predict": (PREDICT,),
        "GET /predict": (PREDICT,),
        "POST /record": (PREDICT,),
        "POST /classify_audio": (PREDICT,),
        "POST /classify_audio_both": (PREDICT,),
        "POST /recommend": (PREDICT,),
        "POST /mood": (PREDICT,),
        "GET /playlists/<path:playlist>/moods": (PREDICT,),
        "GET /songs": (PREDICT, READ),
        "GET /songs/<path:song_id>/curve": (PREDICT,),
        "GET /songs/<path:song_id>/tags": (PREDICT,),
        "GET /models/info": (PREDICT, READ),
        "POST /batch": (PREDICT,),
        "GET /jobs/<job_id>": (PREDICT, READ),
        "DELETE /jobs/<job_id>": (PREDICT,),
        "GET /history": (READ,),
        "DELETE /history/<name>": (PREDICT,),
        "GET /visualizations/<audio_file>.png": (READ,),
        "GET /download-report/<path:filename>": (READ,),
        "GET /changeMethod": (ADMIN,),
        "POST /changeMethod": (ADMIN,),
        "GET /metrics": (ADMIN,),
    }
)


def register_keys(app: Flask) -> None:
    """Find out whose key each request shows; refuse nobody yet.

    A request without a good key is refused by `register_scopes`, so that limits that are
    registered between the two count those who try out keys.
    """
    app.before_request(_identify)


def register_scopes(app: Flask) -> None:
    """Refuse requests whose key is not good, or not good for the route."""
    app.before_request(_authorise)


def is_free() -> bool:
    """Tell whether the request takes no key: its route does not, or there is no such route."""
    # A browser sends no key with the OPTIONS that it asks before it calls another site.
    return request.url_rule is None or request.method == "OPTIONS" or _needed() == _FREE


def shown_key() -> Key | None:
    """Return the good key that the request shows; None without one, or without need of it."""
    found: Key | None = g.get("key")
    return found


def _needed() -> tuple[str, ...]:
    method = "GET" if request.method == "HEAD" else request.method
    return SCOPES.get(f"{method} {request.url_rule}", (ADMIN,))


def _identify() -> None:
    if is_replay():
        return
    key = None
    if not is_free():
        try:
            key = services().keys.check(_presented())
        except KeyRefused as refusal:
            g.refusal = refusal
    g.key = key
    owner, scopes = (key.owner, key.scopes) if key else ("", frozenset[str]())
    set_caller(replace(current_caller(), owner=owner, scopes=scopes))


def _presented() -> str | None:
    """Return what stands in X-API-Key, else the token of Authorization: Bearer."""
    if key := request.headers.get("X-API-Key"):
        return key
    authorization = request.authorization
    if authorization is not None and authorization.type == "bearer":
        return authorization.token
    return None


def _authorise() -> None:
    if "refusal" in g:
        raise g.refusal
    key = shown_key()
    needed = _needed()
    if key is not None and not key.scopes.intersection(needed):
        raise ScopeMissing(f"This takes a key with the scope {' or '.join(needed)}.")
