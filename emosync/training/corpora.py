"""Readers for the speech corpora, in their original naming and any audio container.

Each reader finds the clips below a folder, wherever they lie in it, and reads emotion and
speaker from the file names; nothing is decoded here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from emosync.labels import (
    CREMAD_CODES,
    EMODB_CODES,
    RAVDESS_CODES,
    SAVEE_CODES,
    SPEECH_EMOTIONS,
    TESS_CODES,
)

AUDIO_SUFFIXES: Final = frozenset(
    {".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".au"}
    | {".caf", ".wma", ".amr", ".mp4", ".mov", ".3gp", ".webm", ".mkv", ".avi", ".flv", ".ts"}
)
# As its authors say, nothing was recorded.
CREMAD_SILENT: Final = frozenset({"1076_MTI_SAD_XX"})
SAVEE_SPEAKERS: Final = frozenset({"DC", "JE", "JK", "KL"})


@dataclass(frozen=True)
class Clip:
    """One recording of one speaker with one emotion.

    Attributes
    ----------
    path : Path
        The file.
    corpus : str
        A key of `SPEECH_CORPORA`.
    speaker : str
        Unique over all corpora, as "ravdess/03".
    emotion : str
        One of `labels.SPEECH_EMOTIONS`.
    """

    path: Path
    corpus: str
    speaker: str
    emotion: str


@dataclass(frozen=True)
class SpeechCorpus:
    """What a corpus is and how its names are read.

    Attributes
    ----------
    title, licence, citation : str
        For the cards of the models that learn from it.
    read_name : callable
        Path to (speaker, emotion), or None if the file belongs to something else.
    """

    title: str
    licence: str
    citation: str
    read_name: Callable[[Path], tuple[str, str] | None]


def _ravdess(path: Path) -> tuple[str, str] | None:
    # modality-channel-emotion-intensity-statement-repetition-actor; modality 02 is a film
    # without sound, channel 01 is speech.
    match = re.fullmatch(r"0[13]-01-(\d\d)-\d\d-\d\d-\d\d-(\d\d)", path.stem)
    return (match[2], RAVDESS_CODES[match[1]]) if match and match[1] in RAVDESS_CODES else None


def _cremad(path: Path) -> tuple[str, str] | None:
    match = re.fullmatch(r"(\d{4})_[A-Z]{3}_([A-Z]{3})_[A-Z]{1,2}", path.stem)
    if not match or path.stem in CREMAD_SILENT:
        return None
    return (match[1], CREMAD_CODES[match[2]]) if match[2] in CREMAD_CODES else None


def _tess(path: Path) -> tuple[str, str] | None:
    # One file of the older actress is named OA_, not OAF_.
    match = re.fullmatch(r"(OAF?|YAF)_[A-Za-z]+_(\w+)", path.stem)
    if not match or match[2].lower() not in TESS_CODES:
        return None
    return ("YAF" if match[1] == "YAF" else "OAF"), TESS_CODES[match[2].lower()]


def _savee(path: Path) -> tuple[str, str] | None:
    # DC_a01 where all speakers lie in one folder, DC/a01 where each has his own.
    match = re.fullmatch(r"(?:([A-Z]{2})_)?(sa|su|[adfhn])\d\d", path.stem)
    speaker = match and (match[1] or path.parent.name)
    return (speaker, SAVEE_CODES[match[2]]) if match and speaker in SAVEE_SPEAKERS else None


def _emodb(path: Path) -> tuple[str, str] | None:
    match = re.fullmatch(r"(\d\d)[ab]\d\d([A-Z])[a-z]?", path.stem)
    return (match[1], EMODB_CODES[match[2]]) if match and match[2] in EMODB_CODES else None


SPEECH_CORPORA: Final = MappingProxyType(
    {
        "cremad": SpeechCorpus("CREMA-D", "ODbL 1.0", "Cao et al. 2014", _cremad),
        "ravdess": SpeechCorpus(
            "RAVDESS", "CC BY-NC-SA 4.0", "Livingstone and Russo 2018", _ravdess
        ),
        "emodb": SpeechCorpus("EMO-DB", "free, cite the authors", "Burkhardt et al. 2005", _emodb),
        "savee": SpeechCorpus("SAVEE", "research use", "Haq and Jackson 2010", _savee),
        "tess": SpeechCorpus("TESS", "CC BY-NC-ND 4.0", "Pichora-Fuller and Dupuis 2020", _tess),
    }
)


def read_corpus(corpus: str, folder: Path) -> list[Clip]:
    """Find the clips of one corpus below a folder.

    Parameters
    ----------
    corpus : str
        A key of `SPEECH_CORPORA`.
    folder : Path
        Searched with its subfolders; other files in it are passed over.

    Returns
    -------
    list of Clip
        Sorted by path.
    """
    read_name = SPEECH_CORPORA[corpus].read_name
    clips = []
    for path in sorted(folder.rglob("*")):
        named = read_name(path) if path.suffix.lower() in AUDIO_SUFFIXES else None
        if named:
            clips.append(Clip(path, corpus, f"{corpus}/{named[0]}", named[1]))
    return clips


def read_speech(root: Path, corpora: Iterable[str] = SPEECH_CORPORA) -> list[Clip]:
    """Read every corpus that has a folder of its name below `root`.

    Parameters
    ----------
    root : Path
        Holds `ravdess/`, `cremad/`, `tess/`, `savee/`, `emodb/`, or some of them.
    corpora : iterable of str
        Which to read.

    Returns
    -------
    list of Clip

    Raises
    ------
    FileNotFoundError
        If no clip is found at all, or none in a corpus' folder that is there.
    """
    found = {corpus: read_corpus(corpus, root / corpus) for corpus in corpora}
    for corpus, clips in found.items():
        if not clips and (root / corpus).is_dir():
            title = SPEECH_CORPORA[corpus].title
            raise FileNotFoundError(f"{root / corpus} holds no file that is named as {title}'s are")
    if not any(found.values()):
        raise FileNotFoundError(f"{root} holds none of the folders {', '.join(SPEECH_CORPORA)}")
    return [clip for clips in found.values() for clip in clips]


def label_indices(clips: Iterable[Clip], labels: Sequence[str] = SPEECH_EMOTIONS) -> list[int]:
    """Give each clip's emotion as its position in `labels`."""
    return [labels.index(clip.emotion) for clip in clips]
