"""What the song models see of many recordings, computed once."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from emosync.artifacts import Artifact, load_artifact, read_card
from emosync.framing import FloatArray
from emosync.song_inputs import listen
from emosync.training.clip_frames import ClipFrames, clip_frames, read_recording


def song_steps(paths: Sequence[Path], models: Path, *, work: Path) -> ClipFrames:
    """Listen to recordings with the served backbone.

    Parameters
    ----------
    paths : sequence of Path
        Recordings.
    models : Path
        The folder `models/`, with `music/musicnn` and `music/tags`.
    work : Path
        Folder of the cache.

    Returns
    -------
    ClipFrames
        Per recording (n_steps, n_features), every 0.5 s; columns as in
        `song_inputs.song_feature_names`.
    """
    heard_by = "-".join(
        read_card(models / "music" / method)["sha256"]["model.onnx"][:8]
        for method in ("musicnn", "tags")
    )
    hear = partial(_hear, models=models)
    name = f"song_steps-{heard_by}"
    return clip_frames(paths, hear, name=name, cache=work, read=read_recording)


def _hear(y: FloatArray, *, models: Path) -> FloatArray:
    return listen([y], *_backbone(models)).values


@cache
def _backbone(models: Path) -> tuple[Artifact, Artifact]:
    """Load the backbone once per process."""
    return load_artifact(models / "music" / "musicnn"), load_artifact(models / "music" / "tags")
