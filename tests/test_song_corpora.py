import os
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from emosync.training.affect_words import GEMS_FEELINGS
from emosync.training.song_clips import SongClip
from emosync.training.song_corpora import (
    AUDIO_CORPORA,
    SONG_CORPORA,
    read_song_corpus,
    read_songs,
    read_spotify,
)
from emosync.training.song_tables import artist_group, rescaled, song_number

DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "music"

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no music at {DATA}; EMOSYNC_DATA says where it is"
)
nan = float("nan")


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def touch(*paths: Path) -> None:
    for path in paths:
        write(path)


def make_4q(folder: Path) -> None:
    write(
        folder / "labels.csv",
        "song,quadrant,valence_sign,arousal_sign,moods,genres,artist,title",
        "MT01,Q2,-1,1,Angry; Calm/Peaceful,Pop/Rock; Jazz,Nobody ,One",
        'MT02,Q4,1,-1,Gentle,,,"Two, Too"',
        "MT03,Q1,1,1,,,Somebody,Gone",
        "MT04,,,nan,Sad,,Somebody,Without a quadrant",
    )
    touch(folder / "Q2" / "MT01.ogg", folder / "Q4" / "MT02.mp3", folder / "Q4" / "MT99.mp3")
    touch(folder / "MT04.mp3")


def make_emotify(folder: Path) -> None:
    write(
        folder / "labels_gems_mean.csv",
        f"track_id,genre,path,duration_s,n_annotations,{','.join(GEMS_FEELINGS)},liked,disliked",
        "1,classical,data/emotifymusic/classical/1.mp3,60,9,0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,1,0",
        "101,rock,data\\emotifymusic\\rock\\1.mp3,60,9,1,0,0,0,0,0,0,0,0,1,0",
        "102,rock,data/emotifymusic/rock/2.mp3,60,9,,0,0,0,0,0,0,0,0,1,0",
    )
    touch(folder / "classical" / "1.ogg", folder / "rock" / "1.ogg", folder / "rock" / "2.ogg")


def make_deam(folder: Path) -> None:
    averaged = folder / "annotations" / "annotations averaged per song"
    write(
        averaged / "song_level" / "static_annotations_averaged_songs_1_2000.csv",
        "song_id, valence_mean, valence_std, arousal_mean, arousal_std",
        "2,3.0,0.9,9.0,0.6",
        "3,5.0,1.0,nan,1.0",
        "4,5.0,1.0,5.0,1.0",
    )
    write(
        averaged / "song_level" / "static_annotations_averaged_songs_2000_2058.csv",
        "song_id, valence_mean, valence_std, valence_ max_mean, arousal_mean, arousal_std",
        "2001,7.0,1.0,8.0,1.0,1.0",
    )
    dynamic = averaged / "dynamic (per second annotations)"
    write(
        dynamic / "arousal.csv",
        "song_id,sample_15000ms,sample_15500ms,sample_16000ms,sample_16500ms",
        "2,-0.10,-0.20,-0.30,",
        "3,,,,",
    )
    write(
        dynamic / "valence.csv",
        "song_id,sample_15000ms,sample_15500ms,sample_16000ms",
        "2,0.1,nan,0.3",
        "3,0.1,0.2,0.3",
    )
    each = folder / "annotations" / "annotations per each rater"
    write(each / "dynamic (per second annotations)" / "arousal" / "2.csv", "sample_15000ms", "0.9")
    # The three years' tables differ, and rows are longer than the header.
    write(
        folder / "metadata" / "metadata_2013.csv",
        "song_id,file_name,Artist,Song title,start of the segment (min.sec),Genre",
        "2,2.mp3,\tThe New Mystikal Troubadours ,Title\t,2.32,Blues,x,y",
    )
    write(
        folder / "metadata" / "metadata_2014.csv",
        "Id,Artist,Album,Track,Genre,segment start,segment end",
        "4,Dead Combo,Album,Track,International,0,45",
    )
    write(
        folder / "metadata" / "metadata_2015.csv",
        "id,Filename,title,artist,album,genre",
        "2001,a.mp3,Title,Fulton Lights,Album,Rock",
    )
    audio = folder / "MEMD_audio"
    touch(audio / "2.mp3", audio / "3.mp3", audio / "2001.mp3", folder / "full" / "2.mp3")


