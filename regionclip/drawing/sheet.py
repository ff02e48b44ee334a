"""A contact sheet: what boxes show, side by side, with a few words below each."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from regionclip.drawing.canvas import Canvas
from regionclip.drawing.style import Style
from regionclip.drawing.text import line_height
from regionclip.frames import Frame

_TILE, _GAP, _COLUMNS, _TEXT = 220, 14, 5, 15
"""Pixels: side of a tile, room between tiles, text; and how many tiles stand in a row."""
_PAPER, _MOUNT, _BOX = (255, 255, 255), (238, 238, 238), (40, 40, 198)
_AROUND = 0.35
"""How much of its sides is shown around a box."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One thing of a sheet.

    Attributes:
        frame: `(H, W, 3)`, the picture that it is in.
        box: x1 y1 x2 y2 in pixels of it.
        lines: what is written below.
    """

    frame: Frame
    box: Sequence[float]
    lines: Sequence[str]


def contact_sheet(tiles: Sequence[Tile]) -> Frame:
    """A page `(H, W, 3)` with these tiles, row by row; a blank line where there are none."""
    line = line_height(_TEXT)
    row = _TILE + max((len(tile.lines) for tile in tiles), default=1) * line + 2 * _GAP
    size = (-(-len(tiles) // _COLUMNS) * row + _GAP, _GAP + (_TILE + _GAP) * min(_COLUMNS, max(len(tiles), 1)), 3)
    page = Canvas(np.full(size, _PAPER, np.uint8), Style())
    for place, tile in enumerate(tiles):
        x, y = _GAP + place % _COLUMNS * (_TILE + _GAP), _GAP + place // _COLUMNS * row
        page.pixels[y : y + _TILE, x : x + _TILE] = _picture(tile)
        for number, text in enumerate(tile.lines):
            page.put(page.plate([text], _PAPER, size=_TEXT, limit=_TILE), x - 4, y + _TILE + 4 + number * line)
    return page.pixels


def _picture(tile: Tile) -> Frame:
    """`(_TILE, _TILE, 3)`: the box with what is around it, on a mount."""
    height, width = tile.frame.shape[:2]
    x1, y1, x2, y2 = tile.box
    aside, above = _AROUND * (x2 - x1), _AROUND * (y2 - y1)
    left, top = max(0, int(x1 - aside)), max(0, int(y1 - above))
    right, bottom = min(width, int(x2 + aside) + 1), min(height, int(y2 + above) + 1)
    scale = _TILE / max(right - left, bottom - top)
    size = [max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = cv2.resize(tile.frame[top:bottom, left:right], size, interpolation=how)
    corners = [(round((x - left) * scale), round((y - top) * scale)) for x, y in ((x1, y1), (x2, y2))]
    cv2.rectangle(shown, corners[0], corners[1], _BOX, 2, cv2.LINE_AA)
    mount = np.full((_TILE, _TILE, 3), _MOUNT, np.uint8)
    y, x = (_TILE - size[1]) // 2, (_TILE - size[0]) // 2
    mount[y : y + size[1], x : x + size[0]] = shown
    return mount
