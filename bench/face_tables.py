"""The sections of BENCHMARKS.md about faces."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from bench.faces import FacePlan, Faces, FacesTold
from bench.measure import WORKERS, stage_medians
from bench.page import heading, left_out, spread, table
from bench.photographs import LARGE_PIXELS, SMALL_SIDE_PX

NAMES: Final = {
    "large": f"A photograph of {LARGE_PIXELS / 1e6:.0f} megapixels",
    "small": f"A small one, {SMALL_SIDE_PX} pixels at most",
}
GOALS: Final = {"large": "under 200 ms", "small": "under 30 ms"}
GOAL_PEAK_MB: Final = 250
GOAL_FACE_MS: Final = 10
STAGES: Final = {
    "decode": "of which decoding",
    "detect": "of which finding faces",
    "crop": "of which cutting them out",
    "model": "of which the network",
}


def face_sections(faces: Faces, plan: FacePlan) -> Iterator[str]:
    """Write everything about faces.

    Parameters
    ----------
    faces : Faces
        What was measured.
    plan : FacePlan
        How much.

    Yields
    ------
    str
        Lines.
    """
    yield from chain(_told(faces, plan), _asked(faces, plan))


def _told(faces: Faces, plan: FacePlan) -> Iterator[str]:
    yield from heading("A photograph to its faces")
    told = faces.told
    if told is None:
        yield f"Not measured: {faces.reason}."
        return
    photographs = zip(faces.names, told.timings, told.n_faces, strict=True)
    rows = [row for photograph in photographs for row in _rows(*photograph, told)]
    goal = f"under {GOAL_PEAK_MB} MB"
    rows.append(("Peak memory of the process", f"{told.peak_mb:.0f} MB", goal))
    rows.append(("of which there with all models loaded", f"{told.ready_mb:.0f} MB", ""))
    if told.faces_ms:
        one = ("The network, one face", spread(told.faces_ms, "ms", 1), f"{GOAL_FACE_MS} ms")
        rows.append(one)
    yield from table(("One core", "Median (lowest to highest)", "Goal"), rows)
    yield ""
    if not told.faces_ms:
        yield from left_out({"The network": "there is no model in models/face/cnn"})
    source = "a photograph of the data folder, enlarged" if faces.is_photograph else "drawn noise"
    yield (
        f"A process pinned to one core (`bench/face_probe.py`), {plan.n_told} rounds after one "
        f"that is not counted. The large picture is {source}, with the noise of a sensor: a JPEG "
        f"of {faces.large_mb:.1f} MB. The peak is the kernel's (`VmHWM`), the models of all tasks "
        "included."
    )


def _rows(
    name: str, timings: list[str], n_faces: int, told: FacesTold
) -> Iterator[tuple[str, str, str]]:
    """Write what a photograph took, and each stage that there is."""
    totals_ms = [stage_medians([timing])["total"] for timing in timings]
    found = f"{n_faces} face{'' if n_faces == 1 else 's'}"
    yield f"{NAMES[name]}: {found}", spread(totals_ms, "ms", 0), GOALS[name]
    stages_ms = stage_medians(timings)
    for stage, words in STAGES.items():
        if stage != "model" or (told.faces_ms and n_faces):
            yield words, f"{stages_ms[stage]:.1f} ms", ""


def _asked(faces: Faces, plan: FacePlan) -> Iterator[str]:
    yield from heading("Faces over HTTP")
    rows = []
    for name, summary in faces.measured.items():
        low, high = summary.medians_ms
        rows.append(
            (NAMES[name], f"{summary.median_ms:.0f} ms", f"{low:.0f} to {high:.0f} ms",
             f"{summary.p95_ms:.0f} ms", GOALS[name], f"{summary.errors} of {summary.n_requests:,}")
        )  # fmt: skip
    if rows:
        head = ("Median", "Medians of rounds", "95th percentile", "Goal", "Errors")
        yield from table(("`POST /predict`, one client", *head), rows)
        yield ""
    yield from left_out({NAMES[name]: why for name, why in faces.left_out.items()})
    if rows:
        yield (
            f"The Procfile's gunicorn with {WORKERS} workers, {plan.n_rounds} rounds of "
            f"{plan.n_requests} requests; the upload is kept and the history written. Peak memory "
            f"of the largest worker: {faces.worker_mb:.0f} MB, the models of all tasks included."
        )
