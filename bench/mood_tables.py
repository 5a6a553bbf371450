"""The section of BENCHMARKS.md about moods."""

from collections.abc import Iterator
from typing import Final

from bench.measure import WORKERS, Summary
from bench.moods import MoodPlan, Moods
from bench.page import heading, left_out, table

# Medians in ms, by the beginning of a way's name.
GOALS_MS: Final = {"`/mood`": 15, "`/recommend`": 10}


def mood_section(moods: Moods, plan: MoodPlan) -> Iterator[str]:
    """Write everything about moods.

    Parameters
    ----------
    moods : Moods
        What was measured.
    plan : MoodPlan
        How much.

    Yields
    ------
    str
        Lines.
    """
    yield from heading("Moods of tracks over HTTP")
    if moods.measured:
        yield from table(
            ("One client", "Median", "Medians of rounds", "95th percentile", "Goal",
             "of which the model", "of which the rest in the server", "Errors"),
            [_row(name, summary) for name, summary in moods.measured.items()],
        )  # fmt: skip
        yield ""
    yield from left_out(moods.left_out)
    if moods.feature_names:
        yield (
            f"The Procfile's gunicorn with {WORKERS} workers, {plan.n_rounds} rounds of "
            f"{plan.n_requests} requests. Tracks are made up, in JSON, each with its "
            f"{len(moods.feature_names)} features ({', '.join(moods.feature_names)}). "
            "`/recommend` is asked by an emotion's name: its time is what it adds to "
            "recognising that emotion."
        )


def _row(name: str, summary: Summary) -> tuple[str, ...]:
    low, high = summary.medians_ms
    goal = next((f"under {ms} ms" for way, ms in GOALS_MS.items() if name.startswith(way)), "")
    model_ms = summary.stages_ms.get("model", 0.0)
    rest_ms = summary.stages_ms.get("total", model_ms) - model_ms
    return (
        name,
        f"{summary.median_ms:.1f} ms",
        f"{low:.1f} to {high:.1f} ms",
        f"{summary.p95_ms:.1f} ms",
        goal,
        f"{model_ms:.1f} ms",
        f"{rest_ms:.1f} ms",
        f"{summary.errors} of {summary.n_requests:,}",
    )
