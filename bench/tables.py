"""Results as BENCHMARKS.md."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from bench.face_tables import face_sections
from bench.genre_tables import genre_sections
from bench.measure import CLIENTS, WORKERS, Summary
from bench.mood_tables import mood_section
from bench.page import heading, spread, table
from bench.run import Measured, Results
from bench.scale_tables import scale_sections
from bench.song_tables import song_sections

# What the project set out to reach, by method: median alone in ms, requests per second.
GOALS: Final = {"whisper": (22, 70), "cnn": (10, 150)}
# Of a run of its own: python -m bench.history
HISTORY_PATH: Final = Path(__file__).parent / "history.md"
GOAL_START_S: Final = 1.5
GOAL_WORKER_MB: Final = 250
GOAL_GROWTH: Final = 0.05
PLAIN_ROWS: Final = (
    "Start to ready",
    "Memory of a worker",
    "One client, median",
    "of which decoding",
    "of which features",
    "of which the model",
    "of which drawing",
    "One client, 95th percentile",
    f"{CLIENTS} clients",
    "Errors",
)
STAGES: Final = ("decode", "features", "model", "storage", "database")


def markdown(results: Results) -> str:
    """Write the whole page."""
    speech = (_head, _service, _latency, _throughput, _stages, _long_run, _drawn, _plain)
    lines = [line for section in speech for line in section(results)]
    plan = results.plan
    lines += song_sections(results.songs, plan.songs)
    lines += genre_sections(results.genres, plan.genres)
    lines += mood_section(results.moods, plan.moods)
    lines += face_sections(results.faces, plan.faces)
    lines += scale_sections(results.scale, plan.scale)
    lines += HISTORY_PATH.read_text("utf-8").rstrip("\n").split("\n")
    lines += _how(results)
    return "\n".join(lines) + "\n"


def _head(results: Results) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield "Written by `make bench`; run it to measure your own machine."
    yield ""
    yield from table(("Machine", ""), list(results.facts.items()))
    yield ""
    yield (
        f"Load average before the run: {results.load_before:.2f}. Up to the songs every "
        "request is a `POST /predict` of the same 3 s WAV (16 kHz, 16 bit, 96 kB). The clients "
        "run on the same cores as the server: a figure under load includes what they take."
    )


def _service(results: Results) -> Iterator[str]:
    ours = results.ours
    yield from heading("Start and memory")
    rows = [
        ("Start to ready, warm files", spread(ours.starts_s, "s", 2), f"under {GOAL_START_S} s"),
        ("Memory of a worker, ready", f"{ours.idle_mb:.0f} MB", ""),
        (
            "Memory of a worker, after the rounds",
            f"{ours.busy_mb:.0f} MB",
            f"under {GOAL_WORKER_MB} MB",
        ),
    ]
    yield from table(("", "Median (lowest to highest)", "Goal"), rows)
    yield ""
    yield (
        f"From starting gunicorn ({WORKERS} workers) to the first 200 of `/ready`. Memory is "
        "resident memory, what the workers share counted in each."
    )


def _latency(results: Results) -> Iterator[str]:
    yield from heading("One client: latency")
    rows = []
    for name, summary in results.ours.alone.items():
        goal = f"{GOALS[name][0]} ms" if name in GOALS else ""
        low, high = summary.medians_ms
        rows.append(
            (f"`{name}`", f"{summary.median_ms:.1f} ms", f"{low:.1f} to {high:.1f} ms",
             f"{summary.p95_ms:.1f} ms", goal, f"{summary.errors} of {summary.n_requests:,}")
        )  # fmt: skip
    yield from table(
        ("Method", "Median", "Medians of rounds", "95th percentile", "Goal", "Errors"), rows
    )


def _throughput(results: Results) -> Iterator[str]:
    yield from heading(f"{CLIENTS} clients: throughput")
    rows = []
    for name, summary in results.ours.crowd.items():
        goal = f"{GOALS[name][1]}/s" if name in GOALS else ""
        low, high = summary.rates_per_s
        rows.append(
            (f"`{name}`", f"{summary.rate_per_s:.0f}/s", f"{low:.0f} to {high:.0f}/s", goal,
             f"{summary.median_ms:.0f} ms", f"{summary.p95_ms:.0f} ms",
             f"{summary.client_share:.0%} of a core", f"{summary.errors} of {summary.n_requests:,}")
        )  # fmt: skip
    yield from table(
        (
            "Method",
            "Requests",
            "Rounds",
            "Goal",
            "Median",
            "95th percentile",
            "Clients take",
            "Errors",
        ),
        rows,
    )


def _stages(results: Results) -> Iterator[str]:
    yield from heading("Where the time goes")
    rows = [
        (f"`{name}`", *(f"{value:.2f}" for value in _breakdown(summary)))
        for name, summary in results.ours.alone.items()
    ]
    yield from table(("Median, ms", *map(str.capitalize, STAGES), "Rest", "Outside", "Sum"), rows)
    yield ""
    yield (
        "One client. The server tells the stages in its `Server-Timing` header; *rest* is parsing "
        "the upload and writing the answer, *outside* is gunicorn, the sockets and the client. "
        "*Storage* keeps the upload, *database* writes the history."
    )


def _breakdown(summary: Summary) -> list[float]:
    """Give the stages, the rest of the request, what is outside the server, and the sum."""
    named = [summary.stages_ms.get(stage, 0.0) for stage in STAGES]
    total = summary.stages_ms.get("total", sum(named))
    return [*named, total - sum(named), summary.median_ms - total, summary.median_ms]


def _long_run(results: Results) -> Iterator[str]:
    run = results.long_run
    yield from heading(f"{run.n_requests:,} requests in a row")
    growth = run.memory_mb[-1] / run.memory_mb[0] - 1
    rows = [
        ("Errors", f"{run.errors}", "0"),
        ("Requests per second", spread(run.rates_per_s, "/s", 0), ""),
        (f"Memory of all workers, first {results.plan.n_part:,}", f"{run.memory_mb[0]:.0f} MB", ""),
        (f"Memory of all workers, last {results.plan.n_part:,}", f"{run.memory_mb[-1]:.0f} MB", ""),
        ("Growth", f"{growth:+.1%}", f"within {GOAL_GROWTH:.0%}"),
    ]
    yield from table((f"`{results.default_method}`, {CLIENTS} clients", "", "Goal"), rows)


def _drawn(results: Results) -> Iterator[str]:
    drawn = results.drawn
    yield from heading("Pictures and reports")
    rows = [
        ("Picture, drawn when first asked for", spread(drawn.pictures_ms, "ms", 0)),
        ("PDF report, its picture there already", spread(drawn.reports_ms, "ms", 0)),
        ("Memory of the largest worker afterwards", f"{drawn.memory_mb:.0f} MB"),
    ]
    yield from table(("", "Median (lowest to highest)"), rows)
    yield ""
    yield "The slowest is a worker's first, which loads matplotlib or reportlab."


def _plain(results: Results) -> Iterator[str]:
    yield from heading("Beside the plain way")
    if results.plain is None:
        yield f"Not measured: {results.plain_reason}."
        return
    method = "cnn" if "cnn" in results.ours.alone else results.default_method
    columns = [_column(results.ours, method), _column(results.plain, "plain")]
    rows = [(name, *cells) for name, *cells in zip(PLAIN_ROWS, *columns, strict=True)]
    yield from table(("", f"EmoSync, `{method}`", "Plain"), rows)
    yield ""
    yield (
        "The plain way (`bench/plain.py`) runs the same network as most such services do: "
        "`librosa.load`, librosa's features, Keras's `model.predict`, and three 300-dpi panels "
        "drawn inside the request. Same run, same recording, also two gunicorn workers; it keeps "
        "no history. EmoSync draws its panels when they are asked for."
    )


def _column(measured: Measured, method: str) -> tuple[str, ...]:
    alone, crowd = measured.alone[method], measured.crowd[method]
    steps = (alone.stages_ms.get(name) for name in ("decode", "features", "model", "draw"))
    return (
        f"{median(measured.starts_s):.1f} s",
        f"{measured.busy_mb:.0f} MB",
        f"{alone.median_ms:.0f} ms",
        *("not in the request" if step is None else f"{step:.1f} ms" for step in steps),
        f"{alone.p95_ms:.0f} ms",
        f"{crowd.rate_per_s:.1f}/s",
        f"{alone.errors + crowd.errors} of {alone.n_requests + crowd.n_requests:,}",
    )


def _how(results: Results) -> Iterator[str]:
    plan = results.plan
    yield from heading("How it was measured")
    yield (
        f"`python -m bench` starts the Procfile's gunicorn with {WORKERS} workers, SQLite and an "
        f"empty upload folder, {plan.n_starts + 1} times. After a warm-up it goes {plan.n_rounds} "
        f"times round the methods: {plan.n_alone} requests from one client, {plan.n_crowd} from "
        f"{CLIENTS}. Clients are threads of one Python process (`bench/load.py`) that keep their "
        "connections, with a new one every 25 requests. Latency runs from sending a request to "
        "the last byte of its answer."
    )
