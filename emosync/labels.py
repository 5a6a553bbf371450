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

# Of tracks, in the order of the models' outputs.
MOODS: Final = ("Calm", "Energetic", "Happy", "Sad")
# The mood of the tracks that fit what a person feels; voices say "disgust", faces "disgusted".
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

# Where feelings lie on the circumplex: (valence, arousal), each in [-1, 1].
AFFECT_AXES: Final = ("valence", "arousal")

# The nine feelings of the Geneva Emotional Music Scale (Zentner, Grandjean and Scherer 2008), by
# the names of the Emotify corpus (amazement is wonder, solemnity transcendence). The scale comes
# without coordinates: these are ours, in the order of its three groups. Vitality (power, joyful
# activation) is pleasant and active, unease (tension, sadness) unpleasant, and sublimity (the
# rest) mostly pleasant and quiet, nostalgia between pleasant and sad.
GEMS_COORDINATES: Final = MappingProxyType(
    {
        "amazement": (0.6, 0.45),
        "solemnity": (0.15, -0.2),
        "tenderness": (0.55, -0.45),
        "nostalgia": (0.05, -0.35),
        "calmness": (0.6, -0.75),
        "power": (0.35, 0.7),
        "joyful_activation": (0.75, 0.65),
        "tension": (-0.6, 0.65),
        "sadness": (-0.7, -0.45),
    }
)
GEMS_FEELINGS: Final = tuple(GEMS_COORDINATES)

