import io
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from conftest import ROOT
from music import SR_HZ, music

from emosync.artifacts import load_artifact
from emosync.song_inputs import listen, song_feature_names
from emosync.training.clip_frames import read_recording
from emosync.training.song_steps import song_steps

# See test_clip_frames.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")

MODELS = ROOT / "models"


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Write two songs of 6 s and 8 s, to be heard in one process."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    paths = []
    for duration_s in (6.0, 8.0):
        out = io.BytesIO()
        sf.write(out, music(duration_s), SR_HZ, format="OGG", subtype="VORBIS")
        paths.append(tmp_path / f"{duration_s:g}.ogg")
        paths[-1].write_bytes(out.getvalue())
    return paths


def test_songs_are_heard_whole_and_as_in_serving_but_for_half_precision(
    songs: list[Path], tmp_path: Path
) -> None:
    steps = song_steps(songs, MODELS, work=tmp_path / "work")
    network, back = (load_artifact(MODELS / "music" / name) for name in ("musicnn", "tags"))
    assert steps.lengths.tolist() == [13, 17]
    for i, path in enumerate(songs):
        served = listen([read_recording(path)], network, back)
        assert steps[i].shape == (len(served.time_s), len(song_feature_names(back.labels)))
        np.testing.assert_allclose(steps[i], served.values, rtol=1e-3, atol=1e-6)


def test_another_backbone_is_another_cache(songs: list[Path], tmp_path: Path) -> None:
    work = tmp_path / "work"
    song_steps(songs, MODELS, work=work)
    song_steps(songs, MODELS, work=work)
    (frames,) = work.glob("*.frames.npy")
    card = (MODELS / "music" / "musicnn" / "card.json").read_text()
    assert frames.name.split("-")[1] in card
