"""The table's statistics, held to librosa's own functions on signals that tell them apart."""

from types import ModuleType

import numpy as np
import pytest
from signals import clicks, clipped_noise, noise, silence, tone, vowel

from emosync.chroma import chroma_filters, estimate_tuning
from emosync.features import power_spectrogram
from emosync.framing import FloatArray
from emosync.genre_slices import GENRE_SR_HZ
from emosync.genre_statistics import GENRE_STATISTICS, genre_statistics
from emosync.harmony import split_harmonic_percussive

pytestmark = pytest.mark.slow

# Written for 16 kHz; at 22.05 kHz they are the same signals, higher and quicker.
SIGNALS = {
    "chord and beats": vowel(220, 6.0) + vowel(277, 6.0) + clicks(6.0, every_s=0.5),
    "noise": noise(3.0),
    "tone that stops": np.concatenate([tone(440, 1.5), silence(1.5)]),
    "clipped": clipped_noise(2.0),
    "glide": np.sin(np.cumsum(np.linspace(0.02, 1.5, 60_000))).astype(np.float32),
    "short": tone(330, 0.4),
}
# librosa does not look back from a frame's first sample for a crossing. Beside a pure tone there
# is only the rounding of the Fourier transform in single precision, and the width is its.
TOLERANCES = {
    "zero_crossing_rate_mean": 1e-3,
    "zero_crossing_rate_var": 2e-2,
    "spectral_bandwidth_mean": 2e-2,
    "spectral_bandwidth_var": 2e-2,
}


@pytest.fixture(scope="module")
def librosa() -> ModuleType:
    import librosa

    return librosa


def by_librosa(librosa: ModuleType, y: FloatArray) -> list[float]:
    """The table's columns, as its maker computed them."""
    sr, feature = GENRE_SR_HZ, librosa.feature
    harmonic, percussive = librosa.effects.hpss(y)
    rows = [
        feature.chroma_stft(y=y, sr=sr),
        feature.rms(y=y),
        feature.spectral_centroid(y=y, sr=sr),
        feature.spectral_bandwidth(y=y, sr=sr),
        feature.spectral_rolloff(y=y, sr=sr),
        feature.zero_crossing_rate(y, threshold=0),
        harmonic,
        percussive,
    ]
    tempo, _ = librosa.beat.beat_track(y=y, sr=sr)
    columns = [float(len(y))]
    columns += [float(statistic) for row in rows for statistic in (row.mean(), row.var())]
    columns.append(float(np.squeeze(tempo)))
    for row in feature.mfcc(y=y, sr=sr, n_mfcc=20):
        columns += [float(row.mean()), float(row.var())]
    return columns


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")
@pytest.mark.parametrize("name", SIGNALS)
def test_every_column(librosa: ModuleType, name: str) -> None:
    y = SIGNALS[name]
    theirs = dict(zip(GENRE_STATISTICS, by_librosa(librosa, y), strict=True))
    ours = dict(zip(GENRE_STATISTICS, genre_statistics(y).tolist(), strict=True))
    for column, expected in theirs.items():
        tolerance = TOLERANCES.get(column, 1e-3)
        assert ours[column] == pytest.approx(expected, rel=tolerance, abs=1e-4), column


@pytest.mark.parametrize("tuning", [-0.5, -0.13, 0.0, 0.27])
def test_chroma_filters(librosa: ModuleType, tuning: float) -> None:
    theirs = librosa.filters.chroma(sr=22_050, n_fft=2048, tuning=tuning)
    np.testing.assert_allclose(chroma_filters(22_050, 2048, tuning), theirs, atol=1e-6)


@pytest.mark.parametrize("name", ["chord and beats", "noise", "glide"])
def test_tuning(librosa: ModuleType, name: str) -> None:
    S = power_spectrogram(SIGNALS[name], n_fft=2048, hop_length=512)
    theirs = librosa.estimate_tuning(S=S, sr=22_050)
    assert estimate_tuning(S, sr=22_050) == pytest.approx(float(theirs))


def test_harmonic_and_percussive_parts(librosa: ModuleType) -> None:
    y = SIGNALS["chord and beats"]
    for ours, theirs in zip(split_harmonic_percussive(y), librosa.effects.hpss(y), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
