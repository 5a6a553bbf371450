"""What README.md shows of genres and moods, as the shipped models answer it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from docs.example import agree, asked, fenced, file_field, serving
from docs.song_example import SONG
from docs.tables import ROOT

TRACKS: Final = ROOT / "tests" / "songs" / "tracks.json"


@cache
def told() -> dict[str, dict[str, Any]]:
    """Ask the service; once per process. Returns the name of each block with its answer."""
    with TemporaryDirectory() as name, serving(Path(name)) as client:
        tracks = json.loads(TRACKS.read_text("utf-8"))
        return {
            "genre": asked(client, "/predict", data={"task": "genre", "file": file_field(SONG)}),
            "song-mood": asked(client, "/predict", data={"task": "mood", "file": file_field(SONG)}),
            "mood": asked(client, "/mood", json=tracks),
            "recommend": asked(client, "/recommend", json={"emotion": "happy", **tracks}),
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
