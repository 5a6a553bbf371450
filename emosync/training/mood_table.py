"""Reader of `data_moods.csv`: tracks with Spotify's audio features, their mood by playlist.

The table is that of a public project: the tracks of four playlists by Spotify, each named after
a mood. A label therefore says what its makers put together, not what listeners said of a track.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from emosync.framing import FloatArray
from emosync.labels import MOODS
from emosync.tracks import ALIASES
from emosync.training.song_tables import number, read_rows

MOOD_TABLE: Final = "data_moods.csv"
# What Spotify hears in a track. How many people play it, popularity, is none of it, and is
# told of no track by apps registered since 2026. The key's number has no order that a model
# could use, and nine in ten tracks have four beats.
TRACK_FEATURES: Final = (
    "danceability",
    "energy",
    "valence",
    "tempo",
    "loudness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
    "duration_ms",
)
_BETWEEN_ARTISTS: Final = re.compile(r"\s+(?:&|x|vs\.?|feat\.?|ft\.?|with)\s+|\s*[,;]\s*")


@dataclass(frozen=True)
class MoodTable:
    """Tracks with their moods.

    Attributes
    ----------
    names : tuple of str
        Of the features, as Spotify has them.
    X : ndarray of shape (n_tracks, n_features), float32
        In Spotify's units.
    labels : ndarray of shape (n_tracks,)
        Numbers of `labels.MOODS`.
    artists : ndarray of shape (n_tracks,)
        Number of each track's group: who ever played together is in one, and so is
        "Various Artists".
    """

    names: tuple[str, ...]
    X: FloatArray
    labels: npt.NDArray[np.int64]
    artists: npt.NDArray[np.int64]

    def columns(self, names: tuple[str, ...]) -> FloatArray:
        """Give some features: (n_tracks, n_names)."""
        return self.X[:, [self.names.index(name) for name in names]]


def read_mood_table(table: Path, names: tuple[str, ...] = TRACK_FEATURES) -> MoodTable:
    """Read the table.

    Parameters
    ----------
    table : Path
        `data_moods.csv`, or the folder that holds it.
    names : tuple of str
        Features to read.

    Returns
    -------
    MoodTable
        A song that stands in the table twice, or in two playlists, is read once.

    Raises
    ------
    ValueError
        If a feature is no number or a mood is unknown.
    """
    rows = read_rows(table / MOOD_TABLE if table.is_dir() else table)
    songs = {(row["name"].casefold(), row["artist"].casefold()): row for row in reversed(rows)}
    rows = list(reversed(songs.values()))
    columns = {ALIASES.get(column, column): column for column in rows[0]}
    X = np.array([[number(row[columns[name]]) for name in names] for row in rows], np.float32)
    if not np.isfinite(X).all():
        raise ValueError(f"{table} lacks features of some tracks")
    labels = np.array([MOODS.index(row["mood"]) for row in rows])
    return MoodTable(names, X, labels, artist_groups([row["artist"] for row in rows]))


def artist_groups(artists: list[str]) -> npt.NDArray[np.int64]:
    """Give artists that share a name one number.

    Parameters
    ----------
    artists : list of str
        Each may name several: "Dimitri Vangelis & Wyman".

    Returns
    -------
    ndarray of shape (n_artists,)
        Equal where any name is shared, directly or by way of others.
    """
    named = [{artist.casefold(), *_BETWEEN_ARTISTS.split(artist.casefold())} for artist in artists]
    node = {name: i for i, name in enumerate(sorted(set().union(*named)))}
    pairs = [(i, len(named) + node[name]) for i, names in enumerate(named) for name in names]
    row, column = np.array(pairs).T
    n = len(named) + len(node)
    graph = coo_array((np.ones(len(pairs)), (row, column)), shape=(n, n))
    groups: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return groups[: len(named)].astype(np.int64)
