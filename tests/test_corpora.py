import os
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

from emosync.labels import SPEECH_EMOTIONS
from emosync.training.corpora import (
    SPEECH_CORPORA,
    Clip,
    label_indices,
    read_corpus,
    read_speech,
)

DATA = Path(os.environ.get("EMOSYNC_DATA", ROOT.parent / "shared" / "data")) / "speech"

# Corpus, path below its folder, speaker, emotion.
NAMED = [
    ("ravdess", "Actor_01/03-01-01-01-01-01-01", "01", "neutral"),
    ("ravdess", "Actor_24/03-01-02-02-02-02-24", "24", "calm"),
    ("ravdess", "03-01-08-01-01-01-12", "12", "surprised"),
    ("cremad", "1001_DFA_ANG_XX", "1001", "angry"),
    ("cremad", "AudioWAV/1091_WSI_DIS_HI", "1091", "disgust"),
    ("cremad", "1040_ITH_SAD_X", "1040", "sad"),
    ("tess", "OAF_angry/OAF_back_angry", "OAF", "angry"),
    ("tess", "YAF_back_ps", "YAF", "surprised"),
    ("tess", "OA_bite_neutral", "OAF", "neutral"),
    ("tess", "OAF_Fear/OAF_date_Fear", "OAF", "fearful"),
    ("savee", "DC_a01", "DC", "angry"),
    ("savee", "KL_sa15", "KL", "sad"),
    ("savee", "JK_su02", "JK", "surprised"),
    ("savee", "AudioData/DC/a01", "DC", "angry"),
    ("savee", "AudioData/JE/sa15", "JE", "sad"),
    ("emodb", "wav/03a01Fa", "03", "happy"),
    ("emodb", "16b10Td", "16", "sad"),
    ("emodb", "08a02Ac", "08", "fearful"),
]
FOREIGN = [
    ("ravdess", "03-02-03-01-01-01-01.wav"),  # sung
    ("ravdess", "03-01-09-01-01-01-01.wav"),  # no such emotion
    ("ravdess", "._03-01-03-01-01-01-01.wav"),  # what macOS leaves in archives
    ("ravdess", "02-01-03-01-01-01-01.mp4"),  # a film without sound
    ("cremad", "1076_MTI_SAD_XX.wav"),  # silent
    ("cremad", "1001_DFA_XXX_XX.wav"),
    ("cremad", "1001_DFA_ANG_XX.csv"),
    ("tess", "OAF_back_bored.wav"),
    ("savee", "DC_x01.wav"),
    ("savee", "DC_a1.wav"),
    ("savee", "music/a01.wav"),
    ("emodb", "03a01La.wav"),  # boredom
    ("emodb", "03a01Fa.txt"),
]
# After EMO-DB's boredom; the data folder's README counts the files.
COUNTS = {"ravdess": 1200, "cremad": 6125, "tess": 2798, "savee": 360, "emodb": 350}
SPEAKERS = {"ravdess": 20, "cremad": 75, "tess": 2, "savee": 3, "emodb": 8}

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no recordings at {DATA}; EMOSYNC_DATA says where they are"
)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".WAV"])
@pytest.mark.parametrize(("corpus", "name", "speaker", "emotion"), NAMED)
def test_names_tell_speaker_and_emotion(
    tmp_path: Path, corpus: str, name: str, speaker: str, emotion: str, suffix: str
) -> None:
    path = touch(tmp_path / f"{name}{suffix}")
    assert read_corpus(corpus, tmp_path) == [Clip(path, corpus, f"{corpus}/{speaker}", emotion)]


@pytest.mark.parametrize(("corpus", "name"), FOREIGN)
def test_other_files_are_passed_over(tmp_path: Path, corpus: str, name: str) -> None:
    touch(tmp_path / name)
    assert read_corpus(corpus, tmp_path) == []


@pytest.mark.parametrize("corpus", SPEECH_CORPORA)
def test_no_reader_takes_the_names_of_another_corpus(tmp_path: Path, corpus: str) -> None:
    for _, name, _, _ in NAMED:
        touch(tmp_path / f"{name}.wav")
    own = {Path(name).name for owner, name, _, _ in NAMED if owner == corpus}
    assert {clip.path.stem for clip in read_corpus(corpus, tmp_path)} == own


@pytest.mark.parametrize("corpus", SPEECH_CORPORA.values(), ids=SPEECH_CORPORA)
def test_every_corpus_has_what_the_cards_say_of_it(corpus: object) -> None:
    for member in ("title", "licence", "citation"):
        text = getattr(corpus, member)
        assert isinstance(text, str)
        assert text.strip() == text != ""


def test_every_corpus_is_tested_here() -> None:
    assert {corpus for corpus, *_ in NAMED} == set(SPEECH_CORPORA) == set(COUNTS)


def test_corpora_are_found_below_their_own_names_in_order(tmp_path: Path) -> None:
    for corpus, name, _, _ in reversed(NAMED):
        touch(tmp_path / corpus / f"{name}.ogg")
    clips = read_speech(tmp_path)
    assert len(clips) == len(NAMED)
    assert list(dict.fromkeys(clip.corpus for clip in clips)) == list(SPEECH_CORPORA)
    for corpus in SPEECH_CORPORA:
        paths = [clip.path for clip in clips if clip.corpus == corpus]
        assert paths == sorted(paths)


def test_some_corpora_may_be_asked_for_and_some_may_be_absent(tmp_path: Path) -> None:
    touch(tmp_path / "savee" / "DC_a01.wav")
    touch(tmp_path / "emodb" / "03a01Fa.wav")
    assert {clip.corpus for clip in read_speech(tmp_path)} == {"savee", "emodb"}
    assert {clip.corpus for clip in read_speech(tmp_path, ["emodb", "tess"])} == {"emodb"}


def test_a_folder_without_any_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ravdess"):
        read_speech(tmp_path)


def test_labels_are_numbered_in_the_order_given(tmp_path: Path) -> None:
    touch(tmp_path / "DC_a01.wav")
    touch(tmp_path / "DC_sa01.wav")
    clips = read_corpus("savee", tmp_path)
    assert label_indices(clips) == [SPEECH_EMOTIONS.index(e) for e in ("angry", "sad")]
    assert label_indices(clips, ("sad", "angry")) == [1, 0]


@needs_data
@pytest.mark.parametrize(("corpus", "count"), COUNTS.items())
def test_the_recordings_are_all_found(corpus: str, count: int) -> None:
    clips = read_corpus(corpus, DATA / corpus)
    assert len(clips) == count
    assert len({clip.speaker for clip in clips}) == SPEAKERS[corpus]
    assert set(Counter(clip.emotion for clip in clips)) <= set(SPEECH_EMOTIONS)