def make_emomusic(folder: Path) -> None:
    annotations = folder / "annotations"
    write(
        annotations / "static_annotations.csv",
        "song_id,mean_arousal,std_arousal,mean_valence,std_valence",
        "2,9.0,1.4,3.0,1.8",
        "12,1.0,1.4,5.0,1.8",
    )
    for axis, value in ("arousal", -0.5), ("valence", 0.25):
        write(
            annotations / f"{axis}_cont_average.csv",
            "song_id,sample_15000ms,sample_15500ms",
            f"2,{value},{value}",
        )
    write(
        annotations / "songs_info.csv",
        "song_id,file_name,Artist,Song title,Genre,Mediaeval 2013 set",
        '2,2.mp3,"The New  Mystikal Troubadours",Title,Blues,development',
    )
    clips = folder / "clips_45sec" / "clips_45seconds"
    touch(clips / "2.mp3", clips / "12.mp3", folder / "a whole song" / "2.mp3")


def make_pmemo(folder: Path) -> None:
    write(
        folder / "annotations" / "static_annotations.csv",
        "musicId,Arousal(mean),Valence(mean)",
        "1,0.4,0.575",
        "4,1.0,0.0",
    )
    write(
        folder / "annotations" / "dynamic_annotations.csv",
        "musicId,frameTime,Arousal(mean),Valence(mean)",
        "1,15.5,0.5,1.0",
        "1,15.0,0.25,0.75",
        "1,16.0,,0.5",
    )
    write(
        folder / "metadata.csv",
        "musicId,fileName,title,artist,album,duration,chorus_start_time,chorus_end_time",
        "1,1.mp3,Good Drank,2 Chainz,Pretty Girls,214,02:35,03:10",
    )
    touch(folder / "chorus" / "1.mp3", folder / "chorus" / "4.mp3")


MAKERS: dict[str, Callable[[Path], None]] = {
    "4q": make_4q,
    "emotify": make_emotify,
    "deam": make_deam,
    "emomusic": make_emomusic,
    "pmemo": make_pmemo,
}


def found(tmp_path: Path, corpus: str) -> dict[str, SongClip]:
    MAKERS[corpus](tmp_path)
    return {clip.song: clip for clip in read_song_corpus(corpus, tmp_path).clips}


def test_4q_tells_signs_words_genres_and_artists(tmp_path: Path) -> None:
    clips = found(tmp_path, "4q")
    assert clips["4q/MT01"] == SongClip(
        tmp_path / "Q2" / "MT01.ogg",
        "4q",
        "4q/MT01",
        "nobody",
        valence_sign=-1,
        arousal_sign=1,
        moods=("Angry", "Calm/Peaceful"),
        genres=("Pop/Rock", "Jazz"),
    )
    assert [clip.quadrant for clip in clips.values()] == ["Q2", "Q4", None]
    assert clips["4q/MT02"].artist == "4q/MT02"


def test_emotify_tells_shares_of_feelings_of_the_file_in_the_path(tmp_path: Path) -> None:
    clips = found(tmp_path, "emotify")
    assert clips["emotify/1"].gems == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert clips["emotify/101"].path == tmp_path / "rock" / "1.ogg"
    assert clips["emotify/101"].genres == ("rock",)
    assert len({clip.artist for clip in clips.values()}) == len(clips)


def test_a_missing_share_makes_the_feelings_unknown(tmp_path: Path) -> None:
    assert found(tmp_path, "emotify")["emotify/102"].gems is None


def test_deam_tells_ratings_of_both_tables_and_the_artists_of_three(tmp_path: Path) -> None:
    clips = found(tmp_path, "deam")
    assert clips["deam/2"].rating == (-0.5, 1.0)
    assert clips["deam/2001"].rating == (0.5, -1.0)
    assert clips["deam/2"].path == tmp_path / "MEMD_audio" / "2.mp3"
    assert clips["deam/2"].artist == "the new mystikal troubadours"
    assert clips["deam/2001"].artist == "fulton lights"
    assert clips["deam/2001"].genres == ("Rock",)
    assert clips["deam/2"].quadrant == "Q2"


def test_a_rating_that_is_no_number_is_unknown(tmp_path: Path) -> None:
    clip = found(tmp_path, "deam")["deam/3"]
    assert clip.rating is None
    assert clip.quadrant is None
    assert clip.artist == "deam/3"


