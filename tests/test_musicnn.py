from collections.abc import Iterable, Iterator
from dataclasses import fields

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from music import as_wav, music
from peak_memory import printed_by
from signals import DIFFICULT, clicks, noise, silence, tone

from emosync.artifacts import load_artifact
from emosync.audio import decode
from emosync.framing import FloatArray
from emosync.musicnn import (
    BLOCK_FRAMES,
    CONTEXT_FRAMES,
    DESCRIPTORS,
    HOP,
    MUSIC_SR_HZ,
    N_FRAME_FEATURES,
    N_MELS,
    FrameRunner,
    MusicSteps,
    log_mel_blocks,
    music_log_mel,
    music_steps,
)

# What a recording lasts, and the steps it has: one where each 0.5 s begins.
DURATIONS = {0.3: 1, 2.0: 5, 31.99: 64, 32.0: 65, 32.01: 65, 180.0: 361}
LONG = noise(70.0)
MIXED = np.random.default_rng(3).normal(size=(N_MELS, N_FRAME_FEATURES)).astype(np.float32)

each_duration = pytest.mark.parametrize("duration_s", DURATIONS)


@pytest.fixture(scope="module")
def network() -> FrameRunner:
    return load_artifact(ROOT / "models" / "music" / "musicnn").run


def mix(log_mel: FloatArray) -> FloatArray:
    """Stand in for the network: each frame's features are of that frame alone."""
    return log_mel @ MIXED


def whole(blocks: Iterable[FloatArray], run: FrameRunner) -> MusicSteps:
    """Join the parts that a recording's steps come in."""
    parts = list(music_steps(blocks, run))
    return MusicSteps(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(MusicSteps))
    )


def heard(y: FloatArray) -> dict[str, FloatArray]:
    """Give the descriptors of a recording by name, each of shape (n_steps,)."""
    return dict(zip(DESCRIPTORS, whole([y], mix).descriptors.T, strict=True))


def parts(y: FloatArray, cuts: list[float]) -> Iterator[FloatArray]:
    """Cut a waveform at fractions of its length; some parts may be empty."""
    yield from np.split(y, sorted(int(cut * len(y)) for cut in cuts))


def naive_pooling(features: FloatArray) -> FloatArray:
    """Maximum and mean of the frames that begin within 1.5 s of each step, one by one."""
    half_s, begins_s = 1.5, np.arange(len(features)) * HOP / MUSIC_SR_HZ
    rows = []
    for step in range(int(begins_s[-1] / 0.5) + 1):
        near = (begins_s >= step * 0.5 - half_s) & (begins_s < step * 0.5 + half_s)
        rows.append(np.stack([features[near].max(axis=0), features[near].mean(axis=0)], axis=1))
    return np.stack(rows).reshape(len(rows), -1)


@pytest.mark.parametrize("n_samples", [0, 1, 255, 256, 511, 512, 32_000, 32_001])
def test_there_is_a_log_mel_per_hop_and_one_more(n_samples: int) -> None:
    log_mel = music_log_mel(LONG[:n_samples])
    assert log_mel.shape == (1 + n_samples // HOP, N_MELS)
    assert log_mel.dtype == np.float32


@pytest.mark.parametrize("name", DIFFICULT)
def test_log_mels_are_finite_and_never_negative(name: str) -> None:
    log_mel = music_log_mel(DIFFICULT[name])
    assert np.isfinite(log_mel).all()
    assert (log_mel >= 0).all()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, len(LONG)),
    st.lists(st.floats(0, 1), max_size=8),
)
def test_blocks_of_any_lengths_hold_the_frames_of_the_whole(
    n_samples: int, cuts: list[float]
) -> None:
    y = LONG[:n_samples]
    blocks = list(log_mel_blocks(parts(y, cuts)))
    assert all(len(block) == BLOCK_FRAMES for block in blocks[:-1])
    assert 0 < len(blocks[-1]) <= BLOCK_FRAMES
    np.testing.assert_allclose(np.concatenate(blocks), music_log_mel(y), atol=1e-5)


