"""What the answers about everything that is kept have in common."""

from types import MappingProxyType
from typing import Any, Final

from emosync.errors import (
    DatabaseUnavailable,
    ModelUnavailable,
    StorageUnavailable,
    TooLarge,
    UnknownMethod,
    UnreadableMedia,
    UnsupportedMedia,
    UnusableAudio,
)
from openapi.parts import Errors, Json, members, number, text, tree

LINKS: Final = MappingProxyType(
    {
        "visualization": text("Link to the picture.", format="uri-reference"),
        "report": text("Link to the PDF.", format="uri-reference"),
    }
)
TIMESTAMP: Final = text("When it came, in UTC.", pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$")
AUDIO_FILE: Final = text(
    "The unique name under which it is kept.", pattern=r"^\d{8}-\d{6}-[0-9a-f]{16}\.[a-z0-9]{2,5}$"
)
DURATION_S: Final = number("Length in seconds.", minimum=0)

# Of what is kept: recordings that cannot be heard, and what a store may fail by.
KEPT: Final[Errors] = (ModelUnavailable, DatabaseUnavailable, StorageUnavailable, UnknownMethod)
HEARD: Final[Errors] = (*tree(UnsupportedMedia, UnreadableMedia, UnusableAudio, TooLarge), *KEPT)


def entry(told: dict[str, Json], *, task: str, methods: tuple[str, ...], **optional: Json) -> Json:
    """Describe an answer that is in the history.

    Parameters
    ----------
    told : dict of str to dict
        What the answer tells, first.
    task : str
        Of the answer.
    methods : tuple of str
        That may have told it.
    **optional
        Members that are there when asked for.

    Returns
    -------
    dict
    """
    found = {
        **told,
        "audio_file": AUDIO_FILE,
        **LINKS,
        "filename": text("The name that the client gave it."),
        "timestamp": TIMESTAMP,
        "task": {"const": task},
        "method": text("The method that told it.", enum=list(methods)),
    }
    return members(found, optional)


def kept_example(container: str, *, filename: str, task: str, method: str) -> dict[str, Any]:
    """Write the members of `entry` for an example."""
    audio_file = f"20260115-143025-5f0c9a3be1d24c77.{container}"
    return {
        "audio_file": audio_file,
        "visualization": f"/visualizations/{audio_file}.png",
        "report": f"/download-report/{audio_file}",
        "filename": filename,
        "timestamp": "2026-01-15 14:30:25",
        "task": task,
        "method": method,
    }
