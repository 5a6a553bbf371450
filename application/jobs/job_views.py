"""Routes of jobs: how far one is, its answer, and its end; and many songs in one job."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request, url_for

from application.jobs.webhook_wishes import wished_webhook
from application.tasks.song_library import check_song_id
from application.tasks.song_service import TASK
from application.web.request_context import (
    Answer,
    current_config,
    json_object,
    page_limit,
    parameter,
    services,
)
from emosync.errors import ParameterError
from emosync.history import TIMESTAMP_FORMAT
from emosync.job_errors import InvalidBatch, UnknownJob
from emosync.job_tables import DONE
from emosync.jobs import Item, Job, NewItem, NewJob
from emosync.playback import playback_settings

MAX_SONGS: Final = 1_000
_DEFAULT_LIMIT: Final = 100
_JOB_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_POSITION: Final = re.compile(r"\d{1,4}", re.ASCII)
# What a song's own request may say; each is handed on to every song.
_WISHES: Final = ("method", "smooth", "amplify", "min_duration")

jobs_bp = Blueprint("jobs", __name__)


@jobs_bp.post("/batch")
def batch() -> Response:
    """Accept many songs of the library, which are answered later."""
    message = json_object("song_ids")
    wishes = _wishes({**request.args, **message})
    items = [
        NewItem(urlencode({"song_id": song_id, **wishes}), name=song_id)
        for song_id in _song_ids(message)
    ]
    new = NewJob("GET", url_for("songs.playback"), items, webhook=wished_webhook(), is_batch=True)
    return accepted(services().work.accept(new))


@jobs_bp.get("/jobs/<job_id>")
def job(job_id: str) -> Answer:
    """Tell how far a job is, and what has been answered."""
    found = services().work.jobs.find(_checked(job_id))
    members = _members(found)
    if found.is_batch:
        return {**members, **_results(found)}
    (item,) = services().work.jobs.items(found.id, limit=1)
    return {**members, **_outcome(item)}


@jobs_bp.delete("/jobs/<job_id>")
def cancel(job_id: str) -> Answer:
    """End what has not ended of a job; what has stays."""
    services().work.jobs.cancel(_checked(job_id))
    return job(job_id)


def accepted(new: Job) -> Response:
    """Answer that a job was accepted, and where it is to be looked at.

    Parameters
    ----------
    new : Job
        As it begins.

    Returns
    -------
    Response
    """
    answer = jsonify(_members(new))
    answer.status_code = 202
    answer.headers["Location"] = url_for("jobs.job", job_id=new.id)
    return answer


def _members(found: Job) -> Answer:
    finished_at = found.finished_at
    return {
        "id": found.id,
        "state": found.state,
        "created": found.created_at.strftime(TIMESTAMP_FORMAT),
        "finished": finished_at.strftime(TIMESTAMP_FORMAT) if finished_at else None,
        "progress": found.progress,
    }


def _results(found: Job) -> Answer:
    after, limit = _after(), page_limit() or _DEFAULT_LIMIT
    items = services().work.jobs.items(found.id, after=after, limit=limit)
    results = [
        {"position": i.position, "song_id": i.name, "state": i.state, **_outcome(i)} for i in items
    ]
    following = None
    if len(items) == limit:
        following = url_for(".job", job_id=found.id, limit=limit, after=items[-1].position)
    return {"results": results, "next": following}


def _outcome(item: Item) -> Answer:
    """Return the answer as `result` or `error`, whichever it is."""
    told = None if item.answer is None else json.loads(item.answer)
    is_done = item.state == DONE
    return {"result": told if is_done else None, "error": None if is_done else told}


def _checked(job_id: str) -> str:
    if not _JOB_ID.fullmatch(job_id):
        raise UnknownJob("The id of a job has 32 hexadecimal digits.")
    return job_id


def _after() -> int:
    text = request.args.get("after")
    if not text:
        return -1
    if not _POSITION.fullmatch(text):
        raise ParameterError("The parameter 'after' must be the position of a result.")
    return int(text)


def _wishes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check at once what would be refused for every song."""
    playback_settings(parameters)
    method = parameter(parameters, "method")
    if method is not None:
        services().songs.methods.check(method)
    task = parameter(parameters, "task")
    if task not in (None, TASK):
        raise ParameterError(f"A batch is of songs: its task can only be {TASK}.")
    return {name: parameters[name] for name in _WISHES if parameters.get(name) not in (None, "")}


def _song_ids(message: Mapping[str, Any]) -> list[str]:
    """Read the ids, or find those that begin with the prefix."""
    ids, prefix = message.get("song_ids"), message.get("prefix")
    if (ids is None) == (prefix is None):
        raise InvalidBatch("Name the songs: by 'song_ids', or by the 'prefix' of their ids.")
    if prefix is not None:
        return _matching(prefix)
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_SONGS:
        raise InvalidBatch(f"The member 'song_ids' must be a list of 1 to {MAX_SONGS} ids.")
    for song_id in ids:
        if not isinstance(song_id, str):
            raise InvalidBatch("Every song id must be a string.")
        check_song_id(song_id)
    return ids


def _matching(prefix: Any) -> list[str]:
    """Find the songs whose ids begin with a text, or with what stands in a bucket's URL."""
    if not isinstance(prefix, str):
        raise InvalidBatch("The member 'prefix' must be a string.")
    begin = _without_bucket(prefix)
    found = services().songs.song_ids(prefix=begin, after=None, limit=MAX_SONGS + 1)
    if not found:
        raise InvalidBatch("The library holds no song whose id begins with that prefix.")
    if len(found) > MAX_SONGS:
        raise InvalidBatch(
            f"More than {MAX_SONGS} songs begin with that prefix; make it longer, "
            "or send their ids in several batches."
        )
    return found


def _without_bucket(prefix: str) -> str:
    """Take s3://BUCKET/SONGS/abc for abc, if it is the library's own bucket and folder."""
    if not prefix.startswith("s3://"):
        return prefix
    config = current_config()
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    if config.s3_bucket_name and bucket == config.s3_bucket_name:
        for folder in config.library_prefixes:
            if key.startswith(folder):
                return key.removeprefix(folder)
    raise InvalidBatch("An S3 prefix must lie in the library's own bucket and folders.")
