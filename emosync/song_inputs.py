"""What the song models see: musicnn's activations and tags, and how loud, busy and bright it is."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from emosync.artifacts import Artifact
from emosync.framing import FloatArray
from emosync.musicnn import DESCRIPTORS, N_ACTIVATIONS, music_steps
from emosync.song_features import SongFeatures

TAG_PREFIX: Final = "tag_"
# A descriptor against the song's own mean: listeners judge a passage by what surrounds it.
CHANGE_SUFFIX: Final = "_change"


def song_feature_names(tags: Sequence[str]) -> tuple[str, ...]:
    """Name the features of a step, in order.

    Parameters
    ----------
    tags : sequence of str
        musicnn's, in the order of its outputs.

    Returns
    -------
    tuple of str
        Activations, tags, descriptors, and the descriptors' changes.
    """
    return (
        *(f"activation_{i:03d}" for i in range(N_ACTIVATIONS)),
        *map(tag_column, tags),
        *DESCRIPTORS,
        *(f"{descriptor}{CHANGE_SUFFIX}" for descriptor in DESCRIPTORS),
    )


def tag_column(tag: str) -> str:
    """Name the column of a tag."""
    return TAG_PREFIX + tag.lower().replace(" ", "_")


def listen(blocks: Iterable[FloatArray], network: Artifact, back: Artifact) -> SongFeatures:
    """Send a recording through musicnn, and put together what the song models see.

    Parameters
    ----------
    blocks : iterable of ndarray
        Consecutive parts of a mono waveform at 16 kHz, of any lengths.
    network, back : Artifact
        musicnn: frames to features, and its last layers.

    Returns
    -------
    SongFeatures
        A row every 0.5 s, from 0 s on.
    """
    times_s, rows = [], []
    for steps in music_steps(blocks, network.run):
        times_s.append(steps.time_s)
        rows.append(np.hstack([back.run(steps.pooled), steps.descriptors]))
    # An hour has 7 MB of features: no more than two copies of them at a time.
    heard = np.concatenate(rows)
    del rows
    descriptors = heard[:, -len(DESCRIPTORS) :]
    values = np.hstack([heard, descriptors - descriptors.mean(axis=0)])
    return SongFeatures(np.concatenate(times_s), values, song_feature_names(back.labels))


def mean_tags(features: SongFeatures, tags: Sequence[str]) -> dict[str, float]:
    """Average the probability of each tag over the song, highest first.

    Parameters
    ----------
    features : SongFeatures
        Of the song.
    tags : sequence of str
        musicnn's.

    Returns
    -------
    dict of str to float in [0, 1]
        A song may have several tags or none; they do not sum to 1.
    """
    column = {name: i for i, name in enumerate(features.names)}
    means = {tag: float(features.values[:, column[tag_column(tag)]].mean()) for tag in tags}
    return {tag: round(means[tag], 6) for tag in sorted(means, key=lambda tag: -means[tag])}
