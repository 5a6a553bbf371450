"""FER2013's archive and its repeats, on pictures made up; the real one where it is."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow

from emosync.labels import FACE_EMOTIONS, FER2013_FOLDERS
from emosync.training.face_corpora import VOTED, FaceCorpus, read_faces, split_faces

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "faces"
needs_fer2013 = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no faces at {DATA}; EMOSYNC_DATA says where the data is"
)


def smooth_faces(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw pictures that differ in more than their noise, (n, 48, 48)."""
    return rng.integers(0, 256, (n, 8, 8)).repeat(6, axis=1).repeat(6, axis=2).astype(np.uint8)


@pytest.fixture
def archive(tmp_path: Path, rng: np.random.Generator) -> Path:
    votes = [f"image,{','.join(VOTED)}", "Training_0.jpg,0,8,2,0,0,0,0,0,0,0"]
    with zipfile.ZipFile(tmp_path / "fer2013.zip", "w") as archive:
        for i, face in enumerate(smooth_faces(14, rng)):
            content = io.BytesIO()
            pillow.fromarray(face).save(content, "PNG" if i else "JPEG")
            part = ("train", "Training") if i < 7 else ("test", "PublicTest")
            folder = list(FER2013_FOLDERS)[i % 7]
            archive.writestr(f"{part[0]}/{folder}/{part[1]}_{i}.jpg", content.getvalue())
    (tmp_path / "ferplus.csv").write_text("\n".join(votes))
    return tmp_path


def test_folders_give_part_and_emotion(archive: Path, tmp_path: Path) -> None:
    corpus = read_faces(archive, tmp_path / "work")
    assert corpus.faces.shape == (14, 48, 48)
    assert corpus.is_test.sum() == 7
    for part in (corpus.is_test, ~corpus.is_test):
        assert sorted(corpus.truth[part]) == list(range(len(FACE_EMOTIONS)))


def test_votes_are_shares_and_may_be_missing(archive: Path, tmp_path: Path) -> None:
    corpus = read_faces(archive, tmp_path / "work")
    (voted,) = np.flatnonzero(corpus.votes.any(axis=1))
    assert not corpus.is_test[voted]
    assert corpus.truth[voted] == FACE_EMOTIONS.index("angry")
    assert corpus.votes[voted, :3].tolist() == pytest.approx([0.0, 0.8, 0.2])


def test_what_was_read_is_kept(archive: Path, tmp_path: Path) -> None:
    first = read_faces(archive, tmp_path / "work")
    second = read_faces(archive, tmp_path / "work")
    assert (first.faces == second.faces).all()
    assert isinstance(second.faces, np.memmap)


def test_repeats_stand_on_one_side_only(rng: np.random.Generator) -> None:
    faces = smooth_faces(400, rng)
    is_test = np.arange(400) >= 300
    # Two of the test part repeat training pictures, one byte for byte, one darker and noisier.
    faces[300] = faces[5]
    faces[301] = np.clip(0.7 * faces[6] + rng.normal(0, 4, (48, 48)), 0, 255)
    # And every picture of the training part's second half repeats the first half.
    faces[150:300] = faces[:150]
    corpus = FaceCorpus(faces, np.zeros(400, int), np.zeros((400, 10), np.float32), is_test)
    split = split_faces(corpus)
    assert split.test_repeats.tolist() == [300, 301]
    assert split.test.tolist() == list(range(302, 400))
    heard = {face.tobytes() for face in faces[split.train]}
    assert not any(faces[i].tobytes() in heard for i in split.held_out)
    assert not set(split.train) & set(split.held_out)


@needs_fer2013
def test_fer2013_is_read_whole(tmp_path: Path) -> None:
    corpus = read_faces(DATA, tmp_path)
    assert (~corpus.is_test).sum() == 28_709
    assert corpus.is_test.sum() == 3_589
    # One of the 32,048 names stands for two pictures.
    assert corpus.votes.any(axis=1).sum() == 32_049
    assert len(set(corpus.truth.tolist())) == len(FACE_EMOTIONS)