# AllMusic's mood words, as far as the 4Q corpus has them, in lower case. Placed by hand, as they
# are meant of music ("brassy", "crunchy"), in the circular order that Russell (1980), "A
# circumplex model of affect", found for the feelings among them: happy, excited, tense, angry,
# distressed, sad, gloomy, tired, calm, relaxed. Norms of bare words exist (Warriner, Kuperman and
# Brysbaert 2013), but not under a licence that lets us pass excerpts on.
MOOD_COORDINATES: Final = MappingProxyType(
    {
        "acerbic": (-0.5, 0.4),
        "aggressive": (-0.5, 0.85),
        "agreeable": (0.6, -0.2),
        "amiable/good-natured": (0.7, -0.05),
        "angry": (-0.6, 0.8),
        "angst-ridden": (-0.65, 0.5),
        "anguished/distraught": (-0.75, 0.45),
        "atmospheric": (0.05, -0.5),
        "austere": (-0.35, -0.4),
        "autumnal": (-0.15, -0.5),
        "belligerent": (-0.65, 0.8),
        "bitter": (-0.65, 0.2),
        "bittersweet": (-0.1, -0.35),
        "bleak": (-0.75, -0.45),
        "boisterous": (0.55, 0.8),
        "brash": (-0.05, 0.75),
        "brassy": (0.4, 0.6),
        "bravado": (0.2, 0.65),
        "bright": (0.7, 0.35),
        "brittle": (-0.35, 0.05),
        "brooding": (-0.5, -0.3),
        "calm/peaceful": (0.65, -0.7),
        "campy": (0.4, 0.4),
        "carefree": (0.8, 0.2),
        "cathartic": (0.0, 0.4),
        "celebratory": (0.8, 0.7),
        "cerebral": (0.05, -0.25),
        "cheerful": (0.85, 0.45),
        "circular": (0.0, -0.1),
        "clinical": (-0.3, -0.2),
        "cold": (-0.5, -0.3),
        "complex": (0.0, 0.1),
        "confident": (0.5, 0.4),
        "confrontational": (-0.55, 0.75),
        "crunchy": (-0.1, 0.55),
        "cynical/sarcastic": (-0.45, 0.2),
        "delicate": (0.35, -0.6),
        "detached": (-0.35, -0.4),
        "difficult": (-0.4, 0.2),
        "dramatic": (-0.15, 0.45),
        "dreamy": (0.4, -0.6),
        "druggy": (-0.15, -0.2),
        "earnest": (0.25, -0.1),
        "earthy": (0.25, -0.15),
        "eccentric": (0.05, 0.35),
        "eerie": (-0.55, 0.15),
        "effervescent": (0.75, 0.6),
        "elaborate": (0.15, 0.15),
        "elegant": (0.5, -0.3),
        "energetic": (0.55, 0.85),
        "enigmatic": (-0.1, -0.15),
        "epic": (0.2, 0.55),
        "erotic": (0.45, 0.3),
        "ethereal": (0.25, -0.55),
        "euphoric": (0.85, 0.75),
        "exciting": (0.7, 0.8),
        "explosive": (-0.1, 0.9),
        "exuberant": (0.8, 0.8),
        "fierce": (-0.35, 0.85),
        "fiery": (0.05, 0.85),
        "flowing": (0.4, -0.35),
        "fractured": (-0.4, 0.2),
        "freewheeling": (0.5, 0.4),
        "fun": (0.85, 0.6),
        "gentle": (0.55, -0.65),
        "giddy": (0.7, 0.65),
        "gleeful": (0.8, 0.65),
        "gloomy": (-0.75, -0.45),
        "greasy": (0.0, 0.3),
        "gritty": (-0.25, 0.35),
        "gutsy": (0.2, 0.55),
        "happy": (0.9, 0.35),
        "harsh": (-0.6, 0.65),
        "hedonistic": (0.45, 0.55),
        "hostile": (-0.75, 0.75),
        "humorous": (0.65, 0.35),
        "hungry": (-0.15, 0.45),
        "hypnotic": (0.1, -0.35),
        "indulgent": (0.2, 0.0),
        "innocent": (0.55, -0.3),
        "insular": (-0.35, -0.35),
        "intense": (-0.2, 0.75),
        "intimate": (0.4, -0.5),
        "ironic": (-0.1, 0.15),
        "irreverent": (0.1, 0.45),
        "jovial": (0.8, 0.5),
        "joyous": (0.9, 0.6),
        "knotty": (-0.15, 0.25),
        "laid-back/mellow": (0.5, -0.6),
        "lazy": (0.15, -0.65),
        "light": (0.5, -0.2),
        "literate": (0.1, -0.15),
        "lively": (0.75, 0.75),
        "lonely": (-0.65, -0.5),
        "lush": (0.45, -0.3),
        "majestic": (0.35, 0.25),
        "malevolent": (-0.75, 0.55),
        "manic": (-0.15, 0.9),
        "marching": (0.1, 0.45),
        "meandering": (0.0, -0.35),
        "meditative": (0.3, -0.7),
        "melancholy": (-0.55, -0.5),
        "menacing": (-0.7, 0.5),
        "messy": (-0.3, 0.4),
        "mighty": (0.15, 0.65),
        "mystical": (0.1, -0.3),
        "naive": (0.35, -0.1),
        "negative": (-0.75, 0.0),
        "nervous/jittery": (-0.45, 0.6),
        "nihilistic": (-0.65, 0.3),
        "nocturnal": (-0.05, -0.5),
        "nostalgic": (0.05, -0.35),
        "ominous": (-0.65, 0.2),
        "optimistic": (0.75, 0.3),
        "organic": (0.25, -0.25),
        "outraged": (-0.7, 0.85),
        "outrageous": (0.0, 0.7),
        "paranoid": (-0.6, 0.5),
        "passionate": (0.4, 0.5),
        "pastoral": (0.45, -0.55),
        "plaintive": (-0.5, -0.4),
        "playful": (0.7, 0.5),
        "poignant": (-0.25, -0.35),
        "positive": (0.75, 0.25),
        "powerful": (0.2, 0.7),
        "precious": (0.35, -0.3),
        "provocative": (-0.05, 0.5),
        "pulsing": (0.1, 0.5),
        "pure": (0.5, -0.35),
        "quirky": (0.3, 0.3),
        "rambunctious": (0.45, 0.75),
        "ramshackle": (0.0, 0.25),
        "raucous": (0.1, 0.85),
        "rebellious": (-0.2, 0.7),
        "reckless": (-0.3, 0.7),
        "refined": (0.4, -0.35),
        "reflective": (0.05, -0.5),
        "regretful": (-0.6, -0.4),
        "relaxed": (0.65, -0.65),
        "reserved": (-0.05, -0.5),
        "restrained": (-0.05, -0.5),
        "reverent": (0.25, -0.4),
        "rollicking": (0.65, 0.7),
        "romantic": (0.6, -0.25),
        "rousing": (0.55, 0.7),
        "rowdy": (0.25, 0.8),
        "rustic": (0.25, -0.3),
        "sad": (-0.75, -0.4),
        "sardonic": (-0.4, 0.25),
        "searching": (-0.1, -0.25),
        "self-conscious": (-0.3, -0.05),
        "sensual": (0.55, -0.15),
        "sentimental": (0.2, -0.4),
        "serious": (-0.2, -0.15),
        "sexual": (0.4, 0.45),
        "sexy": (0.55, 0.35),
        "silly": (0.6, 0.5),
        "sleazy": (-0.15, 0.4),
        "slick": (0.25, 0.2),
        "smooth": (0.5, -0.45),
        "snide": (-0.5, 0.3),
        "soft/quiet": (0.4, -0.75),
        "somber": (-0.55, -0.5),
        "soothing": (0.6, -0.7),
        "sophisticated": (0.35, -0.15),
        "spacey": (0.05, -0.35),
        "sparkling": (0.65, 0.35),
        "sparse": (-0.15, -0.5),
        "spicy": (0.45, 0.6),
        "spiritual": (0.35, -0.35),
        "spooky": (-0.5, 0.25),
        "sprawling": (0.0, 0.0),
        "springlike": (0.65, 0.0),
        "stately": (0.25, -0.2),
        "street-smart": (-0.05, 0.4),
        "striding": (0.35, 0.4),
        "strong": (0.3, 0.5),
        "stylish": (0.4, 0.1),
        "suffocating": (-0.7, 0.25),
        "sugary": (0.55, 0.15),
        "summery": (0.7, 0.25),
        "swaggering": (0.25, 0.55),
        "sweet": (0.65, -0.25),
        "swinging": (0.6, 0.5),
        "technical": (0.0, 0.25),
        "tender": (0.45, -0.55),
        "tense/anxious": (-0.45, 0.65),
        "theatrical": (0.2, 0.4),
        "thoughtful": (0.2, -0.4),
        "threatening": (-0.7, 0.6),
        "thrilling": (0.55, 0.85),
        "thuggish": (-0.5, 0.65),
        "tragic": (-0.75, -0.2),
        "trashy": (-0.25, 0.55),
        "trippy": (0.0, -0.1),
        "uncompromising": (-0.3, 0.55),
        "unsettling": (-0.6, 0.35),
        "uplifting": (0.75, 0.35),
        "urgent": (-0.15, 0.7),
        "visceral": (-0.2, 0.65),
        "volatile": (-0.45, 0.75),
        "warm": (0.6, -0.35),
        "weary": (-0.4, -0.7),
        "whimsical": (0.5, 0.2),
        "wintry": (-0.2, -0.5),
        "wistful": (-0.3, -0.45),
        "witty": (0.45, 0.25),
        "wry": (0.0, 0.05),
        "yearning": (-0.3, -0.2),
    }
)
