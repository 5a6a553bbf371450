"""The sections of BENCHMARKS.md about scale: measured, and worked out on paper."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.measure import CLIENTS
from bench.page import heading, table
from bench.scale import RECORDINGS, SONG_MINUTES, WORKER_COUNTS, Scale, ScalePlan
from bench.scale_probe import BATCH_SIZES, METHODS

# Usual list prices of large clouds in 2026, rounded; put in your own.
CORE_HOUR_USD: Final = 0.04
GB_MONTH_USD: Final = 0.023
DATABASE_GB_MONTH_USD: Final = 0.12
# The example that is worked out.
N_SONGS: Final = 10_000_000
REQUESTS_PER_S: Final = 1_000
CORES_PER_MACHINE: Final = 16
# Of what they could do: peaks, restarts and a lost machine need the rest.
BUSY_SHARE: Final = 0.6
BUILD_DAYS: Final = 7
DAY_S: Final = 86_400
# Assumed of a server with a fast disk; nothing here measures it.
POSTGRES_COMMITS_PER_S: Final = 5_000


@dataclass(frozen=True)
class Need:
    """What the example needs of one kind of work.

    Attributes
    ----------
    cores : float
        At work all the time.
    machines : int
        With the share that stays free.
    """

    cores: float
    machines: int

    @classmethod
    def of(cls, core_s: float, per_s: float) -> "Need":
        """Work it out from the core's seconds of one piece, and pieces per second."""
        cores = core_s * per_s
        return cls(cores, -int(-cores // (CORES_PER_MACHINE * BUSY_SHARE)))


def scale_sections(scale: Scale, plan: ScalePlan) -> Iterator[str]:
    """Write everything about scale.

    Parameters
    ----------
    scale : Scale
        What was measured.
    plan : ScalePlan
        How much.

    Yields
    ------
    str
        Lines.
    """
    yield from _workers(scale, plan)
    yield from _costs(scale)
    yield from _batches(scale)
    yield from _example(scale)


def _workers(scale: Scale, plan: ScalePlan) -> Iterator[str]:
    yield from heading("One worker and two")
    rows = []
    for method in METHODS:
        one, two = (scale.crowds[method, n] for n in WORKER_COUNTS)
        rows.append(
            (f"`{method}`", f"{one.rate_per_s:.0f}/s", f"{two.rate_per_s:.0f}/s",
             f"{two.rate_per_s / one.rate_per_s:.2f} times",
             f"{one.errors + two.errors} of {one.n_requests + two.n_requests:,}")
        )  # fmt: skip
    yield from table(("Method", "One worker", "Two workers", "Two against one", "Errors"), rows)
    yield ""
    yield (
        f"{CLIENTS} clients, {plan.n_rounds} rounds of {plan.n_crowd} requests. The clients take "
        "a part of the second core, so two workers stay below twice one; machines that are "
        "asked from elsewhere, and share only database, broker and bucket, do not have that loss."
    )


def _costs(scale: Scale) -> Iterator[str]:
    yield from heading("What a clip and a song cost")
    rows = [
        (f"1,000 clips of 3 s, `{method}`", f"{1e3 * scale.cpu_s[method, 1]:.1f} core-seconds",
         _usd(1e3 * scale.cpu_s[method, 1] / 3600 * CORE_HOUR_USD))
        for method in METHODS
    ]  # fmt: skip
    rows.append(
        (f"1,000 songs of {SONG_MINUTES} minutes", f"{1e3 * scale.song_s:,.0f} core-seconds",
         _usd(1e3 * scale.song_s / 3600 * CORE_HOUR_USD))
    )  # fmt: skip
    yield from table(
        ("", "Processor time of the workers", f"At ${CORE_HOUR_USD} a core-hour"), rows
    )
    yield ""
    kept = ", ".join(f"{n / 1e3:,.0f} kB of {name}" for name, n in sorted(scale.song_bytes.items()))
    yield (
        f"A row of the history takes {scale.row_bytes:.0f} bytes with its indexes (SQLite), the "
        f"clip itself {scale.upload_bytes / 1e3:.0f} kB as it was sent. The library keeps {kept} "
        f"for a song of {SONG_MINUTES} minutes."
    )


def _batches(scale: Scale) -> Iterator[str]:
    yield from heading("Several clips at once")
    rows = [
        (f"`{method}`", *(f"{by_size[n]:.2f} ms" for n in BATCH_SIZES))
        for method, by_size in scale.batches_ms.items()
    ]
    yield from table(("Network alone, per clip", *(f"{n} together" for n in BATCH_SIZES)), rows)
    yield ""
    gains = {
        method: 1 - min(by_size.values()) / by_size[1]
        for method, by_size in scale.batches_ms.items()
    }
    words = ", ".join(f"{gain:.0%} of `{method}`'s time" for method, gain in gains.items())
    yield (
        "Concurrent requests could be gathered into one batch. On one core, which is what a "
        f"worker has, that saves at most {words}, and each request would wait for the others. So "
        "requests are not gathered; the windows of one long recording are."
    )


def _example(scale: Scale) -> Iterator[str]:
    yield from heading(f"On paper: {N_SONGS:,} songs and {REQUESTS_PER_S:,} requests a second")
    speech = {method: Need.of(scale.cpu_s[method, 1], REQUESTS_PER_S) for method in METHODS}
    songs = Need.of(scale.song_s, N_SONGS / (BUILD_DAYS * DAY_S))
    rows = [
        (f"{REQUESTS_PER_S:,} clips a second by `{method}`", f"{need.cores:.0f}",
         f"{need.machines}", _usd(need.machines * CORES_PER_MACHINE * CORE_HOUR_USD * 730))
        for method, need in speech.items()
    ]  # fmt: skip
    build_usd = N_SONGS * scale.song_s / 3600 * CORE_HOUR_USD
    rows.append(
        (f"{N_SONGS:,} songs in {BUILD_DAYS} days, once", f"{songs.cores:.0f}",
         f"{songs.machines}", f"{_usd(build_usd)} once")
    )  # fmt: skip
    yield from table(
        ("Work", "Cores at work", f"Machines of {CORES_PER_MACHINE} cores", "Per month"), rows
    )
    yield ""
    yield from _storage(scale)
    yield ""
    yield from _saturation(scale)


def _storage(scale: Scale) -> Iterator[str]:
    recording = scale.song_bytes[RECORDINGS]
    kept_gb = N_SONGS * (sum(scale.song_bytes.values()) - recording) / 1e9
    songs_gb = N_SONGS * recording / 1e9
    rows_a_day = REQUESTS_PER_S * DAY_S
    rows_gb = rows_a_day * scale.row_bytes / 1e9
    uploads_gb = rows_a_day * scale.upload_bytes / 1e9
    yield from table(
        ("Storage", "Size", "Per month"),
        [
            ("Curves, features and sequences of the songs", f"{kept_gb:,.0f} GB",
             _usd(kept_gb * GB_MONTH_USD)),
            ("The recordings, if the bucket keeps them", f"{songs_gb:,.0f} GB",
             _usd(songs_gb * GB_MONTH_USD)),
            (f"A day of history ({rows_a_day:,} rows)", f"{rows_gb:,.0f} GB",
             _usd(rows_gb * DATABASE_GB_MONTH_USD)),
            ("A day of uploads (KEEP_UPLOADS=1)", f"{uploads_gb:,.0f} GB",
             _usd(uploads_gb * GB_MONTH_USD)),
        ],
    )  # fmt: skip


def _saturation(scale: Scale) -> Iterator[str]:
    rows_a_day = REQUESTS_PER_S * DAY_S
    billion_days = 1e9 / rows_a_day
    upload_mb_per_s = REQUESTS_PER_S * scale.upload_bytes / 1e6
    yield (
        "What saturates first is the processor of the web processes: they keep nothing, so "
        "machines are added behind a load balancer until the table above is met. Next is the "
        f"database: {REQUESTS_PER_S:,} commits a second are a "
        f"{POSTGRES_COMMITS_PER_S // REQUESTS_PER_S}th of what one Postgres server of "
        f"{POSTGRES_COMMITS_PER_S:,} commits a second takes (an assumption, not measured), but "
        f"they are a billion rows in {billion_days:.0f} days. So `RETENTION_DAYS` must be "
        "short, or the table partitioned by month, which the code does not do. Connections: "
        "each process holds as many as it has threads, so past some hundred processes a pooler "
        f"(PgBouncer) belongs before Postgres. The bucket takes {upload_mb_per_s:.0f} MB/s of "
        f"uploads; S3 takes 3,500 writes a second under one prefix. Redis sees "
        "only ids, a few kB/s, and only where requests ask for jobs. "
        "Listing ten million songs takes 10,000 pages of a bucket's listing: ask `/songs` with a "
        "`prefix`. Finished sequences are read by id, which does not slow down."
    )


def _usd(amount: float) -> str:
    return (
        f"${amount:,.0f}"
        if amount >= 10
        else f"${amount:.4f}"
        if amount < 0.1
        else f"${amount:.2f}"
    )
