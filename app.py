"""The web application: routes, and how requests become answers.

`create_app` is the factory that gunicorn calls in each worker; `python app.py` runs a
development server.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

from dotenv import load_dotenv
from flask import Blueprint, Flask, Response, g, request, url_for

from application.commands.database_commands import database_group
from application.commands.key_commands import keys_group
from application.commands.purge_command import purge
from application.jobs import job_views
from application.jobs.job_work import JobWork
from application.jobs.respond_async import register_respond_async
from application.services import Services
from application.tasks import (
    face_service,
    genre_service,
    mood_service,
    song_service,
    speech_service,
)
from application.views import face_views, genre_views, mood_views, song_views
from application.web.access import register_keys, register_scopes
from application.web.api_document import document_bp
from application.web.cors import register_cors
from application.web.drawing_answers import drawing_answer
from application.web.idempotency import register_idempotency
from application.web.metrics import register_metrics
from application.web.parameter_names import register_parameter_names
from application.web.problems import register_problems
from application.web.proxies import register_proxies
from application.web.rate_limits import register_rate_limits
from application.web.request_context import (
    Answer,
    json_object,
    links,
    page_limit,
    parameter,
    sent_values,
    services,
    stages,
    upload,
)
from application.web.request_ids import register_request_ids
from application.web.request_log import register_request_log
from application.web.security_headers import register_security_headers
from emosync.caller import Caller, current_caller, working_for
from emosync.config import Config, config_at_start
from emosync.errors import MissingInput, ParameterError
from emosync.history import Entry
from emosync.history_csv import csv_lines
from emosync.logs import configure_log
from emosync.sources import Source, from_object
from emosync.stages import Stages

_GREETING: Final = (
    "EmoSync tells the emotions of voices, songs and faces.\n"
    "Try: curl -F file=@voice.wav {root}predict\n"
    "All requests: {root}docs, and README.md in the repository.\n"
)
_DEFAULT_LIMIT: Final = 100
# Of all fields of a form that are no files, which are kept in memory; Flask's own default.
_MAX_FIELDS_BYTES: Final = 500_000
_PICTURE_MAX_AGE_S: Final = 86_400

bp = Blueprint("emosync", __name__)


def create_app(config: Config | None = None) -> Flask:
    """Make the application, with its models loaded.

    Parameters
    ----------
    config : Config, optional
        By default the environment, with a file `.env` read first.

    Returns
    -------
    Flask
    """
    if config is None:
        load_dotenv()
        config = config_at_start(os.environ)
    configure_log(config.log_format)
    # No folder is served as it is: VISUALIZATIONS_PATH may lie in it, and pictures have owners.
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    app.config["EMOSYNC"] = config
    app.config["MAX_CONTENT_LENGTH"] = config.max_upload_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = _MAX_FIELDS_BYTES
    app.extensions["emosync"] = Services(config)
    register_request_ids(app)
    register_request_log(app, form=config.log_format)
    register_metrics(app)
    app.register_blueprint(bp)
    app.register_blueprint(song_views.songs_bp)
    app.register_blueprint(mood_views.moods_bp)
    app.register_blueprint(face_views.faces_bp)
    app.register_blueprint(job_views.jobs_bp)
    app.register_blueprint(document_bp)
    register_problems(app)
    register_cors(app, config)
    register_security_headers(app)
    register_proxies(app, config)
    register_keys(app)
    register_rate_limits(app, config)
    register_scopes(app)
    register_idempotency(app)
    register_parameter_names(app)
    register_respond_async(app)
    app.cli.add_command(keys_group)
    app.cli.add_command(database_group)
    app.cli.add_command(purge)
    return app


@bp.before_app_request
def start_stages() -> None:
    """Start the clock of the request."""
    g.stages = Stages()


@bp.after_app_request
def add_server_timing(answer: Response) -> Response:
    """Tell how long each stage took."""
    if "stages" in g:
        answer.headers["Server-Timing"] = g.stages.server_timing()
    return answer


@bp.get("/")
def greeting() -> Response:
    """Say what this is."""
    return Response(_GREETING.format(root=request.url_root), mimetype="text/plain")


@bp.post("/predict")
def predict() -> Answer:
    """Tell what an upload holds, by its task; or the genre of a video, by its URL in JSON."""
    if request.is_json:
        message = json_object("url")
        return genre_views.tell_video({**request.args, **message})
    sent = sent_values()
    is_face = parameter(sent, "task") == face_service.TASK
    return _recognise(upload(face_views.FIELD if is_face else "file"), sent)


@bp.post("/record")
def record() -> Answer:
    """Do the same for a recording sent as base64 in JSON."""
    message = json_object("audio")
    return _recognise(from_object(message), {**request.args, **message})


@bp.post("/classify_audio")
def classify_audio() -> Answer:
    """Answer an existing Flutter application: one of two methods."""
    method = parameter(request.values, "model_type") or "svm"
    if method not in ("svm", "cnn"):
        raise ParameterError("The field 'model_type' must be svm or cnn.")
    (entry,) = services().speech.recognise(upload("audio"), methods=[method], stages=stages())
    return {"audio_emotion": entry.emotion, "model_used": method.upper()}


@bp.post("/classify_audio_both")
def classify_audio_both() -> Answer:
    """Answer an existing Flutter application: both of its methods."""
    source = upload("audio")
    svm, cnn = services().speech.recognise(source, methods=["svm", "cnn"], stages=stages())
    return {"svm_emotion": svm.emotion, "cnn_emotion": cnn.emotion}


@bp.get("/history")
def history() -> Answer | Response:
    """List predictions, newest first, or download them as CSV."""
    before = request.args.get("before") or None
    form = request.args.get("format") or "json"
    if form == "csv":
        return _history_csv(before)
    if form != "json":
        raise ParameterError("The parameter 'format' must be json or csv.")
    limit = page_limit() or _DEFAULT_LIMIT
    entries = services().history.page(limit=limit, before=before)
    following = None
    if len(entries) == limit:
        following = url_for(".history", limit=limit, before=entries[-1].id)
    return {"history": [{**e.row(), **links(e)} for e in entries], "next": following}


@bp.delete("/history/<name>")
def remove(name: str) -> tuple[str, int]:
    """Remove a prediction and its files, by its id or its audio_file."""
    services().remove(name)
    return "", HTTPStatus.NO_CONTENT


@bp.get("/download-report/<path:filename>")
def download_report(filename: str) -> Response:
    """Send the PDF of a prediction, by its audio_file or by the uploaded name."""
    name, report = services().report(filename)
    return drawing_answer(report, "application/pdf", download_name=name)


@bp.get("/visualizations/<audio_file>.png")
def visualization(audio_file: str) -> Response:
    """Send the picture of a recording."""
    picture = services().picture(audio_file)
    return drawing_answer(picture, "image/png", max_age_s=_PICTURE_MAX_AGE_S)


@bp.route("/changeMethod", methods=["GET", "POST"])
def change_method() -> Answer:
    """Choose the method that predicts when a request names none."""
    if request.is_json:
        raise ParameterError("Send 'method' in the query or in a form, not as JSON.")
    task = parameter(request.values, "task")
    if task is not None:
        services().check_task(task)
    method = parameter(request.values, "method")
    if method is None:
        raise MissingInput("The parameter 'method' is missing.")
    services().choose_method(method, task=task)
    return {"message": f"The method is now {method}.", "method": method}


@bp.get("/models/info")
def models_info() -> Answer:
    """Describe the models by their cards."""
    return services().models()


@bp.get("/health")
def health() -> Answer:
    """Tell that the process answers."""
    return {"status": "ok"}


@bp.get("/ready")
def ready() -> Answer:
    """Tell that predictions can be made and kept."""
    models = services().check_ready()
    return {"status": "ready", "models": models, "database": "ok"}


def _recognise(source: Source, parameters: Mapping[str, Any]) -> Answer:
    task = parameter(parameters, "task") or speech_service.TASK
    services().check_task(task)
    return _LISTENERS[task](source, parameters)


def _recognise_speech(source: Source, parameters: Mapping[str, Any]) -> Answer:
    detail = parameter(parameters, "detail")
    if detail not in (None, "windows"):
        raise ParameterError("The parameter 'detail' must be windows.")
    method = parameter(parameters, "method")
    (entry,) = services().speech.recognise(source, methods=[method], stages=stages())
    return _prediction(entry, with_windows=detail is not None)


_LISTENERS: Final[Mapping[str, Callable[[Source, Mapping[str, Any]], Answer]]] = MappingProxyType(
    {
        speech_service.TASK: _recognise_speech,
        song_service.TASK: song_views.hear,
        genre_service.TASK: genre_views.tell,
        mood_service.TASK: mood_views.hear,
        face_service.TASK: face_views.tell,
    }
)


def _prediction(entry: Entry, *, with_windows: bool) -> Answer:
    answer: Answer = {
        "emotion": entry.emotion,
        "confidence": entry.confidence,
        "probabilities": entry.probabilities,
        "audio_file": entry.audio_file,
        **links(entry),
        "method": entry.method,
        "timestamp": entry.time_text,
        "duration_s": entry.duration_s,
        "filename": entry.filename,
        "task": entry.task,
    }
    if with_windows:
        answer["windows"] = entry.windows
    return answer


def _history_csv(before: str | None) -> Response:
    lines = csv_lines(services().history.everything(limit=page_limit(), before=before))
    head = next(lines) + next(lines, "")  # asks the database before the status is sent
    rows = _read_for(current_caller(), chain([head], lines))
    answer = Response(rows, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=history.csv"
    return answer


def _read_for(caller: Caller, lines: Iterable[str]) -> Iterator[str]:
    """Read what is sent after the request has ended for the same caller as before."""
    with working_for(caller):
        yield from lines


if __name__ == "__main__":
    served = create_app()
    JobWork(served).start()
    served.run(port=int(os.environ.get("PORT", "5000")))
