"""Blocks of a page between two comments, and what belongs into them.

A block looks like this; what stands in it is replaced::

    <!-- block: errors -->
    ...
    <!-- end -->
"""

import re
from collections.abc import Mapping
from typing import Final

from docs import tables
from docs.example import answers
from docs.tables import ROOT

README: Final = ROOT / "README.md"
_BLOCK: Final = re.compile(r"(<!-- block: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def found_blocks(text: str) -> dict[str, str]:
    """Return the blocks of a page by name, without the line end that closes each."""
    return {match[2]: match[3].removesuffix("\n") for match in _BLOCK.finditer(text)}


def rewritten(text: str, blocks: Mapping[str, str]) -> str:
    """Put new text into the blocks of a page.

    Parameters
    ----------
    text : str
        The page.
    blocks : mapping of str to str
        Name to new text; every name must be in the page.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the names in the page and in `blocks` are not the same.
    """
    names = sorted(match[2] for match in _BLOCK.finditer(text))
    if names != sorted(blocks):
        raise ValueError(f"the page has the blocks {names}, the code writes {sorted(blocks)}")
    return _BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]]}\n{match[4]}", text)


def blocks(text: str) -> dict[str, str]:
    """Write every block of README.md anew.

    Parameters
    ----------
    text : str
        The page as it is. Its answers stay as they are while a model is missing.

    Returns
    -------
    dict of str to str
    """
    present = found_blocks(text)
    # A model that has not been judged yet is a rehearsal, and no reader should see it.
    cards = {method: card for method, card in tables.speech_cards().items() if card.get("figures")}
    shown = {name: present[name] for name in ("predict", "classify-audio", "classify-audio-both")}
    return {
        **(answers(present["predict"]) if cards.keys() >= {"whisper", "cnn", "svm"} else shown),
        "models": tables.models(cards),
        "accuracy": tables.accuracy(cards),
        "emotions": tables.emotions(cards),
        "protocols": tables.protocols(cards),
        "configuration": tables.configuration(),
        "errors": tables.errors(),
        "modules": tables.modules(),
    }
