from collections.abc import Iterable
from dataclasses import fields

import numpy as np
import pytest
from signals import noise, silence, tone
from test_musicnn import mix, parts

from emosync.framing import FloatArray
from emosync.musicnn import HOP, MUSIC_SR_HZ, MusicSteps, music_log_mel, music_windows

FRAMES_PER_S = MUSIC_SR_HZ / HOP


def whole(
    blocks: Iterable[FloatArray], *, step_s: float = 1.4, window_s: float = 3.0
) -> MusicSteps:
    """Join the parts that a recording's windows come in."""
    steps = list(music_windows(blocks, mix, step_s=step_s, window_s=window_s))
    return MusicSteps(
        *(np.concatenate([getattr(part, f.name) for part in steps]) for f in fields(MusicSteps))
    )


@pytest.mark.parametrize(
    ("duration_s", "n_slices"),
    [(0.3, 1), (0.7, 1), (1.4, 1), (2.05, 1), (2.15, 2), (4.2, 3), (30.0, 21), (60.3, 43)],
)
def test_a_slice_counts_if_its_middle_is_heard(duration_s: float, n_slices: int) -> None:
    windows = whole([noise(duration_s)])
    assert windows.time_s == pytest.approx(0.7 + 1.4 * np.arange(n_slices))
    assert windows.pooled.shape == (n_slices, 1506)


@pytest.mark.parametrize(("step_s", "window_s"), [(1.4, 3.0), (1.4, 1.2), (0.5, 3.0), (4.0, 1.0)])
def test_a_window_is_the_maximum_and_the_mean_around_the_middle_of_its_slice(
    step_s: float, window_s: float
) -> None:
    y = noise(31.0)
    features = mix(music_log_mel(y))
    windows = whole([y], step_s=step_s, window_s=window_s)
    for time_s, pooled in zip(windows.time_s, windows.pooled, strict=True):
        first = max(0, round((time_s - window_s / 2) * FRAMES_PER_S))
        own = features[first : round((time_s + window_s / 2) * FRAMES_PER_S)]
        np.testing.assert_allclose(pooled[0::2], own.max(axis=0), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(pooled[1::2], own.mean(axis=0), rtol=1e-4, atol=1e-3)


def test_windows_do_not_depend_on_the_blocks() -> None:
    y = noise(40.0)
    expected, cut = whole([y]), whole(parts(y, [0.001, 0.01, 0.3, 0.31, 0.98]))
    assert cut.time_s == pytest.approx(expected.time_s)
    np.testing.assert_allclose(cut.pooled, expected.pooled, rtol=1e-4, atol=1e-3)


def test_the_level_of_a_window_tells_silence_from_sound() -> None:
    windows = whole([np.concatenate([silence(10.0), tone(10.0)])])
    assert windows.descriptors[0, 0] < -60 < windows.descriptors[-1, 0]
