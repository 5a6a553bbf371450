"""The colour of each genre, the same in pictures and reports."""

from types import MappingProxyType
from typing import Final

from emosync.labels import GENRES

# Paul Tol's palette "muted" with a tenth: told apart with any kind of colour vision [1]_.
#
# .. [1] Tol (2021), "Colour Schemes", SRON/EPS/TN/09-002.
_PALETTE: Final = (
    "#332288",
    "#ddcc77",
    "#999933",
    "#cc6677",
    "#882255",
    "#44aa99",
    "#444444",
    "#aa4499",
    "#117733",
    "#88ccee",
)
GENRE_COLOURS: Final = MappingProxyType(dict(zip(GENRES, _PALETTE, strict=True)))
