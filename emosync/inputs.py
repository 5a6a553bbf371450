"""From a clip to what a model sees, as the model's card says.

Training and serving ask here, with the settings that stand in the card, so that the two
cannot drift apart.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from emosync.clip_statistics import clip_statistics, mfcc_means
from emosync.errors import ModelUnavailable
from emosync.features import whisper_input, whisper_log_mel
from emosync.framing import FloatArray

Extractor = Callable[[FloatArray], FloatArray]


def log_mel(y: FloatArray) -> FloatArray:
    """Give what both networks see of a clip: shape (n_frames, 80), n_frames even."""
    return whisper_input(whisper_log_mel(y))


EXTRACTORS: Final[Mapping[str, Callable[..., FloatArray]]] = MappingProxyType(
    {
        "log_mel": log_mel,
        "clip_statistics": clip_statistics,
        "mfcc_means": mfcc_means,
    }
)


def extractor(feature_type: str, settings: Mapping[str, Any]) -> Extractor:
    """Bind a kind of features to the settings of a card.

    Parameters
    ----------
    feature_type : str
        A key of `EXTRACTORS`.
    settings : mapping
        Keyword arguments of that function, such as `n_mels`.

    Returns
    -------
    callable
        From a mono waveform at 16 kHz (n_samples,) to the model's input for one clip.

    Raises
    ------
    ModelUnavailable
        If this version does not know the features.
    """
    if feature_type not in EXTRACTORS:
        raise ModelUnavailable(f"This version does not know the features '{feature_type}'.")
    return partial(EXTRACTORS[feature_type], **settings)
