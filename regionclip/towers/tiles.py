"""Large frames and small objects: features of a frame together with those of overlapping tiles and of crops.

A tower sees a frame through a fixed number of patches, so on a large frame one feature cell covers many pixels, and
an object smaller than a cell is lost in it. A tile is a part of the frame that the tower sees as a frame of its own;
each box is pooled from the view that shows it best (`choose_views`). A crop is a tile made for one box.

Letters: N boxes, T tiles, D channels, H x W frame.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from heads.pool import clip_to_frame, to_cells
from proposals.overlap import intersections
from regionclip.config import Tiles
from regionclip.towers.base import Frame, ImageFeatures, Tower
from regionclip.towers.card import TowerCard

WHOLE: Final = -1
"""Number of the view that is the whole frame."""

MARGIN: Final = 0.25
"""Share of its longer side that a box needs free on each side of it to count as wholly inside a tile."""

MOSTLY: Final = 0.75
"""Share of a box's area that a tile must show to be asked for a box that no tile contains."""

CONTEXT: Final = 5.0
"""Side of a crop in units of the box's longer side."""

SHRINK: Final = 1.25
"""`auto` takes tiles that the tower shrinks by no more than this, per side."""

MOST_TILES: Final = 48
"""Most tiles that `auto` takes."""

SLIM: Final = 1.5
"""Longer side of a tile in units of the shorter one, at most."""

_TOGETHER: Final = 8  # tiles or crops of one tower pass


@dataclass(frozen=True, slots=True)
class Closeness:
    """How closely frames are looked at.

    Attributes:
        tiles: `none`, `auto` (by frame size and tower), or columns and rows.
        overlap: share of its side that a tile has in common with the next one, 0 or more and below 1.
        max_crops: most boxes of one call under one feature cell that get a crop of their own; 0 for none.
    """

    tiles: Tiles = "none"
    overlap: float = 0.25
    max_crops: int = 0

    def windows(self, frame_size: tuple[int, int], card: TowerCard) -> NDArray[np.int64]:
        """`(T, 4)` tiles of a frame of `(H, W)` pixels; none where the frame is one tile."""
        if self.tiles == "none":
            return np.zeros((0, 4), np.int64)
        tiles = auto_tiles(frame_size, card, self.overlap) if self.tiles == "auto" else self.tiles
        return tile_windows(frame_size, tiles, self.overlap)


def tile_windows(frame_size: tuple[int, int], tiles: tuple[int, int], overlap: float) -> NDArray[np.int64]:
    """Tiles of one size that cover a frame evenly, row by row.

    Args:
        frame_size: `(H, W)` in pixels.
        tiles: columns and rows.
        overlap: share of its side that a tile has in common with the next one, at least; 0 or more and below 1.

    Returns:
        `(T, 4)` xyxy in pixels; none where one tile would be the frame.
    """
    height, width = frame_size
    wide, across = _axis(width, tiles[0], overlap)
    high, down = _axis(height, tiles[1], overlap)
    windows = [(x, y, x + wide, y + high) for y, x in product(down, across)]
    return np.array(windows if len(windows) > 1 else [], np.int64).reshape(-1, 4)


def _axis(length: int, count: int, overlap: float) -> tuple[int, list[int]]:
    """Side of a tile and the starts of the tiles on an axis of `length` pixels."""
    side = math.ceil(length / (count - (count - 1) * overlap))
    starts = [round(i * (length - side) / max(count - 1, 1)) for i in range(count)]
    return side, list(dict.fromkeys(starts))  # more tiles than pixels fall together


def auto_tiles(frame_size: tuple[int, int], card: TowerCard, overlap: float) -> tuple[int, int]:
    """Columns and rows: the fewest tiles that the tower shrinks by no more than `SHRINK`, at most `MOST_TILES`.

    One, which is none, where it does not shrink the frame more. The tower's working resolution is its patch budget
    times the pixels of a patch; of a dynamic budget, the largest. Tiles are at most `SLIM` times as long as wide where
    the frame allows it. Where `MOST_TILES` do not suffice, those that are shrunk least.
    """
    patches = max(card.budgets) if card.budget == "dynamic" else card.budget
    seen = patches * card.patch**2  # pixels of what the tower works on

    def cost(tiles: tuple[int, int]) -> tuple[float, float, int, float]:
        wide, high = (_axis(side, many, overlap)[0] for side, many in zip(frame_size[::-1], tiles, strict=True))
        shrink, slim = math.sqrt(wide * high / seen), max(wide / high, high / wide)
        return max(slim, SLIM), max(shrink, SHRINK), tiles[0] * tiles[1], slim

    if frame_size[0] * frame_size[1] <= SHRINK**2 * seen:
        return 1, 1
    counts = range(1, MOST_TILES + 1)
    return min((pair for pair in product(counts, counts) if pair[0] * pair[1] <= MOST_TILES), key=cost)


