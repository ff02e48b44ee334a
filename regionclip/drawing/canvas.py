"""The picture being drawn on: its style and sizes, written plates, and which places are taken."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.drawing.colours import Colour, ink
from regionclip.drawing.style import Style
from regionclip.drawing.text import TextPainter, drawable, text_painter
from regionclip.frames import Frame

Rect = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels; x2 and y2 are outside."""

_SMALLEST = 11
"""Pixels to the em below which Chinese cannot be read."""

_LONGEST = 300
"""Characters of a text that are looked at: more than half the width of any frame holds."""


class Canvas:
    """A frame to be drawn on in place.

    Attributes:
        pixels: `(H, W, 3)`.
        style: how to draw.
        size: of the text, pixels to the em: 14 at 480p, 18 at 720p, 26 at 1080p, 47 at 4K.
        line: thickness of lines in pixels.
        taken: rectangles of text, which later text keeps away from.
    """

    def __init__(self, pixels: Frame, style: Style) -> None:
        self.pixels = pixels
        self.style = style
        self.size = max(_SMALLEST, round((4 + min(pixels.shape[:2]) / 50) * style.scale))
        self.line = max(1, round(self.size / 9))
        self.taken: list[Rect] = []
        self._painter = text_painter(style.font)

    @property
    def height(self) -> int:
        """H."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """W."""
        return int(self.pixels.shape[1])

    def plate(self, parts: Sequence[str], colour: Colour, *, size: int = 0, limit: int = 0) -> Frame:
        """Parts of a label side by side on a plate of one colour, `(h, w, 3)`.

        Args:
            parts: each is kept as a picture of its own, so that a number that changes costs little. Where the plate
                would be too wide the longest are cut and end with an ellipsis.
            colour: of the plate; the text is black or white.
            size: pixels to the em; 0 takes the canvas's.
            limit: greatest width in pixels; 0 takes the canvas's.
        """
        size, limit = size or self.size, min(limit or self.width, self.width)
        kept = [part[:_LONGEST] for part in parts if part]
        pieces = [_piece(self._painter, part, size, colour) for part in kept]
        end = _piece(self._painter, "", size, colour)
        widths = [piece.shape[1] for piece in pieces]
        if sum(widths) + end.shape[1] > limit:
            for place in sorted(range(len(kept)), key=lambda place: -widths[place]):
                excess = sum(widths) + end.shape[1] - limit
                aim = max(widths[place] - max(0, excess), min(limit // 3, widths[place]))
                pieces[place] = _shortened(self._painter, kept[place], size, colour, aim)
                widths[place] = pieces[place].shape[1]
        return np.concatenate([*pieces, end], axis=1)[:, :limit]

    def put(self, plate: Frame, x: int, y: int) -> None:
        """Put text down with its upper left corner at `(x, y)`; later text keeps away from it.

        What is outside the frame is left out.
        """
        x1, y1 = max(0, x), max(0, y)
        x2, y2 = min(self.width, x + plate.shape[1]), min(self.height, y + plate.shape[0])
        if x1 < x2 and y1 < y2:
            self.pixels[y1:y2, x1:x2] = plate[y1 - y : y2 - y, x1 - x : x2 - x]
            self.taken.append((x1, y1, x2, y2))

    def outline(self, points: NDArray[np.int32], colour: Colour, thickness: int, *, closed: bool = True) -> None:
        """Draw lines through points `(K, 2)` in pixels."""
        cv2.polylines(self.pixels, [points.reshape(-1, 1, 2)], closed, colour, thickness, cv2.LINE_AA)


@lru_cache(maxsize=1024)
def _piece(painter: TextPainter, text: str, size: int, colour: Colour) -> Frame:
    """A space and then `text` on `colour`, `(h, w, 3)`; not to be written to."""
    share = painter.mask(drawable(text, painter), size).astype(np.float32) / 255  # (h, w)
    share = np.pad(share, ((0, 0), (max(2, size // 4), 0)))[:, :, None]  # (h, w, 1)
    blend = np.array(colour, np.float32) * (1 - share) + np.array(ink(colour), np.float32) * share
    piece = np.rint(blend).astype(np.uint8)
    piece.flags.writeable = False
    return piece


@lru_cache(maxsize=256)
def _shortened(painter: TextPainter, text: str, size: int, colour: Colour, limit: int) -> Frame:
    """`text` cut and ended with an ellipsis so that its piece is at most `limit` pixels wide, as far as that can be."""
    best = _piece(painter, text, size, colour)
    if best.shape[1] <= limit:
        return best
    least, most = 0, len(text) - 1
    best = _piece(painter, "…", size, colour)
    while least < most:  # the greatest number of characters that fit
        middle = (least + most + 1) // 2
        cut = _piece(painter, text[:middle].rstrip() + "…", size, colour)
        if cut.shape[1] <= limit:
            least, best = middle, cut
        else:
            most = middle - 1
    return best
