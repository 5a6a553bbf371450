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

# GTZAN's ten, in the order of its folders (Tzanetakis and Cook 2002).
GENRES: Final = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)

FACE_EMOTIONS: Final = (
    "angry",
    "disgust",
    "fearful",
    "happy",
    "neutral",
    "sad",
    "surprised",
)
# Folders of FER2013 as Kaggle gives it.
FER2013_FOLDERS: Final = MappingProxyType(
    {
        "angry": "angry",
        "disgust": "disgust",
        "fear": "fearful",
        "happy": "happy",
        "neutral": "neutral",
        "sad": "sad",
        "surprise": "surprised",
    }
)

# Of tracks, in the order of the models' outputs.
MOODS: Final = ("Calm", "Energetic", "Happy", "Sad")
# The mood of the tracks that fit an emotion; voices say "disgust", clients "disgusted" as well.
MOOD_OF_EMOTION: Final = MappingProxyType(
    {
        "neutral": "Calm",
        "calm": "Calm",
        "happy": "Happy",
        "surprised": "Happy",
        "sad": "Sad",
        "disgust": "Sad",
        "disgusted": "Sad",
        "angry": "Energetic",
        "fearful": "Energetic",
    }
)

# A song's labels lie on a circle around the centre of the valence-arousal plane. Each ring is cut
# into equal sectors, counted from the axis of valence (0 degrees) towards arousal (90 degrees).
SONG_NEUTRAL: Final = "Neutral"
SONG_INNER_EMOTIONS: Final = (
    "Cheerful",
    "Joyous",
    "Impatient",
    "Stressed",
    "Gloomy",
    "Fatigued",
    "Calm",
    "Hopeful",
)
SONG_OUTER_EMOTIONS: Final = (
    "Happy",
    "Delighted",
    "Excited",
    "Tense",
    "Angry",
    "Frustrated",
    "Depressed",
    "Bored",
    "Tired",
    "Peaceful",
    "Relaxed",
    "Content",
)
# Closes a playback sequence; no place on the circle.
SONG_COMPLETED: Final = "Completed"
# Nearer to the centre than the first lies neutral, than the second the inner ring.
SONG_NEUTRAL_RADIUS: Final = 0.2
SONG_INNER_RADIUS: Final = 0.6
# The middle of each sector, in degrees; neutral has none.
SONG_ANGLES_DEG: Final = MappingProxyType(
    {
        emotion: (i + 0.5) * 360.0 / len(ring)
        for ring in (SONG_INNER_EMOTIONS, SONG_OUTER_EMOTIONS)
        for i, emotion in enumerate(ring)
    }
)