def choose_views(
    boxes: NDArray[np.float32],
    windows: NDArray[np.int64],
    frame_size: tuple[int, int],
    grid: Callable[[], tuple[int, int]],
) -> NDArray[np.int64]:
    """The view that shows each box best; a box's answer does not depend on other boxes.

    1. A tile that contains the box with `MARGIN` of the box's longer side free around it. Where a tile ends with the
       frame nothing need be free. All tiles are of one size and show the box equally large, so of several the one
       whose middle is nearest to the box's is taken, of equally near ones the first.
    2. Else the whole frame, unless the box covers less than one feature cell of it and a tile shows at least `MOSTLY`
       of the box: then the tile that shows most of it, of equals the most central, as in 1.

    Args:
        boxes: `(N, 4)` xyxy inside the frame, in pixels.
        windows: `(T, 4)` tiles.
        frame_size: `(H, W)` in pixels.
        grid: says `(h, w)` of the whole frame's features; asked only where a box is left to rule 2.

    Returns:
        `(N,)` number of a tile, or `WHOLE`.
    """
    if len(windows) == 0 or len(boxes) == 0:
        return np.full(len(boxes), WHOLE, np.int64)
    exact = boxes.astype(np.float64)  # (N, 4)
    low, high = exact[:, None, :2], exact[:, None, 2:]  # (N, 1, 2) left top, right bottom
    start, end = windows[None, :, :2], windows[None, :, 2:]  # (1, T, 2)
    away = (((low + high - start - end) / 2) ** 2).sum(axis=2)  # (N, T) squared pixels between the middles
    free = MARGIN * (high - low).max(axis=2, keepdims=True)  # (N, 1, 1) pixels
    before = (low - start >= free) | ((start == 0) & (low >= start))  # (N, T, 2)
    after = (end - high >= free) | ((end == np.array(frame_size[::-1])) & (high <= end))  # (N, T, 2)
    contains = (before & after).all(axis=2)  # (N, T)
    views = _nearest(contains, away)  # (N,)
    if (views == WHOLE).any():
        h, w = grid()
        area = (high - low).prod(axis=2)  # (N, 1) square pixels
        shared = intersections(exact, windows)  # (N, T)
        most = (shared >= MOSTLY * area) & (shared == shared.max(axis=1, keepdims=True))  # (N, T)
        tiny = area * h * w < frame_size[0] * frame_size[1]  # (N, 1)
        views = np.where(views == WHOLE, _nearest(most & tiny, away), views)
    return views


def _nearest(allowed: NDArray[np.bool_], away: NDArray[np.float64]) -> NDArray[np.int64]:
    """`(N,)` the tile with the least `away` `(N, T)` of those `allowed` `(N, T)`, the first of equals, or `WHOLE`."""
    return np.where(allowed.any(axis=1), np.where(allowed, away, np.inf).argmin(axis=1), WHOLE).astype(np.int64)


def look_closely(whole: ImageFeatures, tower: Tower, closeness: Closeness) -> ImageFeatures:
    """Features of the same frame with tiles and crops, or `whole` itself where there are to be none."""
    return whole if closeness == Closeness() else CloseFeatures(whole, tower, closeness)


