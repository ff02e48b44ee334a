"""A contact sheet: pictures side by side, with a few words below each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from regionclip.drawing.canvas import Canvas
from regionclip.drawing.style import Style
from regionclip.drawing.text import line_height
from regionclip.frames import Frame

_TILE, _GAP, _COLUMNS, _HEAD, _TEXT = 220, 14, 5, 22, 15
"""In pixels: side of a tile, room between tiles, titles, text below tiles; and how many tiles stand in a row."""
_PAPER, _MOUNT, _BOX = (255, 255, 255), (238, 238, 238), (40, 40, 198)
_AROUND = 0.35
"""How much of its sides is shown around a box."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One thing of a sheet.

    Attributes:
        picture: `(h, w, 3)` of it, or None where there is none.
        lines: what is written below.
    """

    picture: Frame | None
    lines: Sequence[str]


def contact_sheet(groups: Mapping[str, Sequence[Tile]]) -> Frame:
    """A page `(H, W, 3)` with tiles row by row, under the title of their group, which may be empty."""
    line, most = line_height(_TEXT), max((len(tiles) for tiles in groups.values()), default=0)
    tall = max((len(tile.lines) for tiles in groups.values() for tile in tiles), default=1)
    row, head = _TILE + tall * line + 2 * _GAP, 3 * _HEAD
    height = sum(head * bool(title) + -(-len(tiles) // _COLUMNS) * row for title, tiles in groups.items()) + _GAP
    width = _GAP + (_TILE + _GAP) * min(_COLUMNS, max(most, 1))
    page = Canvas(np.full((height, width, 3), _PAPER, np.uint8), Style())
    top = _GAP
    for title, tiles in groups.items():
        if title:
            page.put(page.plate([title], _PAPER, size=_HEAD, limit=width - _GAP), _GAP // 2, top)
            top += head
        for place, tile in enumerate(tiles):
            x, y = _GAP + place % _COLUMNS * (_TILE + _GAP), top + place // _COLUMNS * row
            page.pixels[y : y + _TILE, x : x + _TILE] = _mounted(tile.picture)
            for number, text in enumerate(tile.lines):
                page.put(page.plate([text], _PAPER, size=_TEXT, limit=_TILE), x - 4, y + _TILE + 4 + number * line)
        top += -(-len(tiles) // _COLUMNS) * row
    return page.pixels


def around(frame: Frame, box: Sequence[float]) -> Frame:
    """`(h, w, 3)` as large as a tile: a box of a frame, x1 y1 x2 y2 in pixels, marked, with what is around it."""
    height, width = frame.shape[:2]
    x1, y1, x2, y2 = box
    aside, above = _AROUND * (x2 - x1), _AROUND * (y2 - y1)
    left, top = max(0, int(x1 - aside)), max(0, int(y1 - above))
    right, bottom = min(width, int(x2 + aside) + 1), min(height, int(y2 + above) + 1)
    shown = _fitted(frame[top:bottom, left:right])
    scale = max(shown.shape[:2]) / max(right - left, bottom - top)
    corners = [(round((x - left) * scale), round((y - top) * scale)) for x, y in ((x1, y1), (x2, y2))]
    cv2.rectangle(shown, corners[0], corners[1], _BOX, 2, cv2.LINE_AA)
    return shown


def _fitted(picture: Frame) -> Frame:
    """A picture whose longer side is that of a tile."""
    scale = _TILE / max(picture.shape[:2])
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return np.asarray(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )


def _mounted(picture: Frame | None) -> Frame:
    """`(_TILE, _TILE, 3)`: a picture on a mount."""
    mount = np.full((_TILE, _TILE, 3), _MOUNT, np.uint8)
    if picture is not None:
        shown = _fitted(picture)
        y, x = (_TILE - shown.shape[0]) // 2, (_TILE - shown.shape[1]) // 2
        mount[y : y + shown.shape[0], x : x + shown.shape[1]] = shown
    return mount
