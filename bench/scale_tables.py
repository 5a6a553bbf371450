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
PUT_USD: Final = 0.005 / 1_000
DATABASE_GB_MONTH_USD: Final = 0.12
# The example that is worked out.
N_SONGS: Final = 10_000_000
REQUESTS_PER_S: Final = 1_000
CORES_PER_MACHINE: Final = 16
# Of what they could do: peaks, restarts and a lost machine need the rest.
BUSY_SHARE: Final = 0.6
BUILD_DAYS: Final = 7
DAY_S: Final = 86_400
MONTH_HOURS: Final = 730
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
        used = one.rate_per_s * scale.cpu_s[method, 1]
        rows.append(
            (f"`{method}`", f"{one.rate_per_s:.0f}/s", f"{used:.1f}", f"{two.rate_per_s:.0f}/s",
             f"{two.rate_per_s / one.rate_per_s:.2f} times",
             f"{min(2, scale.n_cores / used):.2f} times",
             f"{one.errors + two.errors} of {one.n_requests + two.n_requests:,}")
        )  # fmt: skip
    yield from table(
        ("Method", "One worker", "Cores it uses", "Two workers", "Two against one",
         f"What {scale.n_cores} cores leave room for", "Errors"), rows
    )  # fmt: skip
    yield ""
    yield (
        f"{CLIENTS} clients, {plan.n_rounds} rounds of {plan.n_crowd} requests. The cores that "
        "one worker uses are its rate times the processor time of a request (next table): its "
        "threads decode and compute side by side, so it may take more than one core by itself. "
        "What it leaves of the machine's cores is all that a second worker can win. A request's "
        "processor time was taken with one worker and may differ a little with two, so that room "
        "is known to some hundredths. Rates add up over cores, not over workers."
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
    words = []
    for method, by_size in scale.batches_ms.items():
        saved_ms, whole_ms = by_size[1] - min(by_size.values()), 1e3 * scale.cpu_s[method, 1]
        words.append(
            f"{saved_ms:.2f} ms of the {whole_ms:.1f} ms that a request with `{method}` takes of "
            f"the processor ({saved_ms / whole_ms:.1%})"
        )
    yield (
        "Concurrent requests could be gathered into one batch. On one core, which is what each "
        f"run of a model has, that saves at most {' and '.join(words)}, and each request would "
        "wait for the others. So requests are not gathered; the windows of one long recording are."
    )


def _example(scale: Scale) -> Iterator[str]:
    yield from heading(f"On paper: {N_SONGS:,} songs and {REQUESTS_PER_S:,} requests a second")
    speech = {method: Need.of(scale.cpu_s[method, 1], REQUESTS_PER_S) for method in METHODS}
    songs = Need.of(scale.song_s, N_SONGS / (BUILD_DAYS * DAY_S))
    rows = [
        (f"{REQUESTS_PER_S:,} clips a second by `{method}`", f"{need.cores:.0f}",
         f"{need.machines}", _usd(_machines_usd(need.machines)))
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
    n_puts = N_SONGS * (len(scale.song_bytes) - 1)
    machines = Need.of(scale.cpu_s[METHODS[0], 1], REQUESTS_PER_S).machines
    yield from table(
        ("Storage", "Size", "Price"),
        [
            ("Curves, features and sequences of the songs", f"{kept_gb:,.0f} GB",
             f"{_usd(kept_gb * GB_MONTH_USD)} a month"),
            ("To put them there", f"{n_puts:,} writes", f"{_usd(n_puts * PUT_USD)} once"),
            ("The recordings, if the bucket keeps them", f"{songs_gb:,.0f} GB",
             f"{_usd(songs_gb * GB_MONTH_USD)} a month"),
            ("To put them there", f"{N_SONGS:,} writes", f"{_usd(N_SONGS * PUT_USD)} once"),
            ("A day of history", f"{rows_gb:,.0f} GB, {rows_a_day:,} rows",
             f"{_usd(rows_gb * DATABASE_GB_MONTH_USD)} a month"),
            ("A day of uploads (`KEEP_UPLOADS=1`)", f"{uploads_gb:,.0f} GB",
             f"{_usd(uploads_gb * GB_MONTH_USD)} a month"),
            ("To put them there", f"{rows_a_day:,} writes",
             f"{_usd(rows_a_day * PUT_USD)} a day"),
        ],
    )  # fmt: skip
    yield ""
    yield (
        f"At ${1e3 * PUT_USD:.3f} for 1,000 writes to a bucket, and each month ${GB_MONTH_USD} for "
        f"a GB in it and ${DATABASE_GB_MONTH_USD} for one of the database. Every upload is "
        f"an object of its own, so keeping them costs {_usd(30 * rows_a_day * PUT_USD)} a month "
        f"for the writes alone, beside {_usd(_machines_usd(machines))} for the machines that "
        f"answer by `{METHODS[0]}`. At this rate do not keep them (`KEEP_UPLOADS=0`), or pack "
        "thousands into one object, which the code does not do. "
        "A request that asks for a job puts its body there as well: one more write each."
    )


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


def _machines_usd(machines: int) -> float:
    """Give the price of machines for a month."""
    return machines * CORES_PER_MACHINE * CORE_HOUR_USD * MONTH_HOURS


def _usd(amount: float) -> str:
    return (
        f"${amount:,.0f}"
        if amount >= 10
        else f"${amount:.4f}"
        if amount < 0.1
        else f"${amount:.2f}"
    )