class CloseFeatures(ImageFeatures):
    """Features of a frame that is seen closely: the frame as a whole, its tiles, and crops around tiny boxes.

    Tokens, grid, dense features and embedding are those of the whole frame; `pool` takes each box from the view that
    shows it best. Every view is encoded when it is first needed, and once; of the tiles, those that hold a box.

    Args:
        whole: features of the whole frame, of which nothing was asked yet.
        tower: that made them; encodes tiles and crops.
        closeness: which tiles there are, and how many crops there may be.
    """

    def __init__(self, whole: ImageFeatures, tower: Tower, closeness: Closeness) -> None:
        super().__init__(whole.frame, whole._encode, whole._to_dense, whole._to_whole, whole.card)
        self.windows = closeness.windows(self.frame_size, whole.card)
        """`(T, 4)` xyxy of the tiles in frame pixels; none where the frame is not cut."""
        self._whole_frame = whole
        self._tower = tower
        self._max_crops = closeness.max_crops
        self._tiles: dict[int, ImageFeatures] = {}
        self._crops = 0
        # What is encoded together must not hang on the boxes, or the last bits of an embedding could. On a CPU, where
        # a batch gains a quarter at most, boxes ask for views one by one; elsewhere for fixed groups of full size.
        self._group = 1 if tower.placement.startswith("cpu") else _TOGETHER

    @property
    def tiles(self) -> list[ImageFeatures]:
        """Features of each tile, computed when asked; asking one runs the tower on several together."""
        return self._tiles_of(range(len(self.windows)), _TOGETHER)

    @property
    def passes(self) -> int:
        """Views of this frame that were asked of the tower: the whole, tiles, and a crop each time it was made."""
        return super().passes + sum(tile.passes for tile in self._tiles.values()) + self._crops

    def pool(self, boxes: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
        """Pool one embedding a box, as `ImageFeatures.pool`, from the view that shows it best (`choose_views`).

        With crops, a box that covers less than one feature cell of that view is pooled from a crop around it
        (`crop_window`). Of more than `max_crops` such boxes, the first get one.

        A tower that looks at crops has a view of each box already: of the tiles only proposers have something.
        """
        if self.card.region_mode == "crop":
            return self._whole_frame.pool(boxes)
        clipped, valid = clip_to_frame(torch.from_numpy(np.array(boxes, np.float32)), self.frame_size)  # (N, 4), (N,)
        corners, rows = clipped.numpy(), np.flatnonzero(valid.numpy())  # (N, 4), (n,)
        pooled = torch.zeros(len(corners), self.card.width)  # (N, D)
        tiny = np.zeros(len(corners), np.bool_)  # (N,)
        views = choose_views(corners[rows], self.windows, self.frame_size, lambda: self.grid)  # (n,)
        for view in np.unique(views).tolist():
            own = rows[views == view]  # (k,)
            pooled[own], cells = self._pool_from(view, corners[own])  # (k, D), (k,)
            tiny[own] = cells < 1
        cropped = np.flatnonzero(tiny)[: self._max_crops]  # (m,)
        pooled[cropped] = self._pool_from_crops(corners[cropped])
        return pooled, valid

    def _pool_from(self, view: int, boxes: NDArray[np.float32]) -> tuple[torch.Tensor, NDArray[np.float32]]:
        """Embeddings `(N, D)` of boxes `(N, 4)` inside the frame, and the cells of that view each covers, `(N,)`."""
        if view == WHOLE:
            (pooled, _), size, grid = super().pool(boxes), self.frame_size, self.grid
        else:
            tile, boxes = self._tile(view), _moved(boxes, self.windows[view])
            (pooled, _), size, grid = tile.pool(boxes), tile.frame_size, tile.grid
        cells = to_cells(torch.from_numpy(boxes), size, grid).numpy()  # (N, 4)
        return pooled, (cells[:, 2:] - cells[:, :2]).prod(axis=1)

    def _tile(self, number: int) -> ImageFeatures:
        first = number // self._group * self._group
        group = range(first, min(first + self._group, len(self.windows)))
        return self._tiles_of(group, self._group)[number - first]

    def _tiles_of(self, numbers: Sequence[int], together: int) -> list[ImageFeatures]:
        """Features of the tiles of these numbers, those that are new prepared in groups of `together`."""
        with self._lock:
            new = [number for number in numbers if number not in self._tiles]
            for start in range(0, len(new), together):
                group = new[start : start + together]
                frames = [_cut(self.frame, self.windows[number]) for number in group]
                self._tiles.update(zip(group, self._tower.encode_image(frames), strict=True))
        return [self._tiles[number] for number in numbers]

    def _pool_from_crops(self, boxes: NDArray[np.float32]) -> torch.Tensor:
        """Embeddings `(N, D)` of `(N, 4)` boxes inside the frame, each from a crop of its own."""
        windows = [crop_window(box, self.frame_size) for box in boxes]
        pooled = [torch.zeros(0, self.card.width)]
        for start in range(0, len(boxes), self._group):
            group = windows[start : start + self._group]
            full = group + group[-1:] * (self._group - len(group))
            crops = self._tower.encode_image([_cut(self.frame, window) for window in full])
            for box, window, crop in zip(boxes[start:], group, crops, strict=False):
                pooled.append(crop.pool(_moved(box[None], window))[0])
            self._crops += len(group)
        return torch.cat(pooled)


def crop_window(box: NDArray[np.float32], frame_size: tuple[int, int]) -> NDArray[np.int64]:
    """The crop around one box: a square of `CONTEXT` times its longer side, moved into the frame where it reaches out.

    Args:
        box: `(4,)` xyxy inside the frame, in pixels.
        frame_size: `(H, W)` in pixels; a longer square is cut to it.

    Returns:
        `(4,)` xyxy, whole pixels.
    """
    exact = box.astype(np.float64)  # (4,)
    limit = np.array(frame_size[::-1])  # (2,) W, H
    side = np.minimum(math.ceil(CONTEXT * float((exact[2:] - exact[:2]).max())), limit)  # (2,)
    start = np.clip(np.floor((exact[:2] + exact[2:] - side) / 2).astype(np.int64), 0, limit - side)  # (2,)
    return np.concatenate([start, start + side])


def _cut(frame: Frame, window: NDArray[np.int64]) -> Frame:
    x1, y1, x2, y2 = window.tolist()
    return np.ascontiguousarray(frame[y1:y2, x1:x2])


def _moved(boxes: NDArray[np.float32], window: NDArray[np.int64]) -> NDArray[np.float32]:
    """Boxes `(N, 4)` in pixels of the window; they may reach out of it."""
    return boxes - np.tile(window[:2], 2).astype(np.float32)
