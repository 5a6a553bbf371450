"""The service itself: its life, its models, the method in force, its metrics, its document."""

from typing import Any, Final

from emosync.errors import (
    DatabaseUnavailable,
    MissingInput,
    ModelUnavailable,
    NotFound,
    ParameterError,
    UnknownMethod,
)
from openapi.parts import (
    Json,
    Operation,
    Page,
    count,
    file_answer,
    json_answer,
    listed,
    members,
    named,
    nullable,
    parameter,
    text,
    text_answer,
)
from openapi.vocabulary import ALL_METHODS, METHODS_BY_TASK, TASKS

_TAG: Final = "Service"
# What every card has; most have more.
_HEAD: Final = {
    "model_type": text("What kind of model it is."),
    "classes": listed(text(), "Labels in the order of its outputs."),
    "n_features": count("Features of an input, or of a step of it."),
    "trained_on": listed({"type": "object"}, "The corpora, with their licences."),
    "feature_type": text("What it sees."),
    "scaler": nullable(text("How its features are scaled.")),
}
_CARD: Final = {
    **members(
        {
            "task": text(),
            "method": text(),
            **_HEAD,
            "labels": listed(text(), "As `classes`."),
            "feature_settings": {"type": "object"},
            "intended_use": text(),
            "limits": text("What it is not good for."),
            "sha256": {
                "type": "object",
                "description": "File to the digest that is verified before it is loaded.",
                "additionalProperties": text(pattern="^[0-9a-f]{64}$"),
            },
            "size_bytes": {"type": "object", "additionalProperties": count()},
            "versions": {"type": "object", "additionalProperties": text()},
        },
        {
            "protocol": text("How it was judged."),
            "figures": {"type": "object", "description": "What that gave, by protocol."},
        },
    ),
    # What was measured, and how, differs from model to model.
    "additionalProperties": True,
}
_UNCHANGED: Final = {"304": {"description": "It is as the client has it, by its ETag."}}
_EXAMPLE_HEAD: Final[dict[str, Any]] = {
    "task": "speech",
    "method": "whisper",
    "model_type": "Whisper tiny encoder",
    "classes": ["neutral", "calm"],
    "n_features": 80,
    "trained_on": [{"corpus": "RAVDESS", "licence": "CC BY-NC-SA 4.0"}],
    "feature_type": "log_mel",
    "scaler": None,
}
_GREETING: Final = (
    "EmoSync tells the emotions of voices, songs and faces.\n"
    "Try: curl -F file=@voice.wav http://localhost:5000/predict\n"
)
_EXAMPLE_METRICS: Final = """\
# HELP emosync_job_items Parts of jobs that have not ended, by state: those that wait are queued.
# TYPE emosync_job_items gauge
emosync_job_items{state="queued"} 0.0
"""


def page() -> Page:
    """Describe the routes of the service."""
    operations = (
        _greeting(),
        _health(),
        _ready(),
        _models(),
        _change_method("GET", "changeMethodByLink"),
        _change_method("POST", "changeMethod"),
        _metrics(),
        _document(),
        _docs(),
        _docs_file(),
    )
    return Page(operations, {"Card": _CARD})


def _greeting() -> Operation:
    return Operation(
        "GET /",
        name="greet",
        tag=_TAG,
        summary="Say what this is.",
        answers={"200": text_answer("A greeting.", example=_GREETING)},
    )


def _health() -> Operation:
    return Operation(
        "GET /health",
        name="checkHealth",
        tag=_TAG,
        summary="Tell that the process answers.",
        answers={
            "200": json_answer(
                members({"status": {"const": "ok"}}), "It lives.", example={"status": "ok"}
            )
        },
    )


def _ready() -> Operation:
    models: Json = {
        "type": "object",
        "description": "Task to its models, the default first.",
        "additionalProperties": listed(text()),
    }
    answer = members({"status": {"const": "ready"}, "models": models, "database": {"const": "ok"}})
    example = {"status": "ready", "models": {"speech": ["whisper", "cnn"]}, "database": "ok"}
    return Operation(
        "GET /ready",
        name="checkReady",
        tag=_TAG,
        summary="Tell that predictions can be made and kept.",
        answers={"200": json_answer(answer, "It is ready.", example=example)},
        errors=(ModelUnavailable, DatabaseUnavailable),
    )


def _models() -> Operation:
    by_method = {"type": "object", "additionalProperties": named("Card")}
    cards = {
        "type": "object",
        "description": "Task to method to card.",
        "additionalProperties": by_method,
    }
    answer = members({"task": text(), "method": text(), **_HEAD, "models": cards})
    return Operation(
        "GET /models/info",
        name="describeModels",
        tag=_TAG,
        summary="Describe the models by their cards, that of the method in force first.",
        answers={"200": json_answer(answer, "The cards.", example={**_EXAMPLE_HEAD, "models": {}})},
        errors=(ModelUnavailable, DatabaseUnavailable),
    )


def _change_method(verb: str, name: str) -> Operation:
    answer = members({"message": text("For people."), "method": text(enum=list(ALL_METHODS))})
    example = {"message": "The method is now cnn.", "method": "cnn"}
    return Operation(
        f"{verb} /changeMethod",
        name=name,
        tag=_TAG,
        summary="Choose the method that answers when a request names none, for all workers.",
        parameters=[
            parameter(
                "method",
                text(f"By task: {METHODS_BY_TASK}.", enum=list(ALL_METHODS)),
                required=True,
                example="cnn",
            ),
            parameter(
                "task",
                text(enum=list(TASKS)),
                "By default the first task that has a method of that name.",
            ),
        ],
        answers={"200": json_answer(answer, "It is chosen.", example=example)},
        errors=(MissingInput, ParameterError, UnknownMethod, ModelUnavailable, DatabaseUnavailable),
    )


def _metrics() -> Operation:
    return Operation(
        "GET /metrics",
        name="readMetrics",
        tag=_TAG,
        summary="Tell Prometheus what was counted, in its text format.",
        answers={"200": text_answer("The metrics.", example=_EXAMPLE_METRICS)},
    )


def _document() -> Operation:
    return Operation(
        "GET /openapi.json",
        name="readDocument",
        tag=_TAG,
        summary="Send this document.",
        answers={"200": json_answer({"type": "object"}, "The document."), **_UNCHANGED},
    )


def _docs_file() -> Operation:
    return Operation(
        "GET /docs/<name>",
        name="loadPage",
        tag=_TAG,
        summary="Send a file that the page loads.",
        parameters=[parameter("name", text(), place="path", example="start.js")],
        answers={
            "200": file_answer("The file.", "text/javascript", "text/css", "image/png"),
            **_UNCHANGED,
        },
        errors=(NotFound,),
    )


def _docs() -> Operation:
    return Operation(
        "GET /docs",
        name="browseDocument",
        tag=_TAG,
        summary="Show this document as a page.",
        answers={"200": file_answer("The page.", "text/html")},
    )
