"""Where labels go: beside their boxes, inside the frame, away from one another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proposals.overlap import intersections

Rects = NDArray[np.float64]
"""`(K, 4)` xyxy in pixels."""

_CROWDED = 0.05
"""Share of a label that may lie on another before a place away from the box is looked for."""

_RANK = 0.02 * np.arange(20)  # (K,)
"""What it costs to stand further back in the order of `_around`."""

_ON_LABELS, _ON_BOXES, _ON_OWN = 4.0, 0.4, 0.3
"""What it costs to lie wholly on other labels, on other boxes, on the label's own box."""

_HIDES_OWN = 3.0
"""What it costs to hide the whole of the label's own box: as much of it as is hidden, so large boxes mind little."""


def place_labels(
    boxes: Rects, sizes: NDArray[np.int_], frame_size: tuple[int, int], taken: Sequence[tuple[int, int, int, int]] = ()
) -> NDArray[np.int_]:
    """Choose a place for each label, one after the other, so the first get the best ones.

    A label goes along an edge of its box, above if that is free, and inside only where the box is so large that little
    of it is hidden. Where every such place would cover other labels, or hide the box, it goes to the nearest free
    place of the frame, and its user draws a line between the two.

    Args:
        boxes: `(N, 4)` xyxy.
        sizes: `(N, 2)` width and height of the labels.
        frame_size: `(H, W)`.
        taken: rectangles that hold text already.

    Returns:
        `(N, 2)` x and y of the upper left corners, inside the frame where the label is not larger than that.
    """
    height, width = frame_size
    most = np.maximum((width, height) - sizes, 0)  # (N, 2)
    around = np.clip(_around(boxes, sizes).round(), 0, most[:, None])  # (N, K, 2)
    rects = np.concatenate([around, around + sizes[:, None]], axis=2)  # (N, K, 4)
    areas = np.maximum(sizes.prod(axis=1), 1)  # (N,)
    places = np.zeros((len(boxes), 2), int)  # (N, 2)
    used = np.zeros((len(taken) + len(boxes), 4))  # (M + N, 4), filled as labels are placed
    used[: len(taken)] = np.reshape(taken, (-1, 4))
    costs, hidden = _standing_costs(rects, boxes)  # (N, K), (N, K)
    costs += _RANK
    for row in range(len(boxes)):
        filled = used[: len(taken) + row]
        covered = intersections(rects[row], filled).sum(axis=1) / areas[row]  # (K,)
        best = int((costs[row] + _ON_LABELS * covered).argmin())
        places[row] = rects[row, best, :2]
        if (bad := max(covered[best], hidden[row, best])) > _CROWDED:
            places[row] = _anywhere(boxes[row], sizes[row], most[row], filled, places[row], bad)
        used[len(taken) + row] = (*places[row], *(places[row] + sizes[row]))
    return places


def _standing_costs(rects: NDArray[np.float64], boxes: Rects) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What it costs labels at `(N, K, 4)` to cover boxes `(N, 4)`, `(N, K)`; a few rows at a time, to save memory.

    A label lies on another box by the share of the smaller of the two that is covered, so none hides a small one
    cheaply.

    Returns:
        The costs, and the share of its own box that each label would hide, `(N, K)` in 0..1.
    """
    n, k, _ = rects.shape
    costs, hidden = np.zeros((n, k)), np.zeros((n, k))
    box_areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1)  # (N,)
    for start in range(0, n, 32):
        some = rects[start : start + 32]  # (n, K, 4)
        on = intersections(some.reshape(-1, 4), boxes).reshape(len(some), k, n)
        rows, own = np.arange(len(some)), np.arange(start, start + len(some))
        areas = np.maximum((some[:, :, 2:] - some[:, :, :2]).prod(axis=2), 1)  # (n, K)
        on_own = on[rows, :, own].copy()  # (n, K)
        on[rows, :, own] = 0
        on /= np.minimum(areas[:, :, None], box_areas)
        hidden[own] = on_own / box_areas[own, None]
        costs[own] = _ON_BOXES * np.minimum(on.sum(axis=2), 1) + _ON_OWN * on_own / areas + _HIDES_OWN * hidden[own]
    return costs, hidden


def _around(boxes: Rects, sizes: NDArray[np.int_]) -> Rects:
    """Upper left corners `(N, K, 2)` along the edges of the boxes, the most welcome first."""
    (x1, y1, x2, y2), (w, h) = boxes.T, sizes.T
    left, right, middle, above, low = x1 - w, x2 - w, (x1 + x2 - w) / 2, y1 - h, y2 - h
    half = (y1 + y2 - h) / 2
    columns = (x1, right) * 3 + (middle, middle) + (x2, left) * 2 + (x1, right) + (left, x2) * 2 + (x2, left)
    rows = (above, above, y2, y2, y1, y1, above, y2, y1, y1, low, low, low, low, above, above, y2, y2, half, half)
    return np.stack([np.stack(columns, axis=1), np.stack(rows, axis=1)], axis=2)


def _anywhere(
    box: NDArray[np.float64],
    size: NDArray[np.int_],
    most: NDArray[np.int_],
    filled: Rects,
    fallback: NDArray[np.int_],
    bad: float,
) -> NDArray[np.int_]:
    """The free place of the frame nearest to a box; `fallback` where nowhere is much better.

    `bad` is what is wrong with `fallback`: the share of it that lies on labels, or of its own box that it hides.
    """
    w, h = size
    columns = np.unique(np.linspace(0, most[0], min(40, 2 + most[0] // max(1, w // 4))))
    rows = np.unique(np.linspace(0, most[1], min(60, 2 + most[1] // max(1, h // 2))))
    corners = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).round()  # (K, 2)
    rects = np.concatenate([corners, corners + size], axis=1)  # (K, 4)
    covered = intersections(rects, filled).sum(axis=1) / (w * h)
    hides = intersections(rects, box[None])[:, 0] / max(1, (box[2:] - box[:2]).prod())
    away = np.abs(corners + size / 2 - (box[:2] + box[2:]) / 2).sum(axis=1) / (most.sum() + w + h)
    best = int((3 * _ON_LABELS * np.maximum(covered, hides) + away).argmin())
    return corners[best].astype(int) if max(covered[best], hides[best]) < bad / 2 else fallback
