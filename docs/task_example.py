"""What README.md shows of genres and moods, as the shipped models answer it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from flask.testing import FlaskClient

from docs.example import agree, fenced, serving
from docs.song_example import SONG
from docs.tables import ROOT

TRACKS: Final = ROOT / "tests" / "songs" / "tracks.json"


@cache
def told() -> dict[str, dict[str, Any]]:
    """Ask the service; once per process. Returns the name of each block with its answer."""
    with TemporaryDirectory() as name, serving(Path(name)) as client:
        tracks = json.loads(TRACKS.read_text("utf-8"))
        return {
            "genre": _upload(client, "genre"),
            "song-mood": _upload(client, "mood"),
            "mood": _checked(client, "/mood", json=tracks),
            "recommend": _checked(client, "/recommend", json={"emotion": "happy", **tracks}),
        }


def task_answers(present: Mapping[str, str]) -> dict[str, str]:
    """Write what the service says of the song and of the tracks.

    Parameters
    ----------
    present : mapping of str to str
        The blocks in README.md; kept if they say what the service says now.

    Returns
    -------
    dict of str to str
        Name of a block to its text.
    """
    return {
        name: present[name] if agree(present[name], answer) else fenced(answer)
        for name, answer in told().items()
    }


def _upload(client: FlaskClient, task: str) -> dict[str, Any]:
    with SONG.open("rb") as file:
        return _checked(client, "/predict", data={"task": task, "file": (file, SONG.name)})


def _checked(client: FlaskClient, path: str, **sent: Any) -> dict[str, Any]:
    with client.post(path, **sent) as answer:
        found: dict[str, Any] = answer.get_json()
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {found}")
    return found
