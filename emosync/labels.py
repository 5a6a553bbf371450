"""Vocabularies, their order, and how the corpora's own codes map to them."""

from types import MappingProxyType
from typing import Final

SPEECH_EMOTIONS: Final = (
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgust",
    "surprised",
)

# The six that RAVDESS, SAVEE, TESS and CREMA-D share (the `seed` protocol).
SHARED_SPEECH_EMOTIONS: Final = ("neutral", "happy", "sad", "angry", "fearful", "disgust")

RAVDESS_CODES: Final = MappingProxyType(
    {f"{i + 1:02d}": emotion for i, emotion in enumerate(SPEECH_EMOTIONS)}
)
CREMAD_CODES: Final = MappingProxyType(
    {
        "NEU": "neutral",
        "HAP": "happy",
        "SAD": "sad",
        "ANG": "angry",
        "FEA": "fearful",
        "DIS": "disgust",
    }
)
TESS_CODES: Final = MappingProxyType(
    {
        "neutral": "neutral",
        "happy": "happy",
        "sad": "sad",
        "angry": "angry",
        "fear": "fearful",
        "disgust": "disgust",
        "ps": "surprised",
    }
)
SAVEE_CODES: Final = MappingProxyType(
    {
        "n": "neutral",
        "h": "happy",
        "sa": "sad",
        "a": "angry",
        "f": "fearful",
        "d": "disgust",
        "su": "surprised",
    }
)
# EMO-DB's boredom (L) has no counterpart among the eight and is left out.
EMODB_CODES: Final = MappingProxyType(
    {
        "N": "neutral",
        "F": "happy",
        "T": "sad",
        "W": "angry",
        "A": "fearful",
        "E": "disgust",
    }
)
