"""GTZAN's repeats: the list, and the table held to it."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from emosync.labels import GENRES
from emosync.training.genre_repeats import artist_groups, repeat_groups

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music"
TABLE = DATA / "gtzan_features_30_sec.csv"
needs_table = pytest.mark.skipif(
    not TABLE.is_file(), reason=f"no table at {TABLE}; EMOSYNC_DATA says where the data is"
)

ALL = [f"{genre}.{number:05d}" for genre in GENRES for number in range(100)]
# In deviations per column, root mean square; the nearest tracks that are not repeats are by one
# artist and lie at 0.26 and more.
REPEATED = 0.25


def test_repeats_share_a_number_and_others_do_not() -> None:
    first, second, other = repeat_groups(["disco.00050", "disco.00070", "disco.00000"])
    assert first == second != other


def test_numbers_follow_the_names_order_and_count_from_0() -> None:
    assert repeat_groups(["pop.00022", "rock.00001", "pop.00015"]) == [0, 1, 0]


def test_a_recording_that_stands_under_two_genres_is_one() -> None:
    metal, rock = repeat_groups(["metal.00058", "rock.00016"])
    assert metal == rock


def test_an_artist_who_stands_under_two_genres_is_one() -> None:
    assert len(set(artist_groups(["metal.00059", "metal.00060", "rock.00016", "rock.00026"]))) == 1
    assert len(set(artist_groups(["jazz.00001", "classical.00057"]))) == 1
    assert len(set(artist_groups(["hiphop.00045", "reggae.00000"]))) == 1


def test_unknown_names_stand_alone() -> None:
    assert repeat_groups(["mine.1", "mine.2", "disco.00100"]) == [0, 1, 2]


def test_no_excerpt_is_listed_twice_and_artists_hold_their_songs() -> None:
    songs, artists = repeat_groups(ALL), artist_groups(ALL)
    assert len(set(songs)) == 917
    assert len(set(artists)) == 301
    artist_of: dict[int, int] = {}
    for song, artist in zip(songs, artists, strict=True):
        assert artist_of.setdefault(song, artist) == artist


@needs_table
def test_rows_of_the_table_that_are_nearly_equal_are_known_repeats() -> None:
    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [c for c in rows[0] if c not in ("filename", "length", "label")]
    X = np.array([[float(row[c]) for c in columns] for row in rows])
    spread = np.array([c.endswith("_var") for c in columns])
    X[:, spread] = np.log(X[:, spread] + 1e-12)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    groups = repeat_groups([row["filename"].removesuffix(".au") for row in rows])
    pairs = 0
    for i in range(len(X)):
        for j in np.flatnonzero(np.sqrt(((X[:i] - X[i]) ** 2).mean(axis=1)) < REPEATED):
            assert groups[i] == groups[j], (rows[i]["filename"], rows[j]["filename"])
            pairs += 1
    assert pairs == 32
