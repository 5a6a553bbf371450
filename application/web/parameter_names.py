"""What may be asked of each route by name, in the query and the body; misspelt names are refused.

Nobody sees that a misspelt parameter did nothing, so a name is refused that resembles a known one,
or that belongs to another task or route. Any other name is passed over: applications of earlier
servers, forms with a named button and exported lists of tracks send names of their own, and nobody
expects anything of those. `/classify_audio` and `/classify_audio_both` take whatever comes: their
application was written for another server.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from flask import Flask, request

from application.jobs.respond_async import is_for_later, keep_body
from application.jobs.webhook_wishes import PARAMETER
from application.tasks import (
    face_service,
    genre_service,
    mood_service,
    song_service,
    speech_service,
)
from application.web.request_context import is_replay, json_object, sent_form
from emosync.errors import ParameterError, UnknownParameter
from emosync.playback import RANGES

# What each task understands beside its file; `task` itself goes with all.
TASK_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        speech_service.TASK: ("method", "detail"),
        song_service.TASK: ("method", "detail", *RANGES),
        genre_service.TASK: ("method", "detail"),
        mood_service.TASK: ("method",),
        face_service.TASK: ("method", "detect"),
    }
)
_CHOICES: Final = ("task", *dict.fromkeys(n for names in TASK_NAMES.values() for n in names))
_PAGES: Final = ("limit", "before", "after", "prefix", "format")
# What other services, and another route, call it.
_MEANT: Final = MappingProxyType({"model": "method", "model_type": "method"})
# "metod" is as near to "method" as 0.91, "filename" to "file" as 0.67.
_LIKENESS: Final = 0.75
# Looked at in one request, and told in one answer.
_MAX_STRAYS: Final = 50
_MAX_TOLD: Final = 3
_MAX_LENGTH: Final = 40


@dataclass(frozen=True)
class Names:
    """What a route takes by name.

    Attributes
    ----------
    choices : tuple of str
        In the query, and in the body if there is one.
    query : tuple of str
        In the query alone.
    form, json : tuple of str, or None
        In such a body alone; None where such a body is not taken.
    by_task : bool
        Whether the task decides which of the choices have a meaning.
    """

    choices: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    form: tuple[str, ...] | None = None
    json: tuple[str, ...] | None = None
    by_task: bool = False


_WEBHOOK: Final = (PARAMETER,)
_METHOD: Final = ("method", "task")
# Verb and rule to names; a test holds them to the API document. Routes that are not here take
# no names, so none can be misspelt.
NAMES: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "POST /predict": Names(_CHOICES, _WEBHOOK, ("file", "image"), ("url",), by_task=True),
        "GET /predict": Names(("song_id", "task", "method", *RANGES), _WEBHOOK),
        "POST /record": Names(_CHOICES, _WEBHOOK, json=("audio",), by_task=True),
        "POST /recommend": Names(
            ("emotion", "playlist", "method", "detect"),
            _WEBHOOK,
            ("image", "tracks"),
            ("image", "tracks"),
        ),
        "POST /mood": Names(("method",), json=("tracks",)),
        "GET /playlists/<path:playlist>/moods": Names(("method",)),
        "POST /batch": Names(("task", "method", *RANGES), _WEBHOOK, json=("song_ids", "prefix")),
        "GET /jobs/<job_id>": Names(("limit", "after")),
        "DELETE /jobs/<job_id>": Names(("limit", "after")),
        "GET /songs": Names(("limit", "prefix", "after")),
        "GET /history": Names(("limit", "before", "format")),
        "GET /changeMethod": Names(_METHOD),
        "POST /changeMethod": Names(_METHOD, form=()),
    }
)


def register_parameter_names(app: Flask) -> None:
    """Refuse names that are not those of the route.

    To be registered after those who refuse callers, and before those who answer in the place of
    views.
    """
    app.before_request(_check)


def _check() -> None:
    method = "GET" if request.method == "HEAD" else request.method
    names = NAMES.get(f"{method} {request.url_rule}")
    if names is None or is_replay():  # a job's request was checked when it was accepted
        return
    body = _body(names)
    is_form = names.form is not None and not request.is_json
    # As the views read them: of a form the query comes first.
    task = _task({**body, **request.args} if is_form else {**request.args, **body})
    if names.by_task and task not in TASK_NAMES:
        return  # the view lists the tasks
    choices = ("task", *TASK_NAMES[task]) if names.by_task else names.choices
    wrong = [
        *_wrong(_given(request.args), (*choices, *names.query), names),
        *_wrong(_given(body), (*choices, *_body_alone(names)), names),
    ]
    if wrong:
        # A picture is no file of a voice, nor the other way round.
        other = "file" if task == face_service.TASK else "image"
        alone = [name for name in _body_alone(names) if not names.by_task or name != other]
        known = ", ".join((*alone, *choices, *names.query))
        whose = f" of the task {task}" if names.by_task else ""
        raise UnknownParameter(f"{' '.join(wrong[:_MAX_TOLD])} The parameters{whose} are: {known}.")
    if PARAMETER in _given(request.args) and PARAMETER in names.query and not _begins_job():
        raise UnknownParameter(
            f"A '{PARAMETER}' is called when a job has ended; "
            "send the header 'Prefer: respond-async' as well, which makes a job of the request."
        )


def _body(names: Names) -> Mapping[str, Any]:
    """Return what the body names; what cannot be read is refused by the view."""
    if names.json is not None and (request.is_json or names.form is None):
        try:
            return json_object(names.json[0])
        except ParameterError:
            return {}
    if names.form is None or request.is_json or request.method != "POST":
        return {}
    keep_body()
    return sent_form()


def _body_alone(names: Names) -> tuple[str, ...]:
    """Name what the body takes and the query does not."""
    is_json = names.json is not None and (request.is_json or names.form is None)
    return (names.json if is_json else names.form) or ()


def _task(sent: Mapping[str, Any]) -> str:
    """Name the task of an upload; JSON to `/predict` names a video, of which the genre is told."""
    if request.is_json and request.endpoint == "emosync.predict":
        return genre_service.TASK
    return str(sent.get("task") or speech_service.TASK).strip().lower()


def _given(sent: Mapping[str, Any]) -> list[str]:
    """Name what has a value: forms send the fields too that nobody filled, and nameless parts."""
    return [name for name, value in sent.items() if name and value not in ("", None)]


def _wrong(sent: Iterable[str], known: tuple[str, ...], names: Names) -> Iterator[str]:
    """Say of each name that was meant for something why it is none."""
    pages = _PAGES if "limit" in names.choices else ()
    elsewhere = (*_CHOICES, PARAMETER, "song_id", *pages, *names.choices)
    for name in islice((name for name in sent if name not in known), _MAX_STRAYS):
        if name in elsewhere:
            yield _misplaced(name, names)
        elif len(name) <= _MAX_LENGTH and (meant := _meant(name, (*known, *elsewhere))):
            yield f"There is no parameter {name!r}; did you mean '{meant}'?"


def _misplaced(name: str, names: Names) -> str:
    if name in names.query:
        return f"The parameter '{name}' belongs in the query."
    if names.by_task and name in names.choices:
        tasks = [task for task, taken in TASK_NAMES.items() if name in taken]
        return f"The parameter '{name}' is for other tasks: {', '.join(tasks)}."
    return f"The parameter '{name}' has no meaning here."


def _meant(name: str, known: Iterable[str]) -> str | None:
    """Name the known parameter that the name resembles, if it does."""
    simple = name.strip().lower()
    if simple in _MEANT:
        return _MEANT[simple]
    return next(iter(get_close_matches(simple, known, n=1, cutoff=_LIKENESS)), None)


def _begins_job() -> bool:
    return request.endpoint == "jobs.batch" or is_for_later()
