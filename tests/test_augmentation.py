import numpy as np
import pytest
from signals import noise, recorded, silence, vowel

from emosync.features import whisper_input, whisper_log_mel
from emosync.framing import FloatArray
from emosync.training.augmentation import augment, mix_up

N_FRAMES = 104
SEEDS = range(8)


def clips(*durations_s: float) -> list[FloatArray]:
    return [whisper_log_mel(vowel(120, duration_s)) for duration_s in durations_s]


def changed(clips: list[FloatArray], seed: int, n_frames: int = N_FRAMES) -> FloatArray:
    return augment(clips, n_frames, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n_frames", [60, 104, 560])
def test_clips_of_any_length_come_out_at_one(n_frames: int, seed: int) -> None:
    X = changed(clips(0.3, 0.9, 1.04, 3.0), seed, n_frames)
    assert X.shape == (4, n_frames, 80)
    assert X.dtype == np.float32
    assert np.isfinite(X).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("y", [silence(), noise(level=1e-6)], ids=["silence", "very quiet"])
def test_silence_stays_finite_up_to_the_networks_input(y: FloatArray, seed: int) -> None:
    X = whisper_input(changed([whisper_log_mel(y)] * 3, seed))
    assert np.isfinite(X).all()
    assert np.ptp(X, axis=(1, 2)).max() <= 2 + 1e-6


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_a_clip_of_hardly_any_frames_is_stretched(n_frames: int) -> None:
    for seed in SEEDS:
        assert np.isfinite(changed([whisper_log_mel(noise())[:n_frames]] * 2, seed)).all()


def test_one_seed_gives_the_same_clips_and_another_seed_others() -> None:
    made = clips(0.9, 1.2)
    np.testing.assert_array_equal(changed(made, 0), changed(made, 0))
    assert (changed(made, 0) != changed(made, 1)).any()


def test_the_clips_themselves_are_left_alone() -> None:
    made = clips(1.04)
    before = made[0].copy()
    for seed in SEEDS:
        changed(made, seed)
    np.testing.assert_array_equal(made[0], before)


def test_on_average_a_voice_keeps_its_spectrum() -> None:
    log_mel = whisper_log_mel(recorded("voice_3s.wav"))
    X = changed([log_mel] * 50, 0, len(log_mel) // 8 * 8)
    spectra = np.stack([log_mel.mean(axis=0), X.mean(axis=(0, 1))])
    assert np.corrcoef(spectra)[0, 1] > 0.95


def test_a_mix_adds_power_and_targets_by_the_same_share() -> None:
    X = np.stack([np.full((4, 3), 1.0), np.full((4, 3), -2.0)]).astype(np.float32)
    Y = np.eye(2, dtype=np.float32)
    for seed in SEEDS:
        mixed, targets = mix_up(X, Y, np.random.default_rng(seed), alpha=0.4)
        assert mixed.dtype == targets.dtype == np.float32
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        assert (np.diag(targets) >= 0.5).all()
        # Power 10 for the first label, 0.01 for the second.
        power = targets @ np.array([10, 0.01], np.float32)
        np.testing.assert_allclose(10 ** mixed[:, 0, 0], power, rtol=1e-4)


def test_one_seed_gives_the_same_mix() -> None:
    X, Y = np.stack(clips(1.0, 1.0)), np.eye(2, dtype=np.float32)
    first, again = (mix_up(X, Y, np.random.default_rng(3), alpha=0.4) for _ in range(2))
    for values, repeated in zip(first, again, strict=True):
        np.testing.assert_array_equal(values, repeated)
