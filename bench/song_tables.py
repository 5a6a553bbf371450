"""The sections of BENCHMARKS.md about songs."""

from collections.abc import Iterator
from itertools import chain
from statistics import median
from typing import Final

from bench.measure import CLIENTS, WORKERS, stage_medians
from bench.page import heading, spread, table
from bench.songs import SONG_MINUTES, SongPlan, Songs
from emosync.musicnn import STEP_S

GOAL_SONG_S: Final = 1.5
GOAL_REAL_TIME: Final = 160
GOAL_LONG_MB: Final = 350
GOAL_PROCESSED_MS: Final = 20
GOAL_FINISHED: Final = "3 ms", "800/s"
# A library as it is now, and the time to build it in.
LIBRARY_SONGS: Final = 400
GOAL_BUILD_S: Final = 180
PATCH_S: Final = 3.0
STAGES: Final = {
    "decode": "of which decoding",
    "features": "of which log-mels, network and pooling",
    "models": "of which the models of valence and arousal",
    "playback": "of which smoothing, labels and sequence",
}


def song_sections(songs: Songs, plan: SongPlan) -> Iterator[str]:
    """Write everything about songs.

    Parameters
    ----------
    songs : Songs
        What was measured.
    plan : SongPlan
        How much.

    Yields
    ------
    str
        Lines.
    """
    yield from chain(_one_song(songs, plan), _asked(songs, plan), _built(songs), _plain(songs))


def _one_song(songs: Songs, plan: SongPlan) -> Iterator[str]:
    yield from heading("A song to its playback sequence")
    heard = songs.heard
    totals_s = totals(songs)
    stages_ms = stage_medians(heard.timings)
    rows = [
        (
            f"{SONG_MINUTES}-minute MP3, one core",
            spread(totals_s, "s", 2),
            f"under {GOAL_SONG_S} s",
        ),
        *((words, f"{stages_ms[stage] / 1e3:.3f} s", "") for stage, words in STAGES.items()),
        (
            "Quicker than the music",
            spread([heard.duration_s / total_s for total_s in totals_s], "times", 0),
            f"{GOAL_REAL_TIME} times",
        ),
        (
            f"Peak memory with {songs.long.duration_s / 60:.0f} minutes of MP3",
            f"{songs.long.peak_mb:.0f} MB",
            f"under {GOAL_LONG_MB} MB",
        ),
        ("of which there with the models loaded", f"{songs.long.ready_mb:.0f} MB", ""),
        (
            f"A curve of {plan.n_steps:,} steps to its sequence",
            spread(heard.processed_ms, "ms", 1),
            f"{GOAL_PROCESSED_MS} ms",
        ),
    ]
    yield from table(("", "Median (lowest to highest)", "Goal"), rows)
    yield ""
    yield (
        f"A process pinned to one core (`bench/song_probe.py`), {plan.n_heard} rounds after one "
        "that is not counted; the music is made up, 44.1 kHz in stereo at 128 kbit/s. The peak is "
        "the kernel's (`VmHWM`) of a process that hears the long recording once, the file itself "
        "and all models included."
    )


def totals(songs: Songs) -> list[float]:
    """Give what the 4-minute recording took in each round, in seconds."""
    return [stage_medians([timing])["total"] / 1e3 for timing in songs.heard.timings]


