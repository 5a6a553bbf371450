"""The measurements of genres: recordings of three lengths by each method, and the plain way."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from bench.music import minute
from bench.one_core import try_on_one_core
from bench.server import ROOT
from emosync.artifacts import CARD_FILE, KERAS_FILE
from predictor import METHODS

MODELS: Final = ROOT / "models" / "genre"
# Of the network that the plain way runs as well.
PLAIN_METHOD: Final = "cnn"
# Minutes of music that are made; recordings repeat them.
N_MADE: Final = 2

Say = Callable[[str], None]


@dataclass(frozen=True)
class GenrePlan:
    """How much to measure of genres.

    Attributes
    ----------
    minutes : tuple of int
        Lengths of the recordings, shortest first; the longest is the one with a goal.
    n_rounds : int
        Rounds over the recordings, after one of the shortest that is not counted.
    n_slices : int
        Slices in the plain way.
    """

    minutes: tuple[int, ...] = (2, 5, 10)
    n_rounds: int = 3
    n_slices: int = 40


QUICK_GENRES: Final = GenrePlan(minutes=(1, 2), n_rounds=2, n_slices=4)


@dataclass(frozen=True)
class GenreTold:
    """Recordings that went to their genre on one core, in a process of its own.

    Attributes
    ----------
    ready_mb, peak_mb : float
        Memory with the models loaded, and its peak over all rounds.
    durations_s : list of float
        Of the recordings.
    n_parts : list of int
        Slices, or parts, that each was told from.
    timings : list of list of str
        Server-Timing headers, per recording one per round.
    """

    ready_mb: float
    peak_mb: float
    durations_s: list[float]
    n_parts: list[int]
    timings: list[list[str]]


@dataclass(frozen=True)
class PlainGenre:
    """What the plain way took on one core.

    Attributes
    ----------
    load_s : float
        Reading the longest recording.
    log_mels_ms, predicts_ms : list of float
        Per slice: spectrogram and network.
    peak_mb : float
        Peak memory.
    """

    load_s: float
    log_mels_ms: list[float]
    predicts_ms: list[float]
    peak_mb: float


@dataclass(frozen=True)
class Genres:
    """Everything that the page shows of genres.

    Attributes
    ----------
    told : dict of str to GenreTold
        Per method.
    left_out : dict of str to str
        Methods that were not measured, and why.
    plain : PlainGenre or None
        None where it was not measured.
    plain_reason : str
        Why not.
    """

    told: dict[str, GenreTold]
    left_out: dict[str, str]
    plain: PlainGenre | None
    plain_reason: str


def measure_genres(plan: GenrePlan, folder: Path, plain_python: str | None, say: Say) -> Genres:
    """Measure everything about genres.

    Parameters
    ----------
    plan : GenrePlan
        How much.
    folder : Path
        Made here, for the recordings.
    plain_python : str or None
        Interpreter that has TensorFlow and librosa; None leaves the plain way out.
    say : callable
        Gets a line per step.

    Returns
    -------
    Genres
    """
    say("genres: making the recordings")
    paths = make_recordings(folder, plan.minutes)
    told, left_out = {}, {}
    for method in METHODS["genre"]:
        say(f"genres: {', '.join(map(str, plan.minutes))} min by {method}, {plan.n_rounds} times")
        found, reason = tell(method, paths, plan.n_rounds)
        if found:
            told[method] = found
        else:
            left_out[f"`{method}`"] = reason
    plain, reason = None, "left out"
    if plain_python is not None:
        say("genres: the plain way")
        plain, reason = tell_plainly(plain_python, paths, plan.n_slices)
    return Genres(told, left_out, plain, reason)


def make_recordings(folder: Path, minutes: tuple[int, ...]) -> list[Path]:
    """Write an MP3 of each length, made of the same few minutes."""
    folder.mkdir(parents=True)
    made = [minute(seed) for seed in range(N_MADE)]
    paths = [folder / f"{n}-minutes.mp3" for n in minutes]
    for n, path in zip(minutes, paths, strict=True):
        path.write_bytes(b"".join(islice(cycle(made), n)))
    return paths


def tell(method: str, paths: list[Path], n_rounds: int) -> tuple[GenreTold | None, str]:
    """Run `bench.genre_probe` on one core; where it does not run, say why."""
    if not (MODELS / method / CARD_FILE).exists():
        return None, f"there is no model in models/genre/{method}"
    command = [sys.executable, "-m", "bench.genre_probe", "--method", method]
    command += ["--rounds", str(n_rounds), *map(str, paths)]
    found, reason = try_on_one_core(command)
    return (GenreTold(**found) if found else None), reason


def tell_plainly(
    python: str, paths: list[Path], n_slices: int, model: Path = MODELS / PLAIN_METHOD / KERAS_FILE
) -> tuple[PlainGenre | None, str]:
    """Run `bench.genre_plain` on one core; where it does not run, say why."""
    if not model.exists():
        return None, f"there is no {model.name} of the method `{PLAIN_METHOD}`"
    command = [python, "-m", "bench.genre_plain", "--model", str(model)]
    found, reason = try_on_one_core([*command, "--slices", str(n_slices), *map(str, paths)])
    return (PlainGenre(**found) if found else None), reason
