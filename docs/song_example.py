"""What README.md shows of the song in `tests/songs/`, as the shipped models answer it."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from application.tasks.library_build import build_library
from application.tasks.song_sources import iter_songs
from docs.example import TOLERANCE, agree, asked, config_in, fenced, file_field, serving
from docs.tables import ROOT

SONG: Final = ROOT / "tests" / "songs" / "rain_and_sun.mp3"
SONG_ID: Final = SONG.stem
# Steps of a curve that the page shows, and their decimals; what is left out differs from
# processor to processor.
N_STEPS: Final = 4
N_DECIMALS: Final = 2
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Heard:
    """Everything that the service says of the song.

    Attributes
    ----------
    upload, playback, songs, tags, curve : dict
        Answers, the first to an upload, the others from a library of this one song.
    panels : bytes
        The picture, a PNG.
    """

    upload: dict[str, Any]
    playback: dict[str, Any]
    songs: dict[str, Any]
    tags: dict[str, Any]
    curve: dict[str, Any]
    panels: bytes


@cache
def heard() -> Heard:
    """Build a library of the song and ask the service about it; once per process."""
    with TemporaryDirectory() as name:
        _make_library(Path(name))
        with serving(Path(name)) as client:
            upload = asked(client, "/predict", data={"task": "song", "file": file_field(SONG)})
            with client.get(upload["visualization"]) as picture:
                panels = picture.get_data()
            return Heard(
                upload=upload,
                playback=asked(client, f"/predict?song_id={SONG_ID}", "GET"),
                songs=asked(client, "/songs", "GET"),
                tags=asked(client, f"/songs/{SONG_ID}/tags", "GET"),
                curve=asked(client, f"/songs/{SONG_ID}/curve", "GET"),
                panels=panels,
            )


def song_answers(present: Mapping[str, str]) -> dict[str, str]:
    """Write what the service says of the song.

    Parameters
    ----------
    present : mapping of str to str
        The blocks in README.md; kept if they say what the service says now.

    Returns
    -------
    dict of str to str
        Name of a block to its text.
    """
    said = heard()
    upload = present["song"] if agree(present["song"], said.upload) else fenced(said.upload)
    new = {
        "playback": fenced(said.playback),
        "songs": fenced(said.songs),
        "tags": fenced(said.tags),
        "curve": shortened(said.curve),
    }
    kept = {name: present[name] if same(present[name], new[name]) else new[name] for name in new}
    return {"song": upload, **kept}


def same(shown: str, new: str) -> bool:
    """Tell whether two texts differ in nothing but the last digits of numbers."""
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", new):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(new), strict=True)
    return all(abs(float(a) - float(b)) <= TOLERANCE for a, b in pairs)


def shortened(curve: dict[str, Any]) -> str:
    """Write the beginning of a curve."""
    lines = [
        f"  {json.dumps(name)}: {json.dumps(_rounded(value[:N_STEPS]))[:-1]}, ...]"
        if isinstance(value, list)
        else f"  {json.dumps(name)}: {json.dumps(value)}"
        for name, value in curve.items()
    ]
    return "```text\n{\n" + ",\n".join(lines) + "\n}\n```"


def _rounded(values: list[float]) -> list[float]:
    return [round(value, N_DECIMALS) for value in values]


def _make_library(folder: Path) -> None:
    """Build a library of the one song, its recording included."""
    config = config_in(folder)
    recordings = config.library_path / "SONGS"
    recordings.mkdir(parents=True)
    shutil.copy(SONG, recordings)
    songs = iter_songs(str(recordings), config)
    problems = [outcome.problem for outcome in build_library(songs, config, n_workers=1)]
    if problems != [None]:
        raise RuntimeError(f"the library of the example cannot be built: {problems}")