def test_deams_curves_hold_the_times_that_both_tables_have(tmp_path: Path) -> None:
    clips = found(tmp_path, "deam")
    curve = clips["deam/2"].curve
    assert curve is not None
    np.testing.assert_allclose(curve.time_s, [15, 16])
    np.testing.assert_allclose(curve.valence, [0.1, 0.3])
    np.testing.assert_allclose(curve.arousal, [-0.1, -0.3])
    assert clips["deam/3"].curve is None
    assert clips["deam/2001"].curve is None


def test_emomusic_tells_ratings_curves_and_artists_of_the_clips(tmp_path: Path) -> None:
    clips = found(tmp_path, "emomusic")
    clip = clips["emomusic/2"]
    assert clip.path == tmp_path / "clips_45sec" / "clips_45seconds" / "2.mp3"
    assert clip.rating == (-0.5, 1.0)
    assert clip.curve is not None
    np.testing.assert_allclose(clip.curve.time_s, [15, 15.5])
    np.testing.assert_allclose(clip.curve.arousal, [-0.5, -0.5])
    np.testing.assert_allclose(clip.curve.valence, [0.25, 0.25])
    assert clips["emomusic/12"].curve is None


def test_deam_and_emomusic_share_their_groups(tmp_path: Path) -> None:
    make_deam(tmp_path / "DEAM")
    make_emomusic(tmp_path / "emoMusic")
    groups = {clip.song: clip.artist for clip in read_songs(tmp_path).clips}
    assert groups["deam/2"] == groups["emomusic/2"] == "the new mystikal troubadours"
    assert groups["emomusic/12"] == "deam/12"


def test_pmemo_tells_ratings_and_curves_on_our_scale(tmp_path: Path) -> None:
    clips = found(tmp_path, "pmemo")
    clip = clips["pmemo/1"]
    assert clip.rating == pytest.approx((0.15, -0.2))
    assert clips["pmemo/4"].rating == (-1.0, 1.0)
    assert clip.artist == "2 chainz"
    assert clip.curve is not None
    np.testing.assert_allclose(clip.curve.time_s, [15, 15.5])
    np.testing.assert_allclose(clip.curve.valence, [0.5, 1.0])
    np.testing.assert_allclose(clip.curve.arousal, [-0.5, 0.0])


@pytest.mark.parametrize(
    ("corpus", "missing"), [("4q", 1), ("emotify", 0), ("deam", 1), ("emomusic", 0), ("pmemo", 0)]
)
def test_songs_without_a_recording_are_counted(tmp_path: Path, corpus: str, missing: int) -> None:
    MAKERS[corpus](tmp_path)
    result = read_song_corpus(corpus, tmp_path)
    assert result.n_missing == {corpus: missing}
    assert all(clip.path is not None for clip in result.clips)


@pytest.mark.parametrize("corpus", AUDIO_CORPORA)
def test_any_container_will_do(tmp_path: Path, corpus: str) -> None:
    MAKERS[corpus](tmp_path)
    before = [clip.song for clip in read_song_corpus(corpus, tmp_path).clips]
    for path in [*tmp_path.rglob("*.mp3"), *tmp_path.rglob("*.ogg")]:
        path.rename(path.with_suffix(".FLAC"))
    after = read_song_corpus(corpus, tmp_path).clips
    assert [clip.song for clip in after] == before
    assert {clip.path.suffix for clip in after if clip.path} == {".FLAC"}


@pytest.mark.parametrize("corpus", ["deam", "emomusic", "pmemo"])
def test_ratings_will_do_without_curves_and_artists(tmp_path: Path, corpus: str) -> None:
    MAKERS[corpus](tmp_path)
    for table in tmp_path.rglob("*.csv"):
        if not table.name.startswith("static"):
            table.unlink()
    clips = read_song_corpus(corpus, tmp_path).clips
    assert clips
    assert {clip.curve for clip in clips} == {None}
    assert len({clip.artist for clip in clips}) == len(clips)


@pytest.mark.parametrize("corpus", AUDIO_CORPORA)
def test_a_folder_without_the_corpus_table_is_an_error(tmp_path: Path, corpus: str) -> None:
    touch(tmp_path / "1.mp3")
    with pytest.raises(FileNotFoundError, match="csv"):
        read_song_corpus(corpus, tmp_path)


def test_corpora_are_found_below_their_own_names_in_order(tmp_path: Path) -> None:
    for corpus, name in ("pmemo", "PMEmo2019"), ("emotify", "Emotify"), ("4q", "4q"):
        MAKERS[corpus](tmp_path / name)
    result = read_songs(tmp_path)
    corpora = list(dict.fromkeys(clip.corpus for clip in result.clips))
    assert corpora == ["4q", "emotify", "pmemo"]
    assert result.n_missing == {"4q": 1, "emotify": 0, "pmemo": 0}
    assert {clip.corpus for clip in read_songs(tmp_path, ["pmemo", "deam"]).clips} == {"pmemo"}


