"""Training faces, turned, moved, lit and partly hidden anew for every epoch."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosync.face_crops import face_input
from emosync.framing import FloatArray
from emosync.training.face_corpora import FaceCorpus, Indices
from emosync.training.finetuning import EpochBatches, Schedule


@dataclass(frozen=True)
class Distortion:
    """How much faces are changed.

    Attributes
    ----------
    size_px : int
        Side of what is cut out.
    turn_deg, zoom, move_px : float
        Most that a face is turned, enlarged or reduced (as a share), and moved.
    gamma : float
        Most of the logarithm of the exponent on the grey levels.
    hidden_share : float in [0, 1]
        Of the faces of which a rectangle is hidden (random erasing, Zhong et al. 2020).
    """

    size_px: int
    turn_deg: float = 15.0
    zoom: float = 0.15
    move_px: float = 5.0
    gamma: float = 0.4
    hidden_share: float = 0.4


class FaceBatches(EpochBatches):
    """Batches of distorted faces, dealt anew for every epoch.

    Parameters
    ----------
    corpus : FaceCorpus
        Faces, emotions and votes.
    indices : ndarray
        Which faces are trained on.
    targets : dict of str to ndarray of shape (n, ...)
        Probabilities for each output, for every face of the corpus.
    schedule : Schedule
        Batch size and seed.
    distortion : Distortion
        How much they are changed.
    """

    def __init__(
        self,
        corpus: FaceCorpus,
        indices: Indices,
        targets: dict[str, FloatArray],
        schedule: Schedule,
        distortion: Distortion,
    ) -> None:
        super().__init__()
        self._corpus, self._targets = corpus, targets
        self._indices, self._schedule, self._distortion = indices, schedule, distortion
        self.begin_epoch(0)

    def __len__(self) -> int:
        return len(self._order) // self._schedule.batch_size

    def __getitem__(self, i: int) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Give one batch: faces (batch, size, size, 1) and the targets of every output."""
        # In order, since the faces are read from disk.
        size = self._schedule.batch_size
        chosen = np.sort(self._order[i * size : (i + 1) * size])
        X = distort(self._corpus.faces[chosen], self._distortion, self._rng)
        return X, {name: target[chosen] for name, target in self._targets.items()}

    def begin_epoch(self, epoch: int) -> None:
        """Deal the faces anew."""
        self._rng = np.random.default_rng((self._schedule.seed, epoch))
        self._order = self._rng.permutation(self._indices)


def distort(
    faces: npt.NDArray[np.uint8], distortion: Distortion, rng: np.random.Generator
) -> FloatArray:
    """Cut a window out of every face, turned, scaled, mirrored, lit and partly hidden.

    Parameters
    ----------
    faces : ndarray of shape (n, 48, 48), uint8
        Grey levels.
    distortion : Distortion
        How much.
    rng : Generator
        Source of all chance.

    Returns
    -------
    ndarray of shape (n, size_px, size_px, 1), float32
        What the network sees.
    """
    grey = _sample(faces, *_positions(len(faces), faces.shape[1], distortion, rng))
    exponent = np.exp(rng.uniform(-distortion.gamma, distortion.gamma, (len(faces), 1, 1)))
    X = face_input(np.asarray(255 * (grey / 255) ** exponent, np.float32))
    _hide(X, distortion, rng)
    return X


def _positions(
    n: int, side: int, distortion: Distortion, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Give the row and column in the face of every pixel, (n, size, size)."""
    angle = np.deg2rad(rng.uniform(-distortion.turn_deg, distortion.turn_deg, (n, 1, 1)))
    scale = np.exp(rng.uniform(-distortion.zoom, distortion.zoom, (n, 1, 1)))
    mirror = rng.choice([-1.0, 1.0], (n, 1, 1))
    move = rng.uniform(-distortion.move_px, distortion.move_px, (2, n, 1, 1))
    offsets = np.arange(distortion.size_px) - (distortion.size_px - 1) / 2
    rows, columns = offsets[:, None] * scale, offsets[None, :] * scale * mirror
    middle = (side - 1) / 2
    turned_rows = np.cos(angle) * rows + np.sin(angle) * columns + middle + move[0]
    turned_columns = np.cos(angle) * columns - np.sin(angle) * rows + middle + move[1]
    return turned_rows.astype(np.float32), turned_columns.astype(np.float32)


def _sample(faces: npt.NDArray[np.uint8], rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Read between the pixels, linearly; beyond the edge its pixels go on."""
    n, side, _ = faces.shape
    rows, columns = np.clip(rows, 0, side - 1.001), np.clip(columns, 0, side - 1.001)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    flat = np.ascontiguousarray(faces).reshape(-1)
    start = np.arange(n, dtype=np.int32)[:, None, None] * side * side + top * side + left
    upper = flat[start] * (1 - right) + flat[start + 1] * right
    lower = flat[start + side] * (1 - right) + flat[start + side + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _hide(X: FloatArray, distortion: Distortion, rng: np.random.Generator) -> None:
    """Set a rectangle of some faces to their mean, which is 0."""
    size = distortion.size_px
    for i in np.flatnonzero(rng.random(len(X)) < distortion.hidden_share):
        height, width = rng.integers(size // 8, size // 2, 2)
        top, left = rng.integers(0, size - height), rng.integers(0, size - width)
        X[i, top : top + height, left : left + width] = 0
