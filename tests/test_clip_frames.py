from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from signals import AUDIO_PATH, recorded

from emosync.clip_statistics import clip_statistics
from emosync.features import whisper_log_mel
from emosync.framing import FloatArray, cut_voice
from emosync.training.clip_frames import (
    ClipFrames,
    ClipUnreadable,
    clip_frames,
    read_recording,
    read_voice,
)

# Python 3.12 and later warn of a fork beside the threads of BLAS, which the pool's
# processes do not use.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")

VOICES = ["voice_3s.wav", "voice_high_3s.wav"]
PATHS = [AUDIO_PATH / name for name in VOICES]

Compute = Callable[..., ClipFrames]


def noted(y: FloatArray, *, log: Path) -> FloatArray:
    """Note that it was called, from whichever process."""
    with log.open("a") as notes:
        notes.write("called\n")
    return whisper_log_mel(y)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def compute(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> Compute:
    """Compute the voices' log-mels in one process, noting each clip."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    def call(
        paths: list[Path] = PATHS,
        *,
        name: str = "log_mel",
        read: Callable[[Path], FloatArray] | None = None,
    ) -> ClipFrames:
        extract = partial(noted, log=log)
        return clip_frames(paths, extract, name=name, cache=tmp_path / "cache", read=read)

    return call


def n_calls(log: Path) -> int:
    return len(log.read_text().splitlines())


def expected(name: str) -> FloatArray:
    y = recorded(name)
    return whisper_log_mel(cut_voice(y)[0])


def test_each_clip_is_what_serving_would_compute_in_half_precision(compute: Compute) -> None:
    clips = compute()
    assert len(clips) == 2
    for i, name in enumerate(VOICES):
        assert clips[i].dtype == np.float32
        assert clips.lengths[i] == len(clips[i])
        np.testing.assert_allclose(clips[i], expected(name), atol=0.004)


def test_a_clip_is_cut_to_its_voice_unless_it_is_read_otherwise(compute: Compute) -> None:
    voices, recordings = compute(), compute(name="whole", read=read_recording)
    for i, name in enumerate(VOICES):
        np.testing.assert_allclose(recordings[i], whisper_log_mel(recorded(name)), atol=0.004)
    assert recordings.lengths.sum() > voices.lengths.sum()
    np.testing.assert_array_equal(voices[0], compute(name="voice", read=read_voice)[0])


def test_a_recording_is_read_whole_and_a_voice_without_its_quiet_ends() -> None:
    y = recorded(VOICES[0])
    np.testing.assert_array_equal(read_recording(PATHS[0]), y)
    np.testing.assert_array_equal(read_voice(PATHS[0]), cut_voice(y)[0])


def test_clips_stand_in_the_order_of_their_paths(compute: Compute) -> None:
    forwards, backwards = compute(), compute(PATHS[::-1])
    np.testing.assert_array_equal(forwards[0], backwards[1])
    np.testing.assert_array_equal(forwards[1], backwards[0])


def test_the_cache_is_made_once_and_read_again(compute: Compute, log: Path) -> None:
    first, again = compute(), compute()
    assert n_calls(log) == len(PATHS)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.offsets, again.offsets)


@pytest.mark.parametrize("names", [("log_mel", "mfcc"), ("mfcc-0.5", "mfcc-0.25")])
def test_another_name_is_another_cache(compute: Compute, log: Path, names: tuple[str, str]) -> None:
    for name in names:
        compute(name=name)
    assert n_calls(log) == 2 * len(PATHS)


@pytest.mark.parametrize("name", ["log_mel", "log_mel-0.5"])
def test_other_clips_are_another_cache(compute: Compute, log: Path, name: str) -> None:
    assert len(compute(name=name)) == 2
    assert len(compute(PATHS[:1], name=name)) == 1
    assert n_calls(log) == 3


def test_a_cache_that_was_not_finished_is_made_again(
    compute: Compute, log: Path, tmp_path: Path
) -> None:
    compute()
    (offsets,) = (tmp_path / "cache").glob("*.offsets.npy")
    offsets.unlink()
    assert len(compute()) == 2
    assert n_calls(log) == 2 * len(PATHS)


def test_a_vector_counts_as_one_frame_and_keeps_its_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    clips = clip_frames(PATHS, clip_statistics, name="statistics", cache=tmp_path)
    np.testing.assert_array_equal(clips.lengths, [1, 1])
    y = recorded(VOICES[0])
    np.testing.assert_array_equal(clips[0][0], clip_statistics(cut_voice(y)[0]))


def test_a_recording_that_cannot_be_read_is_named(compute: Compute, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    with pytest.raises(ClipUnreadable, match=r"broken\.wav: .* Take it out"):
        compute([PATHS[0], broken])
