"""The picture in a report: as large as can be, with what follows on its page where that fits."""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from PIL import Image as pillow
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable, KeepTogether, Spacer

from emosync.canvas import DPI, HEAD_IN
from emosync.sheet import WIDTH

Section = list[Flowable]

# A picture that is shrunk for what follows keeps so much of its height: letters must be read.
LEAST_SHARE: Final = 0.85
# The least pixels per point of paper.
LEAST_DENSITY: Final = 1.0


class Picture(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A picture as wide as the text, but no higher than the page has room.

    Parameters
    ----------
    panels : bytes
        PNG.
    below : sequence of Flowable
        What follows; the picture is shrunk where that lets all of it end on the page.
    least_share : float in [0, 1]
        So much of the height is left when it is shrunk for what follows.
    headless : bool
        Whether to leave out the head that `canvas.head` wrote: the report has its own.
    """

    def __init__(
        self, panels: bytes, below: Sequence[Flowable], *, least_share: float, headless: bool
    ) -> None:
        super().__init__()
        self._image = _without_head(panels) if headless else ImageReader(io.BytesIO(panels))
        self._below = below
        self._least_share = least_share

    def wrap(self, aW: float, aH: float) -> tuple[float, float]:
        """Choose the size: at best all that follows has room as well."""
        width_px, height_px = self._image.getSize()
        natural = min(WIDTH, width_px / LEAST_DENSITY) * height_px / width_px
        left = aH - self._height_below(aW)
        fitting = min(natural, aH)
        self.height = min(natural, left) if left >= self._least_share * natural else fitting
        self.width = self.height * width_px / height_px
        self._indent = (aW - self.width) / 2
        return aW, self.height

    def _height_below(self, width: float) -> float:
        """Measure what follows, in points; of two spaces that meet, the larger counts."""
        heights = (part.wrapOn(self.canv, width, A4[1])[1] for part in self._below)
        spaces = (
            max(part.getSpaceAfter(), following.getSpaceBefore())
            for part, following in itertools.pairwise([Spacer(0, 0), *self._below])
        )
        return float(sum(heights) + sum(spaces))

    def draw(self) -> None:
        """Draw it in the middle of the line."""
        self.canv.drawImage(self._image, self._indent, 0, self.width, self.height, mask="auto")


def picture(
    panels: bytes,
    sections: Iterable[Section],
    *,
    least_share: float = LEAST_SHARE,
    headless: bool = True,
) -> Iterator[Flowable]:
    """Yield the picture, and the sections that follow it.

    Parameters
    ----------
    panels : bytes
        PNG.
    sections : iterable of list of Flowable
        Each is kept on one page.
    least_share, headless
        As for `Picture`.
    """
    kept = list(sections)
    below = list(itertools.chain(*kept))
    yield Picture(panels, below, least_share=least_share, headless=headless)
    yield from map(KeepTogether, kept)


def _without_head(panels: bytes) -> ImageReader:
    """Cut off the title and the line of facts, which a report prints itself."""
    with pillow.open(io.BytesIO(panels)) as image:
        head_px = round(HEAD_IN * DPI)
        return ImageReader(image.convert("RGB").crop((0, head_px, *image.size)))
