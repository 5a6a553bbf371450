"""The measurements of moods: tracks over HTTP."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.measure import Summary, ask_once, fresh_settings, go_round
from bench.server import Server, procfile_command, running
from bench.ways import Post, Way
from emosync.tracks import FEATURE_RANGES, MAX_TRACKS

# Those of the models that are told the features of tracks.
TRACK_FEATURES: Final = "track_features"
N_RECOMMENDED: Final = 100
ID_LENGTH: Final = 22

Say = Callable[[str], None]


@dataclass(frozen=True)
class MoodPlan:
    """How much to measure of moods.

    Attributes
    ----------
    n_rounds, n_requests : int
        Rounds over the ways of asking, and requests of each in a round.
    """

    n_rounds: int = 5
    n_requests: int = 40


QUICK_MOODS: Final = MoodPlan(n_rounds=2, n_requests=5)


@dataclass(frozen=True)
class Moods:
    """Everything that the page shows of moods.

    Attributes
    ----------
    measured : dict of str to Summary
        Per way of asking.
    left_out : dict of str to str
        What was not measured, and why.
    feature_names : tuple of str
        What the tracks came with.
    """

    measured: dict[str, Summary]
    left_out: dict[str, str]
    feature_names: tuple[str, ...]


def measure_moods(plan: MoodPlan, folder: Path, say: Say) -> Moods:
    """Measure everything about moods.

    Parameters
    ----------
    plan : MoodPlan
        How much.
    folder : Path
        Made here, for the server and what it is sent.
    say : callable
        Gets a line per step.

    Returns
    -------
    Moods
    """
    folder.mkdir(parents=True)
    environ = fresh_settings(folder / "data")
    with running(procfile_command(), environ=environ, log_path=folder / "log") as server:
        names = track_models(server)
        if not names:
            return Moods({}, {"`/mood`": "there is no model that is told tracks"}, ())
        default = next(iter(names))
        ways = _ways(names, folder)
        say(f"moods: {', '.join(ways)}")
        found = go_round(server, ways, n_rounds=plan.n_rounds, n_requests=plan.n_requests)
    return Moods(*found, names[default])


def track_models(server: Server) -> dict[str, tuple[str, ...]]:
    """Ask a server which features the mood models need, the default's first."""
    info: dict[str, Any] = json.loads(ask_once(server, "GET", "/models/info")[1])
    return {
        method: tuple(card["feature_names"])
        for method, card in info["models"].get("mood", {}).items()
        if card["feature_type"] == TRACK_FEATURES
    }


def _ways(names: Mapping[str, Sequence[str]], folder: Path) -> dict[str, Way]:
    """Write what is sent; the first method is the default."""
    ways: dict[str, Way] = {}
    for method, needed in names.items():
        body_path = _written(folder / f"{method}.json", {"tracks": make_tracks(needed, MAX_TRACKS)})
        ways[f"`/mood`, {MAX_TRACKS} tracks, `{method}`"] = Post(
            f"/mood?method={method}", body_path
        )
    needed = next(iter(names.values()))
    asked = {"emotion": "happy", "tracks": make_tracks(needed, N_RECOMMENDED)}
    way = Post("/recommend", _written(folder / "recommend.json", asked))
    return {**ways, f"`/recommend`, {N_RECOMMENDED} tracks": way}


def _written(path: Path, message: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(message))
    return path


def make_tracks(needed: Sequence[str], n_tracks: int) -> list[dict[str, Any]]:
    """Make tracks up.

    Parameters
    ----------
    needed : sequence of str
        Their features.
    n_tracks : int
        How many.

    Returns
    -------
    list of dict
        As `POST /mood` takes them; the features lie evenly within what they can be.
    """
    rng = np.random.default_rng(0)
    return [
        {
            "id": f"{number:0{ID_LENGTH}}",
            "name": f"A song that is number {number}",
            "artist": f"The artist of number {number}",
            "album": "The album that all of them are from",
            "preview_url": None,
            "features": {name: round(rng.uniform(*FEATURE_RANGES[name]), 3) for name in needed},
        }
        for number in range(n_tracks)
    ]
