"""`POST /predict`: one route for every task, and for the genre of a video."""

from typing import Final

from application.tasks import (
    face_service,
    genre_service,
    mood_service,
    song_service,
    speech_service,
)
from openapi import faces, genres, moods, songs, speech
from openapi.parts import (
    FORM,
    JSON,
    Json,
    Operation,
    Page,
    form_body,
    json_body,
    members,
    named,
    upload,
)
from openapi.predict_fields import FIELDS, errors_of_tasks, in_query

# The answer of each task, and an example of it.
ANSWERS: Final = {
    speech_service.TASK: ("SpeechPrediction", speech.EXAMPLE),
    song_service.TASK: ("SongPrediction", songs.EXAMPLE),
    genre_service.TASK: ("GenrePrediction", genres.EXAMPLE),
    mood_service.TASK: ("MoodPrediction", moods.EXAMPLE),
    face_service.TASK: ("FacePrediction", faces.EXAMPLE),
}
# Of each task, a form that asks for it.
_FORMS: Final = {
    speech_service.TASK: {"file": "voice.wav", "method": "cnn"},
    song_service.TASK: {"file": "song.mp3", "task": song_service.TASK, "detail": "curve"},
    genre_service.TASK: {"file": "song.mp3", "task": genre_service.TASK},
    mood_service.TASK: {"file": "song.mp3", "task": mood_service.TASK},
    face_service.TASK: {"image": "photo.jpg", "task": face_service.TASK},
}


def page() -> Page:
    """Describe the route and its answers."""
    prediction = {
        "description": "The answer of the task that was asked for.",
        "oneOf": [named(name) for name, _ in ANSWERS.values()],
        "discriminator": {
            "propertyName": "task",
            "mapping": {task: named(name)["$ref"] for task, (name, _) in ANSWERS.items()},
        },
    }
    return Page((_predict(),), {"Prediction": prediction})


def _predict() -> Operation:
    return Operation(
        "POST /predict",
        name="predict",
        tag="Predictions",
        summary="Tell what an upload holds, by its task; or the genre of a video, by its URL.",
        description="All fields but the file may stand in the query as well.",
        parameters=in_query(),
        body=_body(),
        answers={"200": _answer()},
        errors=(*errors_of_tasks(), *genres.VIDEO_ERRORS),
        can_wait=True,
    )


def _body() -> Json:
    files = {"file": upload("The recording."), "image": upload("The picture, with `task=face`.")}
    form = {
        **members({}, {**files, **FIELDS}),
        "anyOf": [{"required": [name]} for name in files],
    }
    choices = {name: FIELDS[name] for name in ("method", "detail")}
    video = members({"url": genres.URL}, {**choices, "task": {"const": genre_service.TASK}})
    bodies = {
        FORM: form_body(form, **_FORMS),
        JSON: json_body(video, example={"url": "https://www.youtube.com/watch?v=jNQXAC9IVRw"}),
    }
    content = {media: body["content"][media] for media, body in bodies.items()}
    return {"required": True, "content": content}


def _answer() -> Json:
    examples = {task: {"value": example} for task, (_, example) in ANSWERS.items()}
    content = {JSON: {"schema": named("Prediction"), "examples": examples}}
    return {"description": "The prediction, by its task.", "content": content}
