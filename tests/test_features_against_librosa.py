"""The features, held to librosa; apart from the others, since librosa is slow to import."""

from types import ModuleType

import numpy as np
import pytest
from signals import DIFFICULT, clipped_noise, noise, recorded, vowel

from emosync.features import delta, mel_filterbank, mel_spectrogram, mfcc, power_spectrogram
from emosync.framing import SPEECH_SR_HZ, FloatArray, frame_rms
from emosync.musicnn import MUSIC_SR_HZ, music_log_mel
from emosync.voice import YIN_FRAME_LENGTH, YIN_THRESHOLD, pitch, zero_crossing_rate

pytestmark = pytest.mark.slow

CLIPS = {**DIFFICULT, "voice": recorded("voice_3s.wav"), "noise": noise()}
SETTINGS = {"n_fft": 512, "hop_length": 160}
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def librosa() -> ModuleType:
    import librosa

    return librosa


def assert_close(ours: FloatArray, theirs: FloatArray) -> None:
    """Compare to 1e-4 of the largest value, since both sides count in float32."""
    scale = max(float(np.abs(theirs).max()), 1e-10)
    np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("sr", "n_fft", "n_mels", "fmin_hz", "fmax_hz"),
    [
        (16_000, 400, 80, 0.0, None),
        (16_000, 512, 64, 0.0, None),
        (22_050, 2048, 128, 20.0, 8000.0),
        (8_000, 256, 20, 300.0, 3400.0),
    ],
)
def test_filterbank(
    librosa: ModuleType, sr: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float | None
) -> None:
    theirs = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin_hz, fmax=fmax_hz)
    ours = mel_filterbank(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin_hz=fmin_hz, fmax_hz=fmax_hz)
    assert_close(ours, theirs)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_power_spectrogram(librosa: ModuleType, name: str, pad_mode: str) -> None:
    theirs = np.abs(librosa.stft(CLIPS[name], **SETTINGS, pad_mode=pad_mode)) ** 2
    assert_close(power_spectrogram(CLIPS[name], **SETTINGS, pad_mode=pad_mode), theirs)


@pytest.mark.parametrize("name", CLIPS)
def test_mel_spectrogram(librosa: ModuleType, name: str) -> None:
    y, sr = CLIPS[name], SPEECH_SR_HZ
    theirs = librosa.feature.melspectrogram(y=y, sr=sr, n_fft=512, hop_length=160, n_mels=64)
    assert_close(mel_spectrogram(y, sr=sr, n_fft=512, hop_length=160, n_mels=64), theirs)


@pytest.mark.parametrize("name", [*CLIPS, "loud"])
def test_musicnns_log_mels(librosa: ModuleType, name: str) -> None:
    y = {**CLIPS, "loud": clipped_noise(10.0)}[name]
    S = librosa.feature.melspectrogram(
        y=y, sr=MUSIC_SR_HZ, n_fft=512, hop_length=256, n_mels=96, pad_mode="constant"
    )
    np.testing.assert_allclose(music_log_mel(y), np.log10(1 + 10_000 * S).T, atol=TOLERANCE)


@pytest.mark.parametrize("name", CLIPS)
def test_mfcc(librosa: ModuleType, name: str) -> None:
    theirs = librosa.feature.mfcc(y=CLIPS[name], sr=SPEECH_SR_HZ, n_mfcc=40, n_mels=64, **SETTINGS)
    assert_close(mfcc(CLIPS[name]), theirs)


@pytest.mark.parametrize("width", [3, 5, 9])
def test_delta(librosa: ModuleType, width: int) -> None:
    S = mfcc(CLIPS["voice"])
    assert_close(delta(S, width=width), librosa.feature.delta(S, width=width))


FRAMING = {"frame_length": 400, "hop_length": 160}


def test_loudness(librosa: ModuleType) -> None:
    y = CLIPS["voice"]
    assert_close(frame_rms(y, **FRAMING), librosa.feature.rms(y=y, center=False, **FRAMING)[0])


def test_zero_crossings_but_for_the_first_sample_of_each_frame(librosa: ModuleType) -> None:
    y = CLIPS["voice"]
    theirs = librosa.feature.zero_crossing_rate(y, center=False, pad=False, threshold=0, **FRAMING)[
        0
    ]
    # librosa does not look back from a frame's first sample to the one before the frame.
    np.testing.assert_allclose(zero_crossing_rate(y, **FRAMING), theirs, atol=1 / 400 + 1e-6)


def both_pitches(librosa: ModuleType, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Our frequencies and librosa's, of the frames that are periodic."""
    f0_hz, aperiodicity = pitch(y)
    theirs = librosa.yin(
        y,
        sr=SPEECH_SR_HZ,
        fmin=60,
        fmax=500,
        frame_length=YIN_FRAME_LENGTH,
        hop_length=320,
        trough_threshold=YIN_THRESHOLD,
        center=False,
    )
    assert theirs.shape == f0_hz.shape
    voiced = aperiodicity < YIN_THRESHOLD
    assert voiced.mean() > 0.2
    return f0_hz[voiced], theirs[voiced]


@pytest.mark.parametrize("true_hz", range(80, 480, 45))
def test_the_pitch_of_a_steady_voice_within_2_percent(librosa: ModuleType, true_hz: float) -> None:
    f0_hz, theirs_hz = both_pitches(librosa, vowel(true_hz))
    np.testing.assert_allclose(f0_hz, theirs_hz, rtol=0.02)


@pytest.mark.parametrize("name", ["voice_3s.wav", "voice_high_3s.wav"])
def test_the_pitch_of_speech_within_2_percent_but_in_glides(librosa: ModuleType, name: str) -> None:
    # librosa weighs the whole frame at each lag, YIN's paper (and we) a window of fixed
    # length, so that the two hear a gliding voice at moments a few milliseconds apart.
    f0_hz, theirs_hz = both_pitches(librosa, recorded(name))
    assert (np.abs(f0_hz / theirs_hz - 1) < 0.02).mean() > 0.9
