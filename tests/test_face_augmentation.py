import numpy as np
import pytest

from emosync.face_crops import face_input
from emosync.training.face_augmentation import Distortion, FaceBatches, distort
from emosync.training.face_corpora import FaceCorpus
from emosync.training.finetuning import Schedule

NONE = Distortion(48, turn_deg=0, zoom=0, move_px=0, gamma=0, hidden_share=0)


@pytest.fixture
def faces(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (20, 8, 8)).repeat(6, axis=1).repeat(6, axis=2).astype(np.uint8)


def test_without_distortion_faces_are_mirrored_at_most(
    faces: np.ndarray, rng: np.random.Generator
) -> None:
    X = distort(faces, NONE, rng)
    plain, mirrored = face_input(faces), face_input(faces[:, :, ::-1])
    same = [np.abs(X - sides).max(axis=(1, 2, 3)) < 0.02 for sides in (plain, mirrored)]
    assert (same[0] ^ same[1]).all()
    assert 0 < same[1].sum() < len(faces)


def test_a_window_is_cut_from_the_middle(faces: np.ndarray, rng: np.random.Generator) -> None:
    window = Distortion(40, turn_deg=0, zoom=0, move_px=0, gamma=0, hidden_share=0)
    X = distort(faces, window, rng)
    middle = faces[:, 4:44, 4:44]
    plain, mirrored = face_input(middle), face_input(middle[:, :, ::-1])
    differences = [np.abs(X - sides).max(axis=(1, 2, 3)) for sides in (plain, mirrored)]
    assert (np.minimum(*differences) < 0.02).all()


def test_every_face_is_distorted_in_its_own_way(
    faces: np.ndarray, rng: np.random.Generator
) -> None:
    X = distort(np.repeat(faces[:1], 12, axis=0), Distortion(40), rng)
    assert X.shape == (12, 40, 40, 1)
    assert X.dtype == np.float32
    assert np.isfinite(X).all()
    assert len({x.tobytes() for x in X}) == 12


def test_a_rectangle_is_hidden(faces: np.ndarray, rng: np.random.Generator) -> None:
    hiding = Distortion(48, turn_deg=0, zoom=0, move_px=0, gamma=0, hidden_share=1)
    hidden = distort(faces, hiding, rng) == 0
    assert (hidden.sum(axis=(1, 2, 3)) >= 36).all()
    assert (hidden.sum(axis=(1, 2, 3)) <= 24 * 24).all()


def test_an_epoch_shows_each_face_once_and_the_next_in_another_order(faces: np.ndarray) -> None:
    marks = np.arange(20, dtype=np.float32)[:, np.newaxis]
    corpus = FaceCorpus(
        faces, np.zeros(20, int), np.zeros((20, 10), np.float32), np.zeros(20, bool)
    )
    shown = np.arange(2, 20)
    batches = FaceBatches(corpus, shown, {"emotion": marks}, Schedule(batch_size=6), NONE)
    epochs = []
    for epoch in range(2):
        batches.begin_epoch(epoch)
        parts = [batches[i] for i in range(len(batches))]
        assert [X.shape for X, _ in parts] == [(6, 48, 48, 1)] * 3
        epochs.append(np.concatenate([target["emotion"][:, 0] for _, target in parts]).tolist())
    assert sorted(epochs[0]) == sorted(epochs[1]) == shown.tolist()
    assert epochs[0] != epochs[1]
