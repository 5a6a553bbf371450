import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from emosync.labels import GENRES
from emosync.training.genre_corpora import (
    GenreTrack,
    genre_numbers,
    genre_sources,
    read_4q_genres,
    read_emotify_genres,
    read_genres,
    read_gtzan,
    track_folds,
)
from emosync.training.genre_repeats import repeat_groups

DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music"

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no music at {DATA}; EMOSYNC_DATA says where it is"
)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def make_gtzan(folder: Path, suffix: str = "wav") -> None:
    touch(
        *(
            folder / genre / f"{genre}.{number:05d}.{suffix}"
            for genre in GENRES
            for number in range(12)
        )
    )


@pytest.mark.parametrize("suffix", ["wav", "au", "ogg", "mp3", "AU"])
def test_gtzan_is_read_in_any_container(tmp_path: Path, suffix: str) -> None:
    make_gtzan(tmp_path, suffix)
    tracks = read_gtzan(tmp_path)
    assert [track.genre for track in tracks[::12]] == list(GENRES)
    assert len({track.group for track in tracks}) == len(tracks) == 120


def test_gtzan_may_lie_one_folder_deeper(tmp_path: Path) -> None:
    make_gtzan(tmp_path / "genres_original")
    touch(tmp_path / "images_original" / "blues" / "blues00000.png", tmp_path / "features.csv")
    assert len(read_genres(tmp_path)) == 120


def test_a_folder_without_genres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folders of genres"):
        read_gtzan(tmp_path)


def test_another_corpus_is_not_taken_for_gtzan(tmp_path: Path) -> None:
    make_gtzan(tmp_path / "emotify")
    with pytest.raises(FileNotFoundError, match="gtzan"):
        read_genres(tmp_path)


def test_repeats_share_a_group(tmp_path: Path) -> None:
    make_gtzan(tmp_path)
    groups = {t.path.stem: t.group for t in read_gtzan(tmp_path, repeat_groups)}
    assert groups["reggae.00003"] != groups["reggae.00005"]
    touch(tmp_path / "reggae" / "reggae.00054.wav")
    groups = {t.path.stem: t.group for t in read_gtzan(tmp_path, repeat_groups)}
    assert groups["reggae.00003"] == groups["reggae.00054"]


def test_only_excerpts_of_one_near_genre_have_a_label(tmp_path: Path) -> None:
    rows = ["Rap", "Pop/Rock", "Jazz; Vocal", "Reggae", "", "Electronic"]
    lines = [f"MT{i},Q1,1,1,,{genres},Artist {i},Title" for i, genres in enumerate(rows)]
    header = "song,quadrant,valence_sign,arousal_sign,moods,genres,artist,title"
    (tmp_path / "labels.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")
    touch(*(tmp_path / "Q1" / f"MT{i}.ogg" for i in range(len(rows))))
    tracks = read_4q_genres(tmp_path)
    assert [track.genre for track in tracks] == ["hiphop", None, None, "reggae", None, None]
    assert genre_numbers(tracks).tolist() == [4, -1, -1, 8, -1, -1]


def test_folds_keep_groups_and_genres_together() -> None:
    tracks = [
        GenreTrack(Path(f"{genre}.{n}"), "gtzan", genre, f"{genre}/{n // 2}")
        for genre in GENRES
        for n in range(20)
    ]
    fold_of = track_folds(tracks)
    for group in {track.group for track in tracks}:
        assert len({fold_of[i] for i, t in enumerate(tracks) if t.group == group}) == 1
    for genre in GENRES:
        in_genre = [fold_of[i] for i, t in enumerate(tracks) if t.genre == genre]
        assert np.bincount(in_genre, minlength=5).tolist() == [4] * 5


def test_cards_count_the_tracks_of_each_corpus() -> None:
    tracks = [GenreTrack(Path("a"), c, None, "") for c in ("gtzan", "4q", "gtzan")]
    assert [(s["name"], s["tracks"]) for s in genre_sources(tracks)] == [("GTZAN", 2), ("4Q", 1)]


@needs_data
def test_the_folder_holds_what_its_readme_says() -> None:
    tracks = read_genres(DATA, repeat_groups)
    counts = Counter((track.corpus, track.genre) for track in tracks)
    assert sum(n for (corpus, _), n in counts.items() if corpus == "gtzan") == 307
    assert counts["gtzan", "jazz"] == 73
    assert counts["4q", "reggae"] == 29
    assert sum(n for (corpus, _), n in counts.items() if corpus == "4q") == 708


@needs_data
def test_emotify_judges_classical_and_rock() -> None:
    counts = Counter(track.genre for track in read_emotify_genres(DATA / "emotify"))
    assert counts == {"classical": 100, "rock": 100}
