"""The web application: routes, and how requests become answers.

`create_app` is the factory that gunicorn calls in each worker; `python app.py` runs a
development server.
"""

import io
import os
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from dotenv import load_dotenv
from flask import Blueprint, Flask, Response, current_app, g, request, send_file, url_for

from cors import register_cors
from emosync.config import Config, read_config
from emosync.errors import MissingInput, ParameterError, StorageUnavailable
from emosync.history import Entry, csv_lines
from emosync.sources import Source, from_object, from_upload, parse_object
from emosync.stages import Stages
from problems import register_problems
from speech_service import TASK, SpeechService

_GREETING: Final = (
    "EmoSync tells the emotion of a voice.\nTry: curl -F file=@voice.wav {root}predict\n"
)
_DEFAULT_LIMIT, _MAX_LIMIT = 100, 1_000
_LIMIT: Final = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_PICTURE_MAX_AGE_S: Final = 86_400

Answer = dict[str, Any]
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
        config = read_config(os.environ)
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    app.config["EMOSYNC"] = config
    app.config["MAX_CONTENT_LENGTH"] = config.max_upload_bytes
    app.extensions["emosync"] = SpeechService(config)
    app.register_blueprint(bp)
    register_problems(app)
    register_cors(app, config)
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
    """Tell the emotion of an uploaded recording."""
    return _recognise(_upload("file"), request.values)


@bp.post("/record")
def record() -> Answer:
    """Tell the emotion of a recording sent as base64 in JSON."""
    request.max_content_length = _config().max_json_bytes
    message = parse_object(request.get_data())
    return _recognise(from_object(message), {**request.args, **message})


@bp.post("/classify_audio")
def classify_audio() -> Answer:
    """Answer an existing Flutter application: one of two methods."""
    method = _parameter(request.values, "model_type") or "svm"
    if method not in ("svm", "cnn"):
        raise ParameterError("The field 'model_type' must be svm or cnn.")
    (entry,) = _service().recognise(_upload("audio"), methods=[method], stages=g.stages)
    return {"audio_emotion": entry.emotion, "model_used": method.upper()}


@bp.post("/classify_audio_both")
def classify_audio_both() -> Answer:
    """Answer an existing Flutter application: both of its methods."""
    source = _upload("audio")
    svm, cnn = _service().recognise(source, methods=["svm", "cnn"], stages=g.stages)
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
    limit = _limit() or _DEFAULT_LIMIT
    entries = _service().history.page(limit=limit, before=before)
    following = None
    if len(entries) == limit:
        following = url_for(".history", limit=limit, before=entries[-1].id)
    return {"history": [{**e.row(), **_links(e)} for e in entries], "next": following}


@bp.get("/download-report/<path:filename>")
def download_report(filename: str) -> Response:
    """Send the PDF of a prediction, by its audio_file or by the uploaded name."""
    entry, pdf = _service().report(filename)
    # The uploaded name is data and stays out of the header.
    name = f"{entry.audio_file.partition('.')[0]}.pdf"
    return send_file(
        io.BytesIO(pdf), mimetype="application/pdf", as_attachment=True, download_name=name
    )


@bp.get("/visualizations/<audio_file>.png")
def visualization(audio_file: str) -> Response:
    """Send the picture of a recording."""
    png = _service().picture(audio_file)
    return send_file(io.BytesIO(png), mimetype="image/png", max_age=_PICTURE_MAX_AGE_S)


@bp.route("/changeMethod", methods=["GET", "POST"])
def change_method() -> Answer:
    """Choose the method that predicts when a request names none."""
    _check_task(request.values)
    method = _parameter(request.values, "method")
    if method is None:
        raise MissingInput("The parameter 'method' is missing.")
    _service().choose_method(method)
    return {"message": f"The method is now {method}.", "method": method}


@bp.get("/models/info")
def models_info() -> Answer:
    """Describe the models by their cards."""
    return _service().models()


@bp.get("/health")
def health() -> Answer:
    """Tell that the process answers."""
    return {"status": "ok"}


@bp.get("/ready")
def ready() -> Answer:
    """Tell that predictions can be made and kept."""
    methods = _service().check_ready()
    return {"status": "ready", "models": {TASK: list(methods)}, "database": "ok"}


def _recognise(source: Source, parameters: Mapping[str, Any]) -> Answer:
    _check_task(parameters)
    detail = _parameter(parameters, "detail")
    if detail not in (None, "windows"):
        raise ParameterError("The parameter 'detail' must be windows.")
    method = _parameter(parameters, "method")
    (entry,) = _service().recognise(source, methods=[method], stages=g.stages)
    return _prediction(entry, with_windows=detail is not None)


def _prediction(entry: Entry, *, with_windows: bool) -> Answer:
    answer: Answer = {
        "emotion": entry.emotion,
        "confidence": entry.confidence,
        "probabilities": entry.probabilities,
        "audio_file": entry.audio_file,
        **_links(entry),
        "method": entry.method,
        "timestamp": entry.time_text,
        "duration_s": entry.duration_s,
        "filename": entry.filename,
        "task": entry.task,
    }
    if with_windows:
        answer["windows"] = entry.windows
    return answer


def _links(entry: Entry) -> dict[str, str]:
    return {
        "visualization": url_for(".visualization", audio_file=entry.audio_file),
        "report": url_for(".download_report", filename=entry.audio_file),
    }


def _history_csv(before: str | None) -> Response:
    lines = csv_lines(_service().history.everything(limit=_limit(), before=before))
    head = next(lines) + next(lines, "")  # asks the database before the status is sent
    answer = Response(chain([head], lines), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=history.csv"
    return answer


def _upload(field: str) -> Source:
    """Read the file of a multipart field."""
    try:
        part = request.files.get(field)
        if part is None:
            raise MissingInput(f"The form has no file in the field '{field}'.")
        return from_upload(part.read(), part.filename or "", field=field)
    except OSError as exc:
        # Larger uploads pass through a temporary file.
        raise StorageUnavailable("The upload cannot be stored at the moment.") from exc


def _check_task(parameters: Mapping[str, Any]) -> None:
    _service().check_task(_parameter(parameters, "task") or TASK)


def _parameter(parameters: Mapping[str, Any], name: str) -> str | None:
    """Return a parameter, in lower case; None if it is absent or empty."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ParameterError(f"The parameter '{name}' must be a string.")
    return value.strip().lower()


def _limit() -> int | None:
    text = request.args.get("limit")
    if not text:
        return None
    if not _LIMIT.fullmatch(text) or int(text) > _MAX_LIMIT:
        raise ParameterError(f"The parameter 'limit' must be a number from 1 to {_MAX_LIMIT}.")
    return int(text)


def _config() -> Config:
    config: Config = current_app.config["EMOSYNC"]
    return config


def _service() -> SpeechService:
    service: SpeechService = current_app.extensions["emosync"]
    return service


if __name__ == "__main__":
    create_app().run(port=int(os.environ.get("PORT", "5000")))
