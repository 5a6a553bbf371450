"""How the face network learns, is judged and is shipped."""

import time
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix as count_confusions

from emosync.artifacts import load_artifact
from emosync.face_crops import FACE_SIZE_PX, face_input
from emosync.framing import FloatArray
from emosync.labels import FACE_EMOTIONS
from emosync.plots import confusion_matrix
from emosync.training.evaluation import calibration_error, fit_temperature, softmax
from emosync.training.export import export_plain, write_card
from emosync.training.face_augmentation import Distortion, FaceBatches
from emosync.training.face_corpora import (
    CORPORA,
    VOTED,
    FaceCorpus,
    FaceSplit,
    Indices,
    read_faces,
    split_faces,
)
from emosync.training.face_network import build_face_cnn, exportable
from emosync.training.finetuning import Schedule, train

# Windows of 40 of the 48 pixels take two thirds of the time of whole faces. Six more epochs of
# whole faces, hardly changed, gained nothing on the part held out, nor did the mean with a second
# network, which was trained half as long.
SCHEDULE: Final = Schedule(
    epochs=60, batch_size=128, learning_rate=3e-3, weight_decay=0.05, averaging=0.998
)
DISTORTION: Final = Distortion(size_px=40)
WEIGHTS_FILE, MINUTES_FILE = "face.weights.h5", "minutes.txt"
# Weight of the crowd's votes beside the emotion.
VOTES_WEIGHT: Final = 0.7
MODEL_TYPE: Final = "convolutional network, 1.3 million parameters, of a face and its mirror image"
PROTOCOL: Final = (
    "`public_test` is FER2013's PublicTest without the pictures that the training part repeats "
    "(correlation of 0.95 and more at 16 x 16); `public_test_whole` has them. One twelfth of the "
    "training part was held out, which gave the temperature. Neither was trained on, and "
    "PublicTest chose nothing. FER2013's private test was not seen."
)
INTENDED_USE: Final = (
    "Showing a person how an expression may look to others; choosing music to go with it; "
    "research. Not for decisions about people. The EU AI Act bans inferring emotions at work "
    "and at school."
)
LIMITS: Final = (
    "An expression is not a feeling, and people agree on FER2013's labels in about two thirds of "
    "its pictures. They were found on the web by words such as angry: posed, young and famous "
    "faces are frequent, and no figures by age, sex or origin are known. Glasses, beards, masks, "
    "side views and dim light cost accuracy; fear is often taken for surprise or sadness."
)
# Batches from which the running statistics are taken when training is over.
N_SETTLING_BATCHES: Final = 100


def learn_faces(corpus: FaceCorpus, split: FaceSplit, work: Path) -> keras.Model:
    """Train the network, or take the weights of an earlier training.

    Parameters
    ----------
    corpus : FaceCorpus
        Faces.
    split : FaceSplit
        Of which `train` is used.
    work : Path
        For checkpoints and weights; an interrupted training goes on from there.

    Returns
    -------
    keras.Model
        From `build_face_cnn`.
    """
    targets = {
        "emotion": np.eye(len(FACE_EMOTIONS), dtype=np.float32)[corpus.truth],
        "votes": VOTES_WEIGHT * corpus.votes,
    }
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    keras.utils.set_random_seed(SCHEDULE.seed)
    model = build_face_cnn(len(FACE_EMOTIONS), len(VOTED))
    finished = work / "face" / WEIGHTS_FILE
    if finished.exists():
        model.load_weights(finished)
        return model
    batches = FaceBatches(corpus, split.train, targets, SCHEDULE, DISTORTION)
    checkpoints = work / "face" / "checkpoints"
    begun_s = time.monotonic()
    train(model, batches, SCHEDULE, checkpoints=checkpoints, metrics={"emotion": ["accuracy"]})
    _settle(model, batches)
    minutes = (time.monotonic() - begun_s) / 60
    (work / "face" / MINUTES_FILE).write_text(f"{minutes:.1f}\n")
    model.save_weights(finished)
    return model


def _settle(model: keras.Model, batches: FaceBatches) -> None:
    """Fit the running statistics to the averaged weights, which never saw a batch."""
    for i in range(min(N_SETTLING_BATCHES, len(batches))):
        model(batches[i][0], training=True)


def face_logits(model: keras.Model, faces: npt.NDArray[np.uint8]) -> FloatArray:
    """Ask a trained network for the emotions of faces, each with its mirror image.

    Parameters
    ----------
    model : keras.Model
        From `learn_faces`.
    faces : ndarray of shape (n, 48, 48), uint8
        Grey levels.

    Returns
    -------
    ndarray of shape (n, n_labels), float32
    """
    parts = []
    for start in range(0, len(faces), 256):
        X = face_input(faces[start : start + 256])
        sides = [model(side, training=False)["emotion"] for side in (X, X[:, :, ::-1].copy())]
        parts.append(np.mean([keras.ops.convert_to_numpy(side) for side in sides], axis=0))
    return np.concatenate(parts)


