"""Clips of corpora that exist in name only."""

from pathlib import Path

from emosync.training.corpora import Clip


def clip(corpus: str, speaker: str, emotion: str, number: int = 0) -> Clip:
    path = Path(corpus) / f"{speaker}-{emotion}-{number}.wav"
    return Clip(path, corpus, f"{corpus}/{speaker}", emotion)
