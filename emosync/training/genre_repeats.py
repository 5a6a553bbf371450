"""Which of GTZAN's excerpts repeat each other, and which are by one artist.

GTZAN names no artists, and holds some songs more than once: copied bit by bit, cut from two
places of one recording, or played in two versions. Whoever lets such a pair stand on both
sides of a split measures memory. The lists follow Sturm's index of artists and titles; every
pair of rows in the Kaggle table that lies closer than 0.3 deviations is in them.

References
----------
.. [1] Sturm (2013), "The GTZAN dataset: its contents, its faults, their effects on
   evaluation, and its future use", arXiv:1306.1461, and its index of artists and titles.
.. [2] Tzanetakis, Cook (2002), "Musical genre classification of audio signals".
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

# Numbers of excerpts; commas join one group. Same artist and title, whatever the recording.
SAME_SONG: Final[Mapping[str, str]] = MappingProxyType(
    {
        "blues": "24,28",
        "classical": "42,53 44,48 51,80",
        "country": "8,51 46,47",
        "disco": "38,78 50,51,70 55,60,89 66,69 71,74 98,99",
        "hiphop": "1,42 2,32 20,36 39,45 46,65 47,67 48,68 49,69 50,72 76,78",
        "jazz": "33,51 34,53 35,55 36,58 37,60 38,62 39,65 40,67 42,68 43,69 44,70 45,71 46,72 "
        "91,92",
        "metal": "4,13 33,74 34,94 40,61 41,62 42,63 43,64 44,65 45,66",
        "pop": "10,14 15,21,22,37 16,17 30,31 45,46 47,48,51,80 52,54,57,60 56,59 67,71 68,73 "
        "74,77 75,82 87,90 88,89 93,94",
        "reggae": "3,54 5,56 7,59 8,57 10,60 13,58 23,55 33,44 41,69 73,74 75,91,92 80-82",
    }
)
# Composers in classical music. What Sturm could not name counts with its neighbours where the
# same artist stands on both sides, and alone elsewhere.
SAME_ARTIST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "blues": "0-11 12-28 29-39 40-49 50-60 61-72 73-84 85-97 98-99",
        "classical": "0-10 11-29 30-33 34-37 38-41 42,53 43,45 44,48 47,52,55,57 49,77-79 "
        "51,80,81 58,60 63-67 68-76 82-88 89-99",
        "country": "5,45 8,50-64 12,27 15,49 16,41 19,26,65-80 46,47 81-93 94-99",
        "disco": "1,21,38,78 4,48 13,46,47,95 15,41 16,56,59 17,24,44,45 22,28,30,35,37 23,26 "
        "25,29,34 49-51,70,71,73,74 52,75,90 55,60,89 62,79 63,98,99 66,69 67,68,72",
        "hiphop": "1,7,41,42 2,4,32 3,5,6 8-25,36 39,40,45 43,44 46-51,62-75 55-61 76,78 79,80 "
        "81-98",
        "jazz": "0,1 2-10 11-24 25-32 33-72 73-77 83-86 87-92 94-99",
        "metal": "2,5,34,92-94 4,12-15 22,85 25,30 28,31 33,38,39,73-75,78,83,87 40-45,61-66 "
        "46-57 58-60 67,70 68,77 69,84,90,91 71,79,80 81,82 95-99",
        "pop": "0,87-96 2,97-99 3-9 10,14 11,12,39,40,42 15-38 44-51,80 52-62 67-73 74-78,82 84-86",
        "reggae": "0-27,54-60,87 33,42,44,50,63 41,49,69 46-48,64-68,71 61,73,74 70,76-78 "
        "75,91-93 80-82 83,84 85,94-99",
        "rock": "0-9 10-15 16-26 28-31,33,35,37 32,39-48 49-56 57-63 64-70 71-78 79-85 91-99",
    }
)
# One recording of Queen stands under two genres; the others are artists.
SONG_ACROSS: Final = (("metal.00058", "rock.00016"),)
ARTIST_ACROSS: Final = (
    ("metal.00058", "rock.00016"),
    ("metal.00081", "rock.00038"),
    ("jazz.00000", "classical.00047"),
    ("hiphop.00039", "reggae.00087"),
)


def repeat_groups(names: Sequence[str]) -> list[int]:
    """Give excerpts numbers such that repeats of one song have one number.

    Parameters
    ----------
    names : sequence of str
        As "blues.00012", without the file's suffix. A name that GTZAN does not know is a song
        of its own.

    Returns
    -------
    list of int
        Excerpts with equal numbers must stay on one side of a split.
    """
    return _numbered(names, _keys(SAME_SONG, SONG_ACROSS))


def artist_groups(names: Sequence[str]) -> list[int]:
    """Give excerpts numbers such that those of one artist, repeats or not, have one number.

    Parameters
    ----------
    names : sequence of str
        See `repeat_groups`.

    Returns
    -------
    list of int
        Stricter than `repeat_groups`: what shares a number there shares one here.
    """
    return _numbered(names, _keys(SAME_ARTIST, ARTIST_ACROSS))


def _numbered(names: Sequence[str], keys: Mapping[str, str]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(keys.get(name, name), len(numbers)) for name in names]


def _keys(listed: Mapping[str, str], across: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give for each listed excerpt the first of its group."""
    keys: dict[str, str] = {}
    for genre, groups in listed.items():
        for group in groups.split():
            names = [f"{genre}.{number:05d}" for number in _numbers(group)]
            keys |= dict.fromkeys(names, names[0])
    for first, second in across:
        old, new = keys.get(second, second), keys.get(first, first)
        keys |= {name: new for name, key in keys.items() if key == old} | {second: new}
        keys.setdefault(first, new)
    return keys


def _numbers(group: str) -> list[int]:
    """Read "3,5-7" as 3, 5, 6, 7."""
    numbers: list[int] = []
    for part in group.split(","):
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers
