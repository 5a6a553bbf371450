"""The music backbone: musicnn's published weights to the files that are served."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from emosync.artifacts import ONNX_FILE
from emosync.framing import FloatArray
from emosync.musicnn import HOP, MUSIC_SR_HZ, N_FFT, N_FRAME_FEATURES, N_MELS, music_log_mel
from emosync.training.backbone_figures import backbone_figures
from emosync.training.clip_frames import read_recording
from emosync.training.export import export_plain, write_card
from emosync.training.musicnn import (
    N_TIMBRAL,
    Weights,
    build_back,
    build_frames,
    read_checkpoint,
)
from emosync.training.packages import PackagedFile, fetch

CHECKPOINT: Final = (
    PackagedFile(
        "musicnn==0.1.0",
        "musicnn/MSD_musicnn/.index",
        "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
    ),
    PackagedFile(
        "musicnn==0.1.0",
        "musicnn/MSD_musicnn/.data-00000-of-00001",
        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
    ),
)
TAGS: Final = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
    "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country",
    "easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock",
    "60s", "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip
# Every other frame of the front end: half the time, and no quadrant of 4Q lost.
STRIDE: Final = 2
N_CALIBRATING: Final = 48
CALIBRATING_FRAMES: Final = 512
# Beyond these quantiles of what is pooled an int8 value stops at the end of its range.
KEPT_QUANTILES: Final = (0.0005, 0.9995)
FIGURES_PROTOCOL: Final = (
    "logistic regression on the means of activations and tags; 4Q in 5 folds by artist, GTZAN's "
    "first 15 s in 5 folds by track"
)
LICENCE: Final = "ISC (the package musicnn); trained by its authors on the Million Song Dataset"
LIMITS: Final = (
    "The tags are those of Last.fm's listeners, of mostly Western popular music up to 2010. The "
    "Million Song Dataset may hold some of the songs of our corpora, without their labels."
)


def ship_musicnn(root: Path, models: Path, work: Path) -> tuple[Path, Path]:
    """Convert musicnn and write `music/musicnn` and `music/tags` below `models`.

    Parameters
    ----------
    root : Path
        Holds music in any folders; a few recordings set the ranges of the int8 values.
    models : Path
        The folder `models/`.
    work : Path
        For the package's files.

    Returns
    -------
    network, back : Path
        The models' folders.
    """
    files = [fetch(packaged, work / "musicnn") for packaged in CHECKPOINT]
    weights = read_checkpoint(files[0].parent)
    published, served = work / "musicnn" / "published", models
    _write(weights, published, stride=1)
    network, back = _write(weights, served, stride=STRIDE)
    quantise_timbre(network / ONNX_FILE, calibrating_log_mels(root))
    card = _card("musicnn", labels=(), n_features=N_MELS)
    write_card(network, card)
    figures = {
        "protocol": FIGURES_PROTOCOL,
        "as_published": backbone_figures(root, published, work),
        "as_served": backbone_figures(root, served, work),
    }
    write_card(network, {**card, "figures": figures})
    return network, back


def _write(weights: Weights, models: Path, *, stride: int) -> tuple[Path, Path]:
    network, back = models / "music" / "musicnn", models / "music" / "tags"
    export_plain(build_frames(weights, stride=stride), network)
    export_plain(build_back(weights), back)
    write_card(network, _card("musicnn", labels=(), n_features=N_MELS))
    write_card(back, _card("tags", labels=TAGS, n_features=2 * N_FRAME_FEATURES))
    return network, back


def calibrating_log_mels(root: Path) -> list[FloatArray]:
    """Take log-mels of some recordings below a folder, evenly from its listing."""
    paths = sorted(root.rglob("*.ogg"))
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, N_CALIBRATING).astype(int)]
    return [music_log_mel(read_recording(path))[:CALIBRATING_FRAMES] for path in chosen]


def quantise_timbre(file: Path, log_mels: Sequence[FloatArray]) -> None:
    """Bring the two convolutions over timbre, nine tenths of the work, to int8.

    The range of their outputs is that of the maxima over frequency: what lies below never
    passes on, so that the 8 bits are spent on what does.

    Parameters
    ----------
    file : Path
        The network's ONNX file, overwritten.
    log_mels : sequence of ndarray, each of shape (n_frames, 96)
        Of music.
    """
    graph = onnx.load(file).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"][:N_TIMBRAL]
    pools = [node for node in graph.node if node.op_type == "MaxPool"][:N_TIMBRAL]
    overrides: dict[str, list[dict[str, Any]]] = {}
    highest = _outputs(file, [pool.output[0] for pool in pools], log_mels)
    for convolution, pool, values in zip(convolutions, pools, highest, strict=True):
        low, high = np.quantile(values, KEPT_QUANTILES).astype(np.float32)
        for output in (convolution.output[0], pool.output[0]):
            overrides[output] = [{"rmin": low, "rmax": high}]
    quantize_static(
        file,
        file,
        _Calibration(log_mels),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_quantize=[node.name for node in (*convolutions, *pools)],
        extra_options={"TensorQuantOverrides": overrides},
    )


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # ships no types
    """Feeds log-mels to ONNX Runtime's quantiser."""

    def __init__(self, log_mels: Sequence[FloatArray]) -> None:
        self._feeds: Iterator[FloatArray] = iter(log_mels)

    def get_next(self) -> dict[str, FloatArray] | None:
        """Return the next input, None at the end."""
        log_mel = next(self._feeds, None)
        return None if log_mel is None else {"log_mel": log_mel[np.newaxis]}


def _outputs(file: Path, names: Sequence[str], log_mels: Sequence[FloatArray]) -> list[FloatArray]:
    """Give all values that pass certain points of a network."""
    model = onnx.load(file)
    for name in names:
        tensor = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        model.graph.output.append(tensor)
    options = ort.SessionOptions()
    # Fused layers would not have these points.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    runs = [session.run(list(names), {"log_mel": log_mel[np.newaxis]}) for log_mel in log_mels]
    return [
        np.concatenate([values.ravel() for values in of_name])
        for of_name in zip(*runs, strict=True)
    ]


def _card(method: str, *, labels: Sequence[str], n_features: int) -> dict[str, Any]:
    types = {
        "musicnn": "musicnn's front end and middle: 753 features per frame of 16 ms",
        "tags": "musicnn's last layers: 200 activations and 50 tags from 3 s",
    }
    return {
        "task": "music",
        "method": method,
        "model_type": types[method],
        "labels": list(labels),
        "feature_type": "music_log_mel" if method == "musicnn" else "musicnn_pooled",
        "feature_settings": {},
        "n_features": n_features,
        "scaler": "log10(1 + 10000 S)" if method == "musicnn" else "batch normalisation",
        "signal": {"sr_hz": MUSIC_SR_HZ, "n_fft": N_FFT, "hop_length": HOP, "n_mels": N_MELS},
        "trained_on": [
            {
                "name": "Million Song Dataset, tags of Last.fm",
                "licence": LICENCE,
                "citation": "Pons and Serra 2019",
            }
        ],
        "intended_use": "Features for the models of songs, genres and moods; tags of a song.",
        "limits": LIMITS,
        "licence": LICENCE,
    }