def test_a_block_is_a_whole_number_of_steps() -> None:
    assert BLOCK_FRAMES * HOP % (MUSIC_SR_HZ // 2) == 0


def test_the_network_looks_no_further_than_its_context(network: FrameRunner) -> None:
    log_mel = music_log_mel(noise(6.0))[np.newaxis]
    changed, place = log_mel.copy(), 180
    changed[0, place] = 0
    (touched,) = np.nonzero((network(changed) != network(log_mel)).any(axis=(0, 2)))
    assert len(touched)
    assert place - touched.min() < CONTEXT_FRAMES
    assert touched.max() - place < CONTEXT_FRAMES


# Around whole blocks, where the last may be shorter than what its neighbour looks ahead.
@pytest.mark.parametrize("n_blocks", [0, 1, 2, 5])
@pytest.mark.parametrize("n_more", [0, 1, 10, 73, 75, 300])
def test_the_network_in_blocks_hears_what_it_hears_in_the_whole(
    network: FrameRunner, n_blocks: int, n_more: int
) -> None:
    n_frames = max(n_blocks * BLOCK_FRAMES + n_more, 1)
    y = LONG[: (n_frames - 1) * HOP + 17]
    log_mel = music_log_mel(y)
    assert len(log_mel) == n_frames
    at_once = network(log_mel[np.newaxis])[0, :n_frames]
    np.testing.assert_allclose(
        whole([y], network).pooled, naive_pooling(at_once), rtol=1e-4, atol=1e-4
    )


def test_the_network_never_sees_more_than_a_block_in_its_context() -> None:
    seen = []

    def run(log_mel: FloatArray) -> FloatArray:
        seen.append(log_mel.shape[1])
        return mix(log_mel)

    whole(np.array_split(LONG, 7), run)
    n_blocks, n_last = divmod(1 + len(LONG) // HOP, BLOCK_FRAMES)
    assert seen == [
        BLOCK_FRAMES + CONTEXT_FRAMES,
        *[BLOCK_FRAMES + 2 * CONTEXT_FRAMES] * (n_blocks - 1),
        CONTEXT_FRAMES + n_last,
    ]


def test_the_first_steps_come_before_the_last_block_is_asked_for() -> None:
    asked = []

    def blocks() -> Iterator[FloatArray]:
        for second in np.array_split(LONG, 70):
            asked.append(second)
            yield second

    first = next(music_steps(blocks(), mix))
    assert first.time_s[0] == 0
    assert len(asked) < 25


@each_duration
def test_a_step_is_the_maximum_and_the_mean_of_the_3_s_around_it(duration_s: float) -> None:
    y = noise(duration_s)
    pooled = whole([y], mix).pooled
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, naive_pooling(mix(music_log_mel(y))), rtol=1e-4, atol=1e-3)


@each_duration
def test_there_is_a_step_every_half_second_from_the_start_on(duration_s: float) -> None:
    steps = whole([noise(duration_s)], mix)
    n_steps = DURATIONS[duration_s]
    np.testing.assert_array_equal(steps.time_s, np.arange(n_steps) / 2)
    assert steps.pooled.shape == (n_steps, 2 * N_FRAME_FEATURES)
    assert steps.descriptors.shape == (n_steps, len(DESCRIPTORS))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(LONG)), st.lists(st.floats(0, 1), max_size=4))