def evaluate_faces(root: Path, work: Path) -> dict[str, Any]:
    """Judge the network on pictures that it was not trained on.

    Parameters
    ----------
    root : Path
        Holds fer2013.zip and ferplus.csv.
    work : Path
        For caches; what was trained before is not trained again.

    Returns
    -------
    dict
        For each part of `PROTOCOL` the figures of `face_figures`, and `temperature`.
    """
    corpus = read_faces(root, work)
    split = split_faces(corpus)
    figures, _ = _judge(learn_faces(corpus, split, work), corpus, split)
    return figures


def ship_faces(root: Path, models: Path, work: Path) -> Path:
    """Train the network and write its folder below `models`.

    Parameters
    ----------
    root, work
        See `evaluate_faces`.
    models : Path
        The folder `models/`.

    Returns
    -------
    Path
        models/face/cnn.

    Raises
    ------
    RuntimeError
        If Keras runs on another backend than TensorFlow, which cannot export. The
        trained weights are kept; run again with KERAS_BACKEND=tensorflow.
    """
    corpus = read_faces(root, work)
    split = split_faces(corpus)
    model = learn_faces(corpus, split, work)
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError("trained; export it by the same command with KERAS_BACKEND=tensorflow")
    figures, logits = _judge(model, corpus, split)
    folder = models / "face" / "cnn"
    keras.mixed_precision.set_global_policy("float32")
    export_plain(
        exportable(model, size_px=FACE_SIZE_PX, temperature=figures["temperature"]), folder
    )
    tested = np.concatenate([split.test, split.test_repeats])
    matrix = count_confusions(corpus.truth[split.test], logits[: len(split.test)].argmax(axis=1))
    picture = confusion_matrix(matrix, FACE_EMOTIONS, title="face: PublicTest of FER2013")
    (folder / "confusion_matrix.png").write_bytes(picture)
    card = _card(figures, len(split.train), work)
    write_card(folder, card)
    served = load_artifact(folder).run(face_input(corpus.faces[tested[:500]]))
    agreement = float((served.argmax(axis=1) == logits[:500].argmax(axis=1)).mean())
    write_card(folder, {**card, "served_agreement": round(agreement, 4)})
    return folder


def face_figures(probabilities: FloatArray, truth: Indices) -> dict[str, Any]:
    """Sum up predictions on pictures.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_labels)
        Calibrated.
    truth : ndarray of shape (n,)
        Indices into `labels.FACE_EMOTIONS`.

    Returns
    -------
    dict
        `pictures`, and shares in [0, 1]: `accuracy`, `unweighted_accuracy` (mean recall),
        `calibration_error`, `by_emotion` (recall).
    """
    right = probabilities.argmax(axis=1) == truth
    recalls = {
        emotion: float(right[truth == i].mean())
        for i, emotion in enumerate(FACE_EMOTIONS)
        if (truth == i).any()
    }
    return {
        "pictures": len(truth),
        "accuracy": round(float(right.mean()), 4),
        "unweighted_accuracy": round(float(np.mean(list(recalls.values()))), 4),
        "calibration_error": round(calibration_error(probabilities, truth), 4),
        "by_emotion": {emotion: round(recall, 4) for emotion, recall in recalls.items()},
    }


def _judge(
    model: keras.Model, corpus: FaceCorpus, split: FaceSplit
) -> tuple[dict[str, Any], FloatArray]:
    """Give the figures, and the logits of PublicTest, its repeats last."""
    held_out = face_logits(model, corpus.faces[split.held_out])
    temperature = fit_temperature(held_out, corpus.truth[split.held_out])
    tested = np.concatenate([split.test, split.test_repeats])
    logits = face_logits(model, corpus.faces[tested])
    probabilities, truth = softmax(logits / temperature), corpus.truth[tested]
    n_new = len(split.test)
    return {
        "public_test": face_figures(probabilities[:n_new], truth[:n_new]),
        "public_test_whole": face_figures(probabilities, truth),
        "held_out": face_figures(softmax(held_out / temperature), corpus.truth[split.held_out]),
        "temperature": round(temperature, 4),
    }, logits


def _card(figures: dict[str, Any], n_pictures: int, work: Path) -> dict[str, Any]:
    return {
        "task": "face",
        "method": "cnn",
        "model_type": MODEL_TYPE,
        "labels": list(FACE_EMOTIONS),
        "feature_type": "face",
        "feature_settings": {"size_px": FACE_SIZE_PX},
        "n_features": FACE_SIZE_PX * FACE_SIZE_PX,
        "scaler": "each face's mean 0 and deviation 1",
        "temperature": figures["temperature"],
        "trained_on": [{**corpus, "pictures": n_pictures} for corpus in CORPORA],
        "protocol": PROTOCOL,
        "figures": {name: part for name, part in figures.items() if name != "temperature"},
        "training_minutes": float((work / "face" / MINUTES_FILE).read_text()),
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "licence": "research; FER2013's pictures were gathered from the web for research",
    }
