import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import DIFFICULT, noise, recorded, silence, tone

from emosync.framing import (
    MAX_WHOLE_S,
    SPEECH_SR_HZ,
    TRIM_MARGIN_S,
    TRIM_MIN_S,
    WINDOW_S,
    FloatArray,
    cut_voice,
    cut_windows,
    frame_rms,
    frame_signal,
    voice_shares,
)

FRAME_S = 0.025


def padded(y: FloatArray, before_s: float, after_s: float) -> FloatArray:
    """Lay a quiet room, 60 dB below the signal, around it."""
    parts = [noise(before_s, level=5e-4), y, noise(after_s, level=5e-4)]
    return np.concatenate(parts)


def test_frames_overlap_and_share_memory() -> None:
    y = np.arange(10, dtype=np.float32)
    frames = frame_signal(y, frame_length=4, hop_length=3)
    np.testing.assert_array_equal(frames, [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])
    assert np.shares_memory(frames, y)
    assert not frames.flags.writeable


def test_the_rms_of_a_tone_is_its_level_over_root_2() -> None:
    rms = frame_rms(tone(400, level=0.5), frame_length=400, hop_length=160)
    assert rms.dtype == np.float32
    np.testing.assert_allclose(rms, 0.5 / np.sqrt(2), rtol=1e-4)


def test_what_is_shorter_than_a_frame_is_one_frame() -> None:
    np.testing.assert_allclose(
        frame_rms(np.array([3, -3], np.float32), frame_length=400, hop_length=160), [3]
    )


def test_quiet_ends_are_left_out_but_for_a_margin() -> None:
    voice, start = cut_voice(padded(tone(200), 1.0, 2.0))
    margin_s = TRIM_MARGIN_S + FRAME_S
    assert 1.0 - margin_s <= start / SPEECH_SR_HZ <= 1.0
    assert 2.0 <= (start + len(voice)) / SPEECH_SR_HZ <= 2.0 + margin_s


def test_a_pause_in_the_middle_stays() -> None:
    y = np.concatenate([tone(200, 0.5), silence(1.0), tone(200, 0.5)])
    voice, start = cut_voice(y)
    np.testing.assert_array_equal(voice[-start:][: len(y)], y)


def test_a_voice_to_the_edge_gets_a_margin_of_silence() -> None:
    y = tone(200)
    voice, start = cut_voice(y)
    margin = int(TRIM_MARGIN_S * SPEECH_SR_HZ)
    assert -margin - FRAME_S * SPEECH_SR_HZ < start <= -margin
    np.testing.assert_array_equal(voice[-start:][: len(y)], y)
    assert not voice[:margin].any()
    assert not voice[-margin:].any()


def test_silence_around_a_recording_changes_nothing() -> None:
    y = recorded("voice_3s.wav")
    # A whole number of hops, so that the frames lie alike.
    around = np.concatenate([silence(0.5), y, silence(0.7)])
    np.testing.assert_array_equal(cut_voice(around)[0], cut_voice(y)[0])


@pytest.mark.parametrize("name", DIFFICULT)
def test_what_has_no_quiet_ends_or_no_voice_keeps_enough(name: str) -> None:
    assert len(cut_voice(DIFFICULT[name])[0]) >= TRIM_MIN_S * SPEECH_SR_HZ


@given(before_s=st.floats(0, 2), voice_s=st.floats(0.03, 0.6), after_s=st.floats(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_short_voice_keeps_enough_around_it(
    before_s: float, voice_s: float, after_s: float
) -> None:
    y = padded(tone(200, voice_s), before_s, after_s)
    voice, start = cut_voice(y)
    assert len(voice) >= int(TRIM_MIN_S * SPEECH_SR_HZ)
    begin, end = before_s * SPEECH_SR_HZ, (before_s + voice_s) * SPEECH_SR_HZ
    assert start <= begin + 1
    assert start + len(voice) >= end - FRAME_S * SPEECH_SR_HZ


def test_level_does_not_matter() -> None:
    y = recorded("voice_3s.wav")
    (loud, begun), (quiet, also_begun) = (
        cut_voice(k * y) for k in (np.float32(1), np.float32(0.01))
    )
    assert (len(loud), begun) == (len(quiet), also_begun)


def test_up_to_8_s_stay_whole() -> None:
    n_samples = int(MAX_WHOLE_S * SPEECH_SR_HZ)
    assert cut_windows(silence(MAX_WHOLE_S)) == [slice(0, n_samples)]
    assert len(cut_windows(np.zeros(n_samples + 1, np.float32))) == 2


@given(duration_s=st.floats(8.01, 120))
@settings(max_examples=60, deadline=None)
def test_windows_of_5_s_cover_all_evenly(duration_s: float) -> None:
    y = silence(duration_s)
    windows = cut_windows(y)
    starts = np.array([w.start for w in windows])
    assert {w.stop - w.start for w in windows} == {int(WINDOW_S * SPEECH_SR_HZ)}
    assert (starts[0], windows[-1].stop) == (0, len(y))
    assert np.diff(starts).max() <= WINDOW_S * SPEECH_SR_HZ
    assert np.ptp(np.diff(starts)) <= 1


def test_the_share_of_voice_is_that_of_its_loud_frames() -> None:
    y = np.concatenate([tone(200, 5), silence(2.5), tone(200, 2.5)])
    shares = voice_shares(y, cut_windows(y))
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, [1, 0.5], atol=0.02)


@pytest.mark.parametrize("name", DIFFICULT)
def test_shares_are_finite_and_between_0_and_1(name: str) -> None:
    y = DIFFICULT[name]
    shares = voice_shares(y, cut_windows(y))
    assert ((shares >= 0) & (shares <= 1)).all()