def test_steps_do_not_depend_on_the_blocks_and_end_with_the_recording(
    n_samples: int, cuts: list[float]
) -> None:
    y = LONG[:n_samples]
    cut, uncut = (whole(blocks, mix) for blocks in (parts(y, cuts), [y]))
    np.testing.assert_allclose(cut.pooled, uncut.pooled, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(cut.descriptors, uncut.descriptors, rtol=1e-4, atol=1e-4)
    # The last step begins with a frame, and frames begin every 16 ms.
    duration_s = n_samples / MUSIC_SR_HZ
    assert uncut.time_s[-1] <= duration_s < uncut.time_s[-1] + 0.5 + HOP / MUSIC_SR_HZ


@pytest.mark.parametrize("freq_hz", [110, 440, 1000, 3960, 7000])
def test_a_sine_of_full_scale_is_at_minus_3_db_and_as_bright_as_its_frequency(
    freq_hz: float,
) -> None:
    described = heard(tone(freq_hz, 6.0, level=1.0))
    # At the ends a window sees the sine begin and stop.
    np.testing.assert_allclose(described["level_db"][4:-4], -3.01, atol=0.01)
    np.testing.assert_allclose(described["brightness_khz"][4:-4], freq_hz / 1000, rtol=1e-3)


def test_the_level_is_that_of_the_samples() -> None:
    y = noise(6.0, level=0.1)
    rms_db = 10 * np.log10(np.mean(y.astype(np.float64) ** 2))
    np.testing.assert_allclose(heard(y)["level_db"][4:-4], rms_db, atol=0.3)


def test_white_noise_is_as_bright_as_the_middle_of_its_spectrum() -> None:
    np.testing.assert_allclose(heard(noise(6.0))["brightness_khz"], 4, atol=0.15)


@pytest.mark.parametrize("factor", [0.01, 0.1, 2.0])
def test_what_is_louder_has_a_higher_level_and_loudness_and_the_same_brightness(
    factor: float,
) -> None:
    y = decode(as_wav(0.4 * music(6.0))).y
    usual, changed = heard(y), heard(np.float32(factor) * y)
    rise_db = changed["level_db"] - usual["level_db"]
    np.testing.assert_allclose(rise_db, 20 * np.log10(factor), atol=0.1)
    assert ((changed["loudness"] > usual["loudness"]) == (factor > 1)).all()
    np.testing.assert_allclose(changed["brightness_khz"], usual["brightness_khz"], rtol=0.02)


def test_clicks_raise_the_onset_strength_and_more_of_them_raise_it_more() -> None:
    steady = tone(440, 6.0)
    few, many = (steady + 0.5 * clicks(6.0, every_s=every_s) for every_s in (1.0, 0.25))
    strengths = [heard(y)["onset_strength"][4:-4].mean() for y in (steady, few, many)]
    # A steady tone has none, but that its bins go round with the phase at each frame.
    assert 50 * strengths[0] < strengths[1] < strengths[2] / 2


def test_descriptors_follow_a_change_within_the_window() -> None:
    described = heard(np.concatenate([tone(440, 10.0, level=0.01), tone(440, 10.0, level=1.0)]))
    level_db = described["level_db"]
    np.testing.assert_allclose(level_db[3:17], -43, atol=0.1)
    assert (np.diff(level_db[17:24]) > 0).all()
    np.testing.assert_allclose(level_db[24:-3], -3, atol=0.1)


def test_silence_is_finite_and_dull() -> None:
    described = heard(silence(3.0))
    assert (described["level_db"] < -120).all()
    for name in DESCRIPTORS[1:]:
        np.testing.assert_allclose(described[name], 0, atol=1e-6)


@pytest.mark.parametrize("name", DIFFICULT)
def test_the_network_gives_finite_numbers_for_anything(network: FrameRunner, name: str) -> None:
    steps = whole([DIFFICULT[name]], network)
    assert np.isfinite(steps.pooled).all()
    assert np.isfinite(steps.descriptors).all()


def test_an_hour_takes_hardly_more_memory_than_minutes() -> None:
    # The network hears two minutes, after which its memory does not grow; the rest of the hour
    # repeats what it said.
    start_kb, minutes_kb, hour_kb, n_steps = printed_by("""
from dataclasses import replace
from itertools import count, repeat
import numpy as np
from emosync.artifacts import load_artifact
from emosync.song_inputs import listen

music = Path("models/music")
network, back = load_artifact(music / "musicnn"), load_artifact(music / "tags")
calls, said = count(), []

def run(log_mel):
    if next(calls) < 15:
        said[:] = [network.run(log_mel)]
    return said[0][:, : log_mel.shape[1]]

def features(n_minutes):
    minute = np.random.default_rng(7).normal(0, 0.1, 60 * 16_000).astype(np.float32)
    return listen(repeat(minute, n_minutes), replace(network, run=run), back)

print(peak_kb())
features(4)
print(peak_kb())
hour = features(60)
print(peak_kb(), len(hour.time_s))
""")
    assert n_steps == 7201
    assert minutes_kb - start_kb < 75_000
    # The features alone take 8 MB, twice while they are put together.
    assert hour_kb - minutes_kb < 30_000
    # The server's own modules and models take 80 MB more, and the file itself its size.
    assert hour_kb < 180_000
