"""Tasks and methods that requests may name, as the services have them."""

from types import MappingProxyType
from typing import Final

from application.tasks import (
    face_service,
    genre_service,
    mood_service,
    song_service,
    speech_service,
)
from emosync.labels import SONG_COMPLETED, SONG_INNER_EMOTIONS, SONG_NEUTRAL, SONG_OUTER_EMOTIONS
from predictor import METHODS as MODELS

_NO_CHOICE: Final = frozenset({face_service.DETECTOR, mood_service.AUDIO})

# Those that may be chosen; a recording's mood is heard whatever was chosen for tracks.
METHODS: Final = MappingProxyType(
    {
        speech_service.TASK: MODELS[speech_service.TASK],
        song_service.TASK: song_service.METHODS,
        genre_service.TASK: MODELS[genre_service.TASK],
        **{
            task: tuple(method for method in MODELS[task] if method not in _NO_CHOICE)
            for task in (mood_service.TASK, face_service.TASK)
        },
    }
)
TASKS: Final = tuple(METHODS)
ALL_METHODS: Final = tuple(dict.fromkeys(m for methods in METHODS.values() for m in methods))
METHODS_BY_TASK: Final = "; ".join(
    f"{task}: {', '.join(f'`{method}`' for method in methods)}" for task, methods in METHODS.items()
)
SONG_EMOTIONS: Final = (SONG_NEUTRAL, *SONG_INNER_EMOTIONS, *SONG_OUTER_EMOTIONS)
ROWS_OF_SONGS: Final = (*SONG_EMOTIONS, SONG_COMPLETED)