def test_a_folder_without_any_recording_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="emotify"):
        read_songs(tmp_path)


def test_the_spotify_table_has_estimates_on_our_scale_and_statistics(tmp_path: Path) -> None:
    write(
        tmp_path / "spotify_valence_energy.csv",
        "spotify_id,mfcc_1_mean,zcr_std,artist,track_name,valence,energy,instrumentalness",
        "a,26.931,0.1,Elysion,Made of Lies,0.25,1.0,0",
        "b,,0.2,,Untold,0.5,0.5,0",
        "c,1,0.2,Lost,Nothing known,,0.5,0",
    )
    table = read_spotify(tmp_path)
    assert table.names == ("mfcc_1_mean", "zcr_std")
    assert [clip.rating for clip in table.clips] == [(-0.5, 1.0), (0.0, 0.0)]
    assert [clip.artist for clip in table.clips] == ["elysion", "spotify/b"]
    np.testing.assert_allclose(table.values, [[26.931, 0.1], [nan, 0.2]], rtol=1e-6)
    assert {clip.path for clip in SONG_CORPORA["spotify"].read(tmp_path)} == {None}


@pytest.mark.parametrize(
    ("artist", "group"),
    [
        (" Enya\t", "enya"),
        ("ENYA", "enya"),
        ('"The  Beatles"', "the beatles"),
        ("Einst\u00c3\u00bcrzende Neubauten", "einst\u00fcrzende neubauten"),
        ("Bj\u00f6rk", "bj\u00f6rk"),
        ("", "song"),
        ("Unknown", "song"),
        ("Various Artists", "song"),
    ],
)
def test_an_artist_is_one_group_however_spelled(artist: str, group: str) -> None:
    assert artist_group(artist, "song") == group


@pytest.mark.parametrize(
    ("text", "value"), [("1", -1), ("5", 0), ("9", 1), ("9.4", 1), ("", nan), ("x", nan)]
)
def test_nine_points_become_minus_one_to_one(text: str, value: float) -> None:
    assert rescaled(text, 1, 9) == pytest.approx(value, nan_ok=True)


def test_a_songs_number_is_written_as_its_file_is_named() -> None:
    assert [song_number(text) for text in ("12", "12.0", "", "nan")] == ["12", "12", None, None]


@pytest.mark.parametrize("corpus", SONG_CORPORA.values(), ids=SONG_CORPORA)
def test_every_corpus_has_what_the_cards_say_of_it(corpus: object) -> None:
    for member in ("title", "licence", "citation", "judged"):
        text = getattr(corpus, member)
        assert isinstance(text, str)
        assert text.strip() == text != ""


def test_every_corpus_with_recordings_is_tested_here() -> None:
    assert list(MAKERS) == list(AUDIO_CORPORA)
    assert set(SONG_CORPORA) - set(AUDIO_CORPORA) == {"spotify"}


def test_a_clip_may_stand_in_a_set(tmp_path: Path) -> None:
    clips = found(tmp_path, "deam")
    assert len({*clips.values(), *clips.values()}) == len(clips)
    assert {field.name for field in fields(SongClip)} >= {"rating", "curve", "gems", "moods"}


@needs_data
def test_the_songs_in_the_data_folder_are_all_found() -> None:
    result = read_songs(DATA, ["4q", "emotify"])
    assert Counter(clip.corpus for clip in result.clips) == {"4q": 708, "emotify": 400}
    assert result.n_missing["4q"] == result.n_missing["emotify"] == 0
    assert len({clip.path for clip in result.clips}) == len(result.clips)
    quadrants = {clip.quadrant for clip in result.clips if clip.corpus == "4q"}
    assert quadrants == {"Q1", "Q2", "Q3", "Q4"}
    for clip in result.clips:
        assert clip.path is not None
        assert clip.corpus != "4q" or clip.path.parent.name == clip.quadrant
        assert clip.corpus != "emotify" or clip.path.parent.name == clip.genres[0]


@needs_data
def test_the_spotify_table_in_the_data_folder_is_whole() -> None:
    table = read_spotify(DATA)
    assert table.values.shape == (len(table.clips), len(table.names)) == (6473, 34)
    assert np.isfinite(table.values).all()
