"""FER2013 and the crowd's votes on it, read once and kept as one array."""

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from emosync.face_crops import FACE_SIZE_PX
from emosync.framing import FloatArray
from emosync.labels import FACE_EMOTIONS, FER2013_FOLDERS

Indices = npt.NDArray[np.int64]

FER2013_FILE: Final = "fer2013.zip"
VOTES_FILE: Final = "ferplus.csv"
TEST_FOLDER: Final = "test"
# Columns of FER+; the last two mean "I cannot tell" and "no face".
VOTED: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
CORPORA: Final = (
    {
        "name": "FER2013",
        "licence": "research use (Kaggle, 2013)",
        "citation": "Goodfellow et al. (2013), Challenges in Representation Learning",
    },
    {
        "name": "FER+ votes",
        "licence": "MIT",
        "citation": "Barsoum et al. (2016), Training Deep Networks for Facial Expression "
        "Recognition with Crowd-Sourced Label Distribution",
    },
)
# Correlation of two pictures, reduced to 16 x 16, from which they count as the same. 280 of
# PublicTest are byte for byte in the training part; from about 0.9 on different pictures of
# one person begin to come in.
SAME_CORRELATION: Final = 0.95
# One of so many training pictures is held out, to calibrate and to choose by.
HELD_OUT_EVERY: Final = 12


@dataclass(frozen=True)
class FaceCorpus:
    """FER2013 with votes.

    Attributes
    ----------
    faces : ndarray of shape (n, 48, 48), uint8
        Grey levels.
    truth : ndarray of shape (n,)
        Index into `labels.FACE_EMOTIONS`.
    votes : ndarray of shape (n, 10), float32
        Share of the crowd's votes for each of `VOTED`; all 0 where there are none.
    is_test : ndarray of shape (n,), bool
        PublicTest; the rest is the training part.
    """

    faces: npt.NDArray[np.uint8]
    truth: Indices
    votes: FloatArray
    is_test: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FaceSplit:
    """Which pictures may be seen when; indices into a `FaceCorpus`.

    Attributes
    ----------
    train, held_out : ndarray
        Of the training part; no picture stands in both, nor a repeat of it.
    test : ndarray
        PublicTest without the pictures that the training part repeats.
    test_repeats : ndarray
        Those pictures.
    """

    train: Indices
    held_out: Indices
    test: Indices
    test_repeats: Indices


def read_faces(root: Path, work: Path) -> FaceCorpus:
    """Read FER2013 from its archive, or from what was read before.

    Parameters
    ----------
    root : Path
        Holds fer2013.zip and ferplus.csv.
    work : Path
        For the array, which is mapped into memory.

    Returns
    -------
    FaceCorpus
    """
    path = work / "face" / "fer2013.npy"
    with zipfile.ZipFile(root / FER2013_FILE) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.stack([_grey(archive.read(name)) for name in names]))
    paths = [PurePosixPath(name) for name in names]
    emotions = [FER2013_FOLDERS[path.parent.name] for path in paths]
    votes = _read_votes(root / VOTES_FILE)
    return FaceCorpus(
        faces=np.load(path, mmap_mode="r"),
        truth=np.array([FACE_EMOTIONS.index(emotion) for emotion in emotions]),
        votes=np.array([votes.get(p.name, [0.0] * len(VOTED)) for p in paths], np.float32),
        is_test=np.array([p.parts[-3] == TEST_FOLDER for p in paths]),
    )


def split_faces(corpus: FaceCorpus, *, seed: int = 0) -> FaceSplit:
    """Hold out a part of the training pictures, and keep repeats on one side.

    Parameters
    ----------
    corpus : FaceCorpus
        Training part and test part.
    seed : int
        Of the part held out.

    Returns
    -------
    FaceSplit
    """
    small = _standard_thumbnails(corpus.faces)
    training, test = np.flatnonzero(~corpus.is_test), np.flatnonzero(corpus.is_test)
    repeats = _has_same(small[test], small[training])
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(training), bool)
    chosen[rng.permutation(len(training))[: len(training) // HELD_OUT_EVERY]] = True
    held_out, train = training[chosen], training[~chosen]
    held_out = held_out[~_has_same(small[held_out], small[train])]
    return FaceSplit(train, held_out, test[~repeats], test[repeats])


def _grey(content: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("L"))


def _read_votes(path: Path) -> dict[str, list[float]]:
    """Give the shares of the votes by the name of the file."""
    shares = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            counts = [float(row[name]) for name in VOTED]
            shares[row["image"]] = [count / max(sum(counts), 1.0) for count in counts]
    return shares


def _standard_thumbnails(faces: npt.NDArray[np.uint8]) -> FloatArray:
    """Reduce to 16 x 16, so that the product of two rows is their correlation."""
    side = FACE_SIZE_PX // 3
    small = faces.reshape(-1, side, 3, side, 3).mean(axis=(2, 4), dtype=np.float32)
    small = small.reshape(len(faces), -1)
    small -= small.mean(axis=1, keepdims=True)
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1.0))


def _has_same(asked: FloatArray, others: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell for each row whether any of the others is the same picture."""
    parts = [asked[i : i + 500] @ others.T for i in range(0, len(asked), 500)]
    return np.concatenate([part.max(axis=1) >= SAME_CORRELATION for part in parts])
