"""Slices of a recording, which genres are told from."""

from typing import Final

GENRE_SLICE_S: Final = 1.4
