"""Statistics of music, on signals worked out by hand and held to the Kaggle table."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from signals import DIFFICULT, clicks, noise, silence, tone

from emosync.audio import decode
from emosync.framing import FloatArray
from emosync.genre_slices import GENRE_SR_HZ
from emosync.genre_statistics import (
    GENRE_STATISTICS,
    SERVED_STATISTICS,
    genre_statistics,
    model_input,
    recording_parts,
    recording_statistics,
    served_statistics,
)

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music"
TABLE = DATA / "gtzan_features_30_sec.csv"
needs_music = pytest.mark.skipif(
    not TABLE.is_file(), reason=f"no music at {DATA}; EMOSYNC_DATA says where it is"
)
PART = 30 * GENRE_SR_HZ


def named(y: FloatArray) -> dict[str, float]:
    return dict(zip(GENRE_STATISTICS, genre_statistics(y).tolist(), strict=True))


def test_names_are_unique_and_the_models_are_the_tables() -> None:
    assert len(set(GENRE_STATISTICS)) == len(GENRE_STATISTICS) == 58
    assert set(SERVED_STATISTICS) < set(GENRE_STATISTICS)
    assert len(set(SERVED_STATISTICS)) == len(SERVED_STATISTICS) == 52
    unseen = ("length", "tempo", "harmony_mean", "perceptr_mean", "harmony_var", "perceptr_var")
    assert not set(unseen) & set(SERVED_STATISTICS)


@pytest.mark.parametrize("name", DIFFICULT)
def test_statistics_are_finite_and_the_same_twice(name: str) -> None:
    y = DIFFICULT[name]
    statistics = genre_statistics(y)
    assert statistics.shape == (58,)
    assert statistics.dtype == np.float32
    assert np.isfinite(statistics).all()
    assert np.isfinite(served_statistics(y)).all()
    np.testing.assert_array_equal(statistics, genre_statistics(y.copy()))


@pytest.mark.parametrize("name", ["short tone", "clipped noise", "silence", "odd length"])
def test_the_model_sees_the_same_whether_all_is_computed_or_only_its_part(name: str) -> None:
    y = DIFFICULT[name]
    np.testing.assert_allclose(model_input(genre_statistics(y)), served_statistics(y), rtol=1e-5)


def test_variances_are_seen_as_logarithms_and_means_as_they_are() -> None:
    statistics = np.arange(1.0, 59.0)
    seen = dict(zip(SERVED_STATISTICS, model_input(statistics).tolist(), strict=True))
    place = {name: i + 1.0 for i, name in enumerate(GENRE_STATISTICS)}
    assert seen["mfcc7_mean"] == place["mfcc7_mean"]
    assert seen["mfcc7_var"] == pytest.approx(np.log(place["mfcc7_var"]))
    assert seen["rms_mean"] == pytest.approx(np.log(place["rms_mean"]))


def test_a_tone_has_its_frequency_as_centroid_and_rolloff_and_no_width() -> None:
    # In the middle of a bin, where a Hann window leaks into two others only.
    freq_hz = 100 * 16_000 / 2048
    y = tone(freq_hz, 4.0)[2048:-2048]
    statistics = named(y)
    hz = 100 * GENRE_SR_HZ / 2048
    assert statistics["spectral_centroid_mean"] == pytest.approx(hz, rel=0.05)
    assert statistics["rolloff_mean"] == pytest.approx(hz, rel=0.05)
    assert statistics["zero_crossing_rate_mean"] == pytest.approx(200 / 2048, rel=0.02)


def test_a_tone_sounds_on_and_clicks_strike() -> None:
    sounding, striking = named(tone(440, 3.0)), named(clicks(3.0, every_s=0.25))
    assert sounding["harmony_var"] > 20 * sounding["perceptr_var"]
    assert striking["perceptr_var"] > 20 * striking["harmony_var"]


def test_clicks_have_a_tempo() -> None:
    every_s = 0.5 * GENRE_SR_HZ / 16_000
    assert named(clicks(16.0, every_s=every_s))["tempo"] == pytest.approx(120, abs=3)
    assert named(silence(3.0))["tempo"] == 0


def test_twice_as_loud_is_twice_the_level() -> None:
    quiet, loud = named(noise(2.0)), named(2 * noise(2.0))
    assert loud["rms_mean"] == pytest.approx(2 * quiet["rms_mean"])
    assert loud["mfcc3_mean"] == pytest.approx(quiet["mfcc3_mean"], abs=0.01)
    assert loud["spectral_centroid_mean"] == pytest.approx(quiet["spectral_centroid_mean"])


@pytest.mark.parametrize(
    ("n_samples", "lengths"),
    [
        (1, [1]),
        (PART // 4, [PART // 4]),
        (PART, [PART]),
        (PART + PART // 2 - 1, [PART]),
        (PART + PART // 2, [PART, PART // 2]),
        (20 * PART, 20 * [PART]),
    ],
)
def test_parts_last_30_s_and_a_short_last_one_is_left_out(
    n_samples: int, lengths: list[int]
) -> None:
    parts = recording_parts(n_samples)
    assert [part.stop - part.start for part in parts] == lengths
    assert [part.start for part in parts] == [i * PART for i in range(len(parts))]


def test_a_recording_has_a_row_per_part() -> None:
    y = np.tile(noise(5.0), 18)
    rows = recording_statistics(y)
    assert rows.shape == (len(recording_parts(len(y))), 52)
    np.testing.assert_array_equal(rows[1], served_statistics(y[PART : 2 * PART]))


# Opus keeps the statistics of whole 30 s excerpts but for high coefficients, by correlation over
# excerpts; the means of harmony and perceptr (the offset of zero) are lost.
LOST = ("harmony_mean", "perceptr_mean")


@needs_music
@pytest.mark.slow
def test_the_table_is_met_on_our_copies_of_its_excerpts() -> None:
    with TABLE.open(encoding="utf-8") as file:
        rows = {row["filename"].removesuffix(".au"): row for row in csv.DictReader(file)}
    paths = [p for g in ("classical", "jazz", "rock") for p in (DATA / "gtzan" / g).iterdir()]
    ours, theirs = [], []
    for path in sorted(paths)[::14]:
        ours.append(genre_statistics(decode(path.read_bytes(), sr=GENRE_SR_HZ).y))
        theirs.append([float(rows[path.stem][name]) for name in GENRE_STATISTICS])
    X, Y = np.array(ours), np.array(theirs)
    correlations = {
        name: float(np.corrcoef(X[:, i], Y[:, i])[0, 1])
        for i, name in enumerate(GENRE_STATISTICS)
        if name not in ("length", "tempo", *LOST)
    }
    assert float(np.median(list(correlations.values()))) > 0.98
    for name in (
        "chroma_stft_mean",
        "rms_mean",
        "rms_var",
        "harmony_var",
        "zero_crossing_rate_mean",
    ):
        assert correlations[name] > 0.99, name
    assert min(correlations.values()) > 0.9
    tempo = GENRE_STATISTICS.index("tempo")
    same = np.abs(X[:, tempo] / Y[:, tempo] - 1) < 0.01
    assert same.mean() > 0.9
