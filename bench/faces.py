"""The measurements of faces: photographs on one core, and over HTTP."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.measure import Summary, fresh_settings, go_round
from bench.one_core import memory_mb, try_on_one_core
from bench.photographs import PHOTOGRAPH, make_photographs
from bench.server import ROOT, procfile_command, running
from bench.ways import Upload
from emosync.artifacts import CARD_FILE

DETECTOR: Final = ROOT / "models" / "face" / "detector"
FORM: Final = {"task": "face"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class FacePlan:
    """How much to measure of faces.

    Attributes
    ----------
    n_told : int
        Rounds over the photographs on one core, after one that is not counted.
    n_faces : int
        Faces through the network alone.
    n_rounds, n_requests : int
        Rounds over HTTP, and requests with each photograph in a round.
    """

    n_told: int = 10
    n_faces: int = 200
    n_rounds: int = 5
    n_requests: int = 10


QUICK_FACES: Final = FacePlan(n_told=2, n_faces=20, n_rounds=2, n_requests=2)


@dataclass(frozen=True)
class FacesTold:
    """Photographs that went to their faces on one core, in a process of its own.

    Attributes
    ----------
    ready_mb, peak_mb : float
        Memory with all models loaded, and its peak.
    n_faces : list of int
        Found in each photograph.
    timings : list of list of str
        Server-Timing headers, per photograph one per round.
    faces_ms : list of float
        What the network took for each face; empty where there is none.
    """

    ready_mb: float
    peak_mb: float
    n_faces: list[int]
    timings: list[list[str]]
    faces_ms: list[float]


@dataclass(frozen=True)
class Faces:
    """Everything that the page shows of faces.

    Attributes
    ----------
    names : list of str
        Of the photographs, the large one first.
    is_photograph : bool
        False where it had to be drawn.
    large_mb : float
        Size of the large file.
    told : FacesTold or None
        On one core; None where it was not measured.
    reason : str
        Why not.
    measured : dict of str to Summary
        Over HTTP, per photograph.
    left_out : dict of str to str
        What was not measured over HTTP, and why.
    worker_mb : float
        Peak memory of the largest worker.
    """

    names: list[str]
    is_photograph: bool
    large_mb: float
    told: FacesTold | None
    reason: str
    measured: dict[str, Summary]
    left_out: dict[str, str]
    worker_mb: float


def measure_faces(plan: FacePlan, folder: Path, say: Say) -> Faces:
    """Measure everything about faces.

    Parameters
    ----------
    plan : FacePlan
        How much.
    folder : Path
        Made here, for the photographs and the server.
    say : callable
        Gets a line per step.

    Returns
    -------
    Faces
    """
    say("faces: making the photographs")
    folder.mkdir(parents=True)
    paths = make_photographs(folder)
    say(f"faces: {', '.join(paths)} on one core, {plan.n_told} times")
    told, reason = tell(list(paths.values()), plan)
    say(f"faces: {', '.join(paths)} over HTTP, {plan.n_rounds} rounds")
    ways = {name: Upload(path, FORM, part="image") for name, path in paths.items()}
    environ = fresh_settings(folder / "data")
    with running(procfile_command(), environ=environ, log_path=folder / "log") as server:
        measured, left_out = go_round(
            server, ways, n_rounds=plan.n_rounds, n_requests=plan.n_requests
        )
        worker_mb = max(memory_mb("VmHWM", pid) for pid in server.workers())
    return Faces(
        names=list(paths), is_photograph=PHOTOGRAPH.exists(),
        large_mb=paths["large"].stat().st_size / 1e6, told=told, reason=reason,
        measured=measured, left_out=left_out, worker_mb=worker_mb,
    )  # fmt: skip


def tell(paths: list[Path], plan: FacePlan) -> tuple[FacesTold | None, str]:
    """Run `bench.face_probe` on one core; where it does not run, say why."""
    if not (DETECTOR / CARD_FILE).exists():
        return None, "there is no model in models/face/detector"
    command = [sys.executable, "-m", "bench.face_probe", "--rounds", str(plan.n_told)]
    found, reason = try_on_one_core([*command, "--faces", str(plan.n_faces), *map(str, paths)])
    return (FacesTold(**found) if found else None), reason
