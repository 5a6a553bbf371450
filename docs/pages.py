"""Blocks of pages between two comments, and what belongs into them.

A block looks like this; what stands in it is replaced::

    <!-- block: errors -->
    ...
    <!-- end -->
"""

import re
from collections.abc import Mapping
from typing import Final

from docs import limit_table, scope_table, song_tables, tables, task_tables
from docs.example import answers
from docs.song_example import song_answers
from docs.tables import ROOT
from docs.task_example import task_answers

# Answers of models; they stay as they are while a model is missing.
SPOKEN: Final = ("predict", "classify-audio", "classify-audio-both")
SUNG: Final = ("song", "playback", "songs", "tags", "curve")
_BLOCK: Final = re.compile(r"(<!-- block: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def found_blocks(text: str) -> dict[str, str]:
    """Return the blocks of a page by name, without the line end that closes each."""
    return {match[2]: match[3].removesuffix("\n") for match in _BLOCK.finditer(text)}


def rewritten(texts: Mapping[str, str], blocks: Mapping[str, str]) -> dict[str, str]:
    """Put new text into the blocks of pages.

    Parameters
    ----------
    texts : mapping of str to str
        The pages by name.
    blocks : mapping of str to str
        Name to new text; every name must be in one page.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ValueError
        If the names in the pages and in `blocks` are not the same.
    """
    names = sorted(match[2] for text in texts.values() for match in _BLOCK.finditer(text))
    if names != sorted(blocks):
        raise ValueError(f"the pages have the blocks {names}, the code writes {sorted(blocks)}")
    return {
        page: _BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]]}\n{match[4]}", text)
        for page, text in texts.items()
    }


def read_pages() -> dict[str, str]:
    """Read the README and the pages of `docs/`, by their paths in the repository."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def blocks(texts: Mapping[str, str]) -> dict[str, str]:
    """Write every block of the pages anew.

    Parameters
    ----------
    texts : mapping of str to str
        The pages as they are. Their answers stay as they are while a model is missing.

    Returns
    -------
    dict of str to str
    """
    present = {name: block for text in texts.values() for name, block in found_blocks(text).items()}
    # A model that has not been judged yet is a rehearsal, and no reader should see it.
    cards = {method: card for method, card in tables.speech_cards().items() if card.get("figures")}
    songs = song_tables.song_cards()
    spoken = answers(present["predict"]) if cards.keys() >= {"whisper", "cnn", "svm"} else {}
    sung = song_answers(present) if song_tables.are_judged(songs) else {}
    genres, moods, faces = map(task_tables.task_cards, task_tables.TASKS)
    return {
        **{name: present[name] for name in (*SPOKEN, *SUNG)},
        **spoken,
        **sung,
        **task_answers(present),
        "models": tables.models(cards),
        "song-models": song_tables.song_models(songs),
        "accuracy": tables.accuracy(cards),
        "emotions": tables.emotions(cards),
        "protocols": tables.protocols(cards),
        "song-accuracy": song_tables.song_accuracy(songs),
        "song-quadrants": song_tables.song_quadrants(songs),
        "backbone": song_tables.backbone(songs),
        "song-protocol": song_tables.song_protocol(songs),
        "genre-models": task_tables.task_models(genres),
        "genre-accuracy": task_tables.genre_accuracy(genres),
        "genre-recalls": task_tables.genre_recalls(genres),
        "genre-protocols": task_tables.protocols(genres),
        "mood-models": task_tables.task_models(moods),
        "mood-accuracy": task_tables.mood_accuracy(moods),
        "recording-mood-accuracy": task_tables.recording_mood_accuracy(moods),
        "mood-protocols": task_tables.protocols(moods),
        "face-models": task_tables.task_models(faces),
        "face-accuracy": task_tables.face_accuracy(faces),
        "face-protocols": task_tables.protocols(faces),
        "configuration": tables.configuration(),
        "limits": limit_table.limits(),
        "scopes": scope_table.scopes(),
        "errors": tables.errors(),
        "modules": tables.modules(),
    }
