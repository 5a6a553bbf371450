"""The sections of BENCHMARKS.md about genres."""

from collections.abc import Iterator, Mapping
from itertools import chain
from statistics import median
from typing import Final

from bench.genres import N_MADE, PLAIN_METHOD, GenrePlan, Genres, GenreTold
from bench.measure import stage_medians
from bench.page import heading, left_out, spread, table
from emosync.genre_slices import GENRE_SLICE_S, count_slices

# For the longest recording.
GOAL_TOLD_S: Final = 4.0
GOAL_REAL_TIME: Final = 150
GOAL_TOLD_MB: Final = 350


def genre_sections(genres: Genres, plan: GenrePlan) -> Iterator[str]:
    """Write everything about genres.

    Parameters
    ----------
    genres : Genres
        What was measured.
    plan : GenrePlan
        How much.

    Yields
    ------
    str
        Lines.
    """
    yield from chain(_told(genres, plan), _lengths(genres, plan), _plain(genres, plan))


def _told(genres: Genres, plan: GenrePlan) -> Iterator[str]:
    yield from heading(f"{plan.minutes[-1]} minutes to their genre")
    if genres.told:
        head = (
            "One core", "Median (lowest to highest)", "Goal", "of which decoding",
            "Quicker than the music", "Goal", "Peak memory", "Goal", "with the models loaded",
        )  # fmt: skip
        yield from table(head, [_row(*item) for item in genres.told.items()])
        yield ""
    yield from left_out(genres.left_out)
    yield (
        "A process pinned to one core (`bench/genre_probe.py`), which does what the service does "
        f"with an upload; {plan.n_rounds} rounds after a recording that is not counted. The music "
        f"is made up ({N_MADE} minutes, repeated), MP3, 44.1 kHz in stereo at 128 kbit/s: "
        f"{count_slices(60 * plan.minutes[-1])} slices of {GENRE_SLICE_S:g} s (`features` takes "
        "parts of 30 s). The peak is the kernel's (`VmHWM`) over all rounds, the file itself and "
        "all models included."
    )


def _row(method: str, told: GenreTold) -> tuple[str, ...]:
    times_s = totals(told.timings[-1])
    decoding_s = stage_medians(told.timings[-1])["decode"] / 1e3
    return (
        f"`{method}`",
        spread(times_s, "s", 2),
        f"under {GOAL_TOLD_S:g} s",
        f"{decoding_s:.2f} s",
        f"{told.durations_s[-1] / median(times_s):.0f} times",
        f"{GOAL_REAL_TIME} times",
        f"{told.peak_mb:.0f} MB",
        f"under {GOAL_TOLD_MB} MB",
        f"{told.ready_mb:.0f} MB",
    )


def _lengths(genres: Genres, plan: GenrePlan) -> Iterator[str]:
    if not genres.told:
        return
    yield from heading("Genre: twice the length, twice the time")
    lengths = [f"{n} minutes" for n in plan.minutes]
    rows = [
        (
            f"`{method}`",
            *(f"{median(totals(timings)):.2f} s" for timings in told.timings),
            f"{growth(told):.2f}",
        )
        for method, told in genres.told.items()
    ]
    ratio = f"Per minute, {plan.minutes[-1]} against {plan.minutes[0]}"
    yield from table(("One core, medians", *lengths, ratio), rows)
    yield ""
    yield (
        "1.00 is a time that grows with the length and no faster; what every recording costs once "
        "makes it smaller."
    )


def totals(timings: list[str]) -> list[float]:
    """Give what each round took, in seconds."""
    return [stage_medians([timing])["total"] / 1e3 for timing in timings]


def growth(told: GenreTold) -> float:
    """Give the time per second of the longest recording against that of the shortest.

    Parameters
    ----------
    told : GenreTold
        At least two recordings.

    Returns
    -------
    float > 0
        1 where time is in proportion to length.
    """
    shares = [
        median(totals(timings)) / duration_s
        for timings, duration_s in zip(told.timings, told.durations_s, strict=True)
    ]
    return shares[-1] / shares[0]


def _plain(genres: Genres, plan: GenrePlan) -> Iterator[str]:
    yield from heading("Genre beside the plain way")
    plain = genres.plain
    if plain is None:
        yield f"Not measured: {genres.plain_reason}."
        return
    n_slices = count_slices(60 * plan.minutes[-1])
    slice_s = (median(plain.log_mels_ms) + median(plain.predicts_ms)) / 1e3
    plain_s = plain.load_s + n_slices * slice_s
    ways: Mapping[str, tuple[float, float]] = {
        **{
            f"EmoSync, `{method}`": (median(totals(told.timings[-1])), told.peak_mb)
            for method, told in genres.told.items()
        },
        "The plain way": (plain_s, plain.peak_mb),
    }
    rows = [
        (
            name,
            f"{total_s:.1f} s",
            f"{60 * plan.minutes[-1] / total_s:.0f} times",
            f"{plain_s / total_s:.1f} times",
            f"{peak_mb:.0f} MB",
        )
        for name, (total_s, peak_mb) in ways.items()
    ]
    head = ("Time", "Quicker than the music", "Quicker than the plain way", "Peak memory")
    yield from table((f"{plan.minutes[-1]} minutes, one core", *head), rows)
    yield ""
    yield (
        f"The plain way (`bench/genre_plain.py`): `librosa.load` ({plain.load_s:.2f} s) of the "
        "whole recording, then slice by slice `librosa.feature.melspectrogram` "
        f"({spread(plain.log_mels_ms, 'ms', 1)}) and Keras's `predict` of the file of "
        f"`{PLAIN_METHOD}` ({spread(plain.predicts_ms, 'ms', 0)}). {len(plain.predicts_ms)} slices "
        f"were measured and scaled to {n_slices}. Same run, same recording, same core."
    )