def _asked(songs: Songs, plan: SongPlan) -> Iterator[str]:
    yield from heading("Songs over HTTP")
    rows = []
    for name, alone in songs.alone.items():
        crowd = songs.crowd.get(name)
        low, high = alone.medians_ms
        goals = GOAL_FINISHED if crowd else ("", "")
        rows.append(
            (name, f"{alone.median_ms:.1f} ms", f"{low:.1f} to {high:.1f} ms",
             f"{alone.p95_ms:.1f} ms", goals[0],
             f"{crowd.rate_per_s:.0f}/s" if crowd else "",
             "{:.0f} to {:.0f}/s".format(*crowd.rates_per_s) if crowd else "", goals[1],
             f"{crowd.client_share:.0%} of a core" if crowd else "",
             f"{alone.errors + (crowd.errors if crowd else 0)} of "
             f"{alone.n_requests + (crowd.n_requests if crowd else 0):,}")
        )  # fmt: skip
    head = (
        "", "Median", "Medians of rounds", "95th percentile", "Goal", f"{CLIENTS} clients",
        "Rounds", "Goal", "Clients take", "Errors",
    )  # fmt: skip
    yield from table(head, rows)
    yield ""
    yield (
        f"The Procfile's gunicorn with {WORKERS} workers, {plan.n_rounds} rounds. Finished "
        f"sequences are those of {max(plan.library_sizes)} excerpts of a minute and of the "
        f"{SONG_MINUTES}-minute song, asked for in turn; the bucket is moto's server on the same "
        "cores, which is asked every 30 s whether a copy still holds. What computes is asked for "
        f"the {SONG_MINUTES}-minute song."
    )


def _built(songs: Songs) -> Iterator[str]:
    yield from heading("Building a library")
    rows = [
        (f"{n} songs of a minute", spread(times_s, "s", 1), f"{median(times_s) / n:.2f} s", "")
        for n, times_s in songs.builds_s.items()
    ]
    start_s, per_song_s = growth(songs.builds_s)
    far_s = start_s + LIBRARY_SONGS * per_song_s
    goal = f"under {GOAL_BUILD_S} s"
    row = (f"{LIBRARY_SONGS} songs, extrapolated", f"{far_s:.0f} s", f"{per_song_s:.2f} s", goal)
    yield from table(("", "Median (lowest to highest)", "Per song", "Goal"), [*rows, row])
    yield ""
    yield (
        f"`python train_model.py library build` with {WORKERS} processes, its start included. The "
        f"line through the sizes is {start_s:.1f} s and {per_song_s:.2f} s per song; "
        f"{LIBRARY_SONGS} songs were not built."
    )


def growth(builds_s: dict[int, list[float]]) -> tuple[float, float]:
    """Fit a line through the smallest and the largest library.

    Parameters
    ----------
    builds_s : dict of int to list of float
        Seconds per number of songs, two sizes at least.

    Returns
    -------
    start_s, per_song_s : float
        What any library takes, and what each song adds.
    """
    few, many = min(builds_s), max(builds_s)
    few_s, many_s = median(builds_s[few]), median(builds_s[many])
    per_song_s = (many_s - few_s) / (many - few)
    return few_s - few * per_song_s, per_song_s


def _plain(songs: Songs) -> Iterator[str]:
    yield from heading("Songs beside musicnn's own way")
    plain = songs.plain
    if plain is None:
        yield f"Not measured: {songs.plain_reason}."
        return
    duration_s, ours_s = songs.heard.duration_s, median(totals(songs))
    before_s = plain.load_s + plain.log_mel_s
    patch_s = median(plain.patches_ms) / 1e3
    ways = {
        f"EmoSync, a step every {STEP_S:g} s": ours_s,
        f"musicnn's own way, a step every {PATCH_S:g} s": before_s + duration_s / PATCH_S * patch_s,
        f"musicnn's own way, a step every {STEP_S:g} s": before_s + duration_s / STEP_S * patch_s,
    }
    rows = [
        (
            name,
            f"{total_s:.1f} s",
            f"{duration_s / total_s:.0f} times",
            f"{total_s / ours_s:.1f} times",
        )
        for name, total_s in ways.items()
    ]
    head = (
        f"{SONG_MINUTES} minutes, one core",
        "Time",
        "Quicker than the music",
        "Against EmoSync",
    )
    yield from table(head, rows)
    yield ""
    yield (
        f"musicnn's own way (`bench/song_plain.py`): `librosa.load` ({plain.load_s:.2f} s) and "
        f"`librosa.feature.melspectrogram` ({plain.log_mel_s:.2f} s) for the whole song, then the "
        f"network in float32, patch by patch through Keras's `predict`: "
        f"{spread(plain.patches_ms, 'ms', 0)} for each of {len(plain.patches_ms)} patches of 3 s, "
        f"scaled to the song. Weights: {plain.model}. Same run, same recording, same core."
    )
