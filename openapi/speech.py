"""Voices: the answer about a recording, base64 of a recorder, and the short answers."""

from typing import Final

from application.tasks import speech_service
from emosync.errors import InvalidBase64, MissingInput, ParameterError
from emosync.labels import SPEECH_EMOTIONS
from openapi import predict_fields as fields
from openapi.kept import DURATION_S, HEARD, entry, kept_example
from openapi.parts import (
    PROBABILITY,
    Errors,
    Json,
    Operation,
    Page,
    form_body,
    json_answer,
    json_body,
    listed,
    members,
    named,
    number,
    probabilities,
    text,
    upload,
)
from openapi.vocabulary import METHODS

_METHODS: Final = METHODS[speech_service.TASK]
_EMOTION: Final = text("The most probable emotion.", enum=list(SPEECH_EMOTIONS))
_SHORT: Final = ("svm", "cnn")
_REFUSED: Final[Errors] = (MissingInput, ParameterError, *HEARD)

_WINDOW: Final = members(
    {
        "start_s": number("Where it begins, in seconds.", minimum=0),
        "emotion": _EMOTION,
        "confidence": PROBABILITY,
    }
)
_ANSWER: Final = {
    **entry(
        {
            "emotion": _EMOTION,
            "confidence": PROBABILITY,
            "probabilities": probabilities(SPEECH_EMOTIONS, "Highest first; they sum to 1."),
            "duration_s": DURATION_S,
        },
        task=speech_service.TASK,
        methods=_METHODS,
        windows=listed(_WINDOW, "The emotion of each window, with `detail=windows`."),
    ),
    "description": "The emotion of a voice.",
}
EXAMPLE: Final = {
    "emotion": "neutral",
    "confidence": 0.7,
    "probabilities": {"neutral": 0.7, "sad": 0.2, "calm": 0.1},
    "duration_s": 3.0,
    **kept_example("wav", filename="voice.wav", task=speech_service.TASK, method=_METHODS[0]),
}
_AUDIO: Final = text(
    "A data URL such as `data:audio/wav;base64,...`, or bare base64.", contentEncoding="base64"
)


def page() -> Page:
    """Describe the routes of voices that are theirs alone."""
    return Page((_record(), _classify(), _classify_both()), {"SpeechPrediction": _ANSWER})


def _record() -> Operation:
    return Operation(
        "POST /record",
        name="predictRecording",
        tag="Predictions",
        summary="Tell what a recording holds that is sent as base64 in JSON.",
        description="The members other than `audio` are the fields of `/predict`.",
        parameters=fields.in_query(),
        body=json_body(
            members({"audio": _AUDIO}, fields.FIELDS),
            example={"audio": "data:audio/wav;base64,UklGRiQAAABXQVZF", "method": "cnn"},
        ),
        answers={"200": json_answer(named("Prediction"), "The prediction.", example=EXAMPLE)},
        errors=(InvalidBase64, *fields.errors_of_tasks()),
        can_wait=True,
    )


def _classify() -> Operation:
    answer = members({"audio_emotion": _EMOTION, "model_used": {"enum": ["SVM", "CNN"]}})
    choice = {"model_type": text("The method; svm by default.", enum=list(_SHORT))}
    return Operation(
        "POST /classify_audio",
        name="classifyAudio",
        tag="Short answers",
        summary="Tell the emotion of a voice by one of two methods.",
        parameters=fields.as_query(choice),
        body=_form(choice, model_type="cnn"),
        answers={
            "200": json_answer(
                answer, "The emotion.", example={"audio_emotion": "sad", "model_used": "SVM"}
            )
        },
        errors=_REFUSED,
    )


def _classify_both() -> Operation:
    return Operation(
        "POST /classify_audio_both",
        name="classifyAudioByBoth",
        tag="Short answers",
        summary="Tell the emotion of a voice by two methods.",
        body=_form({}),
        answers={
            "200": json_answer(
                members({"svm_emotion": _EMOTION, "cnn_emotion": _EMOTION}),
                "Both emotions.",
                example={"svm_emotion": "sad", "cnn_emotion": "neutral"},
            )
        },
        errors=_REFUSED,
    )


def _form(optional: dict[str, Json], **chosen: str) -> Json:
    schema = members({"audio": upload("The recording.")}, optional)
    return form_body(schema, recording={"audio": "voice.wav", **chosen})
