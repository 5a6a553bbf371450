"""Readers for the corpora that genres are learnt from, and the one that only judges.

GTZAN teaches. 4Q's excerpts to which AllMusic gives a single genre help, and all of 4Q is
heard by a student whose teacher answers. Emotify's classical and rock are never learnt from:
they tell how well a model does on another collection.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from emosync.labels import GENRES
from emosync.training.corpora import AUDIO_SUFFIXES
from emosync.training.song_corpora import SONG_CORPORA, read_song_corpus
from emosync.training.splits import N_FOLDS, Indices

# GTZAN's copies differ in length by genre, and a model must not learn it: no more than this
# is heard of any excerpt.
HEARD_S: Final = 15.0
GTZAN_TITLE: Final = "GTZAN"
GTZAN_LICENCE: Final = "research use"
GTZAN_CITATION: Final = "Tzanetakis and Cook 2002"
# AllMusic's genres with a near name in GTZAN. "Pop/Rock" covers three of them, R&B and
# Electronic none, so their excerpts have no label.
GENRE_OF_ALLMUSIC: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Blues": "blues",
        "Classical": "classical",
        "Country": "country",
        "Jazz": "jazz",
        "Rap": "hiphop",
        "Reggae": "reggae",
    }
)
# Emotify's other two, electronic and pop, are wider than GTZAN's names.
EMOTIFY_GENRES: Final = ("classical", "rock")
# From file names to the group of each: tracks that repeat each other share one.
RepeatGroups = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True)
class GenreTrack:
    """One recording, and its genre where it is known.

    Attributes
    ----------
    path : Path
        The file.
    corpus : {"gtzan", "4q", "emotify"}
        Where it is from.
    genre : str or None
        One of `labels.GENRES`; None where no name fits.
    group : str
        What a split keeps together: tracks that repeat each other, an artist's tracks.
    """

    path: Path
    corpus: str
    genre: str | None
    group: str


def read_gtzan(folder: Path, repeat_groups: RepeatGroups | None = None) -> list[GenreTrack]:
    """Read GTZAN: a folder per genre, wav, au or any container.

    Parameters
    ----------
    folder : Path
        Holds `blues/` to `rock/`, or a folder such as `genres/` that does.
    repeat_groups : callable, optional
        From names such as "blues.00000" to the number of each one's group; by default every
        track is its own.

    Returns
    -------
    list of GenreTrack
        Sorted by genre and name.

    Raises
    ------
    FileNotFoundError
        If there is no track of any genre.
    """
    paths = [
        path
        for genre in GENRES
        for place in sorted(folder.rglob(genre))
        for path in sorted(place.glob("*"))
        if path.suffix.lower() in AUDIO_SUFFIXES
    ]
    if not paths:
        raise FileNotFoundError(f"{folder} holds no folders of genres with recordings")
    names = [path.stem for path in paths]
    groups = repeat_groups(names) if repeat_groups else range(len(names))
    return [
        GenreTrack(path, "gtzan", path.parent.name, f"gtzan/{group}")
        for path, group in zip(paths, groups, strict=True)
    ]


def read_4q_genres(folder: Path) -> list[GenreTrack]:
    """Read 4Q, with a genre where AllMusic gives just one and GTZAN has a near name.

    Parameters
    ----------
    folder : Path
        Holds `labels.csv` and `Q1/` to `Q4/`.

    Returns
    -------
    list of GenreTrack
        All excerpts, sorted by name; groups are artists.
    """
    clips = read_song_corpus("4q", folder).clips
    tracks = [
        GenreTrack(clip.path, "4q", _only_genre(clip.genres), f"4q/{clip.artist}")
        for clip in clips
        if clip.path
    ]
    return sorted(tracks, key=lambda track: track.path.stem)


def read_emotify_genres(folder: Path) -> list[GenreTrack]:
    """Read Emotify's classical and rock excerpts, which only judge.

    Parameters
    ----------
    folder : Path
        Holds `labels_gems_mean.csv` and a folder per genre.

    Returns
    -------
    list of GenreTrack
    """
    clips = read_song_corpus("emotify", folder).clips
    return [
        GenreTrack(clip.path, "emotify", clip.genres[0], clip.song)
        for clip in clips
        if clip.path and clip.genres[0] in EMOTIFY_GENRES
    ]


def _only_genre(genres: Sequence[str]) -> str | None:
    return GENRE_OF_ALLMUSIC.get(genres[0]) if len(genres) == 1 else None


def read_genres(root: Path, repeat_groups: RepeatGroups | None = None) -> list[GenreTrack]:
    """Read GTZAN, and 4Q and Emotify where they are there.

    Parameters
    ----------
    root : Path
        Holds `gtzan/` and perhaps `4q/` and `emotify/`; or it is GTZAN's own folder.
    repeat_groups : callable, optional
        See `read_gtzan`.

    Returns
    -------
    list of GenreTrack

    Raises
    ------
    FileNotFoundError
        If there is no track of GTZAN.
    """
    folders = {path.name.casefold(): path for path in sorted(root.iterdir()) if path.is_dir()}
    if "gtzan" not in folders and folders.keys() & {"4q", "emotify"}:
        # Emotify's folders of genres would be taken for GTZAN's.
        raise FileNotFoundError(f"{root} holds no gtzan/")
    tracks = read_gtzan(folders.get("gtzan", root), repeat_groups)
    for corpus, read in (("4q", read_4q_genres), ("emotify", read_emotify_genres)):
        if corpus in folders:
            tracks += read(folders[corpus])
    return tracks


def genre_numbers(tracks: Iterable[GenreTrack]) -> Indices:
    """Give the place of each genre in `labels.GENRES`; -1 where no name fits."""
    order = {genre: number for number, genre in enumerate(GENRES)}
    return np.array([order.get(track.genre or "", -1) for track in tracks], np.int64)


def track_folds(tracks: Sequence[GenreTrack], *, n_folds: int = N_FOLDS, seed: int = 0) -> Indices:
    """Deal tracks to folds, so that none stands beside its repeat in another.

    Parameters
    ----------
    tracks : sequence of GenreTrack
        All with a genre.
    n_folds : int
        At least 2; each gets about the same share of every genre.
    seed : int
        Of the order in which groups are dealt.

    Returns
    -------
    ndarray of shape (n_tracks,)
        Fold of each track, 0 to n_folds - 1.
    """
    numbers = genre_numbers(tracks)
    groups = [track.group for track in tracks]
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    fold_of = np.zeros(len(tracks), np.int64)
    for fold, (_, held_out) in enumerate(splitter.split(numbers, numbers, groups)):
        fold_of[held_out] = fold
    return fold_of


def genre_sources(tracks: Iterable[GenreTrack]) -> list[dict[str, str | int]]:
    """Say for a card which corpora tracks are from, and how many are of each."""
    counts: dict[str, int] = {}
    for track in tracks:
        counts[track.corpus] = counts.get(track.corpus, 0) + 1
    return [{**_source(corpus), "tracks": n} for corpus, n in counts.items()]


def _source(corpus: str) -> dict[str, str]:
    if corpus == "gtzan":
        return {"name": GTZAN_TITLE, "licence": GTZAN_LICENCE, "citation": GTZAN_CITATION}
    known = SONG_CORPORA[corpus]
    return {"name": known.title, "licence": known.licence, "citation": known.citation}
