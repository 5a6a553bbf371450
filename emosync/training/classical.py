"""The models of scikit-learn, on one vector per clip or track."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emosync.framing import FloatArray

# The components keep the file small: every support vector stands in it.
N_COMPONENTS: Final = 64


def build_svm(seed: int) -> Pipeline:
    """Build scaler, principal components and a support vector machine (RBF)."""
    return Pipeline(
        [
            ("scaler", StandardScaler()),
            ("components", PCA(N_COMPONENTS, random_state=seed)),
            ("classifier", SVC(C=3.0, gamma=0.003)),
        ]
    )


def build_random_forest(seed: int) -> Pipeline:
    """Build scaler and random forest; the leaves' limit keeps the file small."""
    forest = RandomForestClassifier(
        40, max_leaf_nodes=200, min_samples_leaf=4, random_state=seed, n_jobs=-1
    )
    return Pipeline([("scaler", StandardScaler()), ("classifier", forest)])


def build_mood_forest(seed: int) -> Pipeline:
    """Build scaler and extremely randomised trees, whose shares of votes are probabilities.

    With 700 tracks they do better than a random forest, and more trees do no better.
    """
    forest = ExtraTreesClassifier(60, random_state=seed)
    return Pipeline([("scaler", StandardScaler()), ("classifier", forest)])


BUILDERS: Final[Mapping[str, Callable[[int], Pipeline]]] = MappingProxyType(
    {"svm": build_svm, "random_forest": build_random_forest}
)


def fit_classical(
    method: str,
    X: FloatArray,
    labels: npt.NDArray[np.int64],
    speakers: npt.NDArray[np.str_],
    *,
    seed: int = 0,
) -> CalibratedClassifierCV:
    """Fit a model whose probabilities are calibrated on speakers it did not hear.

    Parameters
    ----------
    method : {"svm", "random_forest"}
        Which to build.
    X : ndarray of shape (n_clips, n_features)
        Clip statistics or MFCC means.
    labels : ndarray of shape (n_clips,)
        Label numbers.
    speakers : ndarray of shape (n_clips,)
        Who speaks; no speaker stands on both sides of a calibration split.
    seed : int
        Of everything random.

    Returns
    -------
    sklearn.calibration.CalibratedClassifierCV
        Fitted, with `predict_proba`.
    """
    folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=seed)
    model = CalibratedClassifierCV(
        BUILDERS[method](seed),
        method="sigmoid",
        cv=list(folds.split(X, labels, groups=speakers)),
        ensemble=False,
    )
    model.fit(X, labels)
    return model
