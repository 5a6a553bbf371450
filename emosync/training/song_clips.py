"""One recording of a song, and what people said of it."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from emosync.framing import FloatArray

QUADRANTS: Final = MappingProxyType({(1, 1): "Q1", (-1, 1): "Q2", (-1, -1): "Q3", (1, -1): "Q4"})


@dataclass(frozen=True, eq=False)
class RatedCurve:
    """Valence and arousal over time, the mean of several listeners.

    Attributes
    ----------
    time_s : ndarray of shape (n_times,)
        Ascending, from the start of the recording.
    valence, arousal : ndarray of shape (n_times,)
        In [-1, 1], without NaN.
    """

    time_s: FloatArray
    valence: FloatArray
    arousal: FloatArray


@dataclass(frozen=True)
class SongClip:
    """One recording of a song, and what people said of it.

    Attributes
    ----------
    path : Path or None
        The file; None where only a table speaks of the song.
    corpus : str
        A key of `SONG_CORPORA`.
    song : str
        Unique over all corpora, as "4q/MT0000040632".
    artist : str
        The group that a split keeps together: the artist's name in lower case, or the song
        itself where the artist is unknown.
    valence_sign, arousal_sign : {-1, 1} or None
        The quadrant's.
    rating : (float, float) or None
        Valence and arousal of the whole clip, in [-1, 1].
    curve : RatedCurve or None
        Valence and arousal over time.
    gems : tuple of float or None
        Share of listeners who felt each of `affect_words.GEMS_FEELINGS`, in [0, 1].
    moods, genres : tuple of str
        Words, as the corpus spells them.
    """

    path: Path | None
    corpus: str
    song: str
    artist: str
    valence_sign: int | None = None
    arousal_sign: int | None = None
    rating: tuple[float, float] | None = None
    curve: RatedCurve | None = None
    gems: tuple[float, ...] | None = None
    moods: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()

    @property
    def quadrant(self) -> str | None:
        """Q1 to Q4, by the signs or else by the rating; None if neither tells."""
        if self.valence_sign and self.arousal_sign:
            return QUADRANTS[self.valence_sign, self.arousal_sign]
        if self.rating is None or 0 in self.rating:
            return None
        valence, arousal = self.rating
        return QUADRANTS[1 if valence > 0 else -1, 1 if arousal > 0 else -1]
