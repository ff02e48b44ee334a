"""From a mask of changed pixels to boxes: what the motion proposers share.

Letters: N boxes, H x W frame, h x w mask (of a smaller copy of the frame).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from proposals.overlap import areas, intersections

_FEWEST = 8  # pixels of a mask that are ever called a thing
_MOST = 200  # blobs that are looked at
_UPRIGHT = 2  # parts above each other are joined over so many times the distance of parts side by side
_INSIDE = 0.5  # of the smaller box


def shrunk(frame: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """A smaller copy `(h, w, 3)` of a frame, each pixel the mean of those it stands for."""
    height, width = frame.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def blobs(
    mask: NDArray[np.uint8], frame_size: tuple[int, int], *, min_area: float, gap: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes around what belongs together in a mask.

    Parts that are near each other are one blob, and a blob whose box lies mostly inside another's is part of it. A box
    encloses the pixels of the mask, without the margin that joined them.

    Args:
        mask: `(h, w)` uint8, above 0 where something changed.
        frame_size: `(H, W)` in pixels.
        min_area: blobs with a smaller share of the frame are dropped, 0..1.
        gap: parts side by side and nearer than this share of the frame's longer side are one blob, 0..1. Above each
            other they may be twice as far apart: the legs of a person belong to the head, and not to a neighbour.

    Returns:
        Boxes `(N, 4)` xyxy in frame pixels and objectness `(N,)`: the mean of two shares, how much of the box changed,
        and how far above `min_area` that is (0 at it, near 1 far above).
    """
    across = max(1, round(gap * max(mask.shape) / 2))
    down = _UPRIGHT * across
    padded = cv2.copyMakeBorder(mask, down, down, across, across, cv2.BORDER_CONSTANT, value=0)
    joined = cv2.dilate(padded, np.ones((2 * down + 1, 2 * across + 1), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    pixels = np.bincount(labels[padded > 0], minlength=len(stats))[1:]  # (n,)
    corner, sides = stats[1:, :2], stats[1:, 2:4]  # (n, 2) each, in the padded mask
    # Dilation has moved the first corner back by as much as the border moved it on.
    xyxy = np.concatenate([corner, corner + sides - [2 * across, 2 * down]], axis=1)  # (n, 4)
    largest = np.argsort(-pixels, kind="stable")[:_MOST]
    xyxy, area = _merged(xyxy[largest].astype(np.int64), pixels[largest])  # (n, 4), (n,)
    least = max(min_area * mask.size, _FEWEST)
    xyxy, area = xyxy[area >= least], area[area >= least]  # (N, 4), (N,)
    filled = area / np.maximum((xyxy[:, 2:] - xyxy[:, :2]).prod(axis=1), 1)  # (N,)
    objectness = (filled + 1 - least / np.maximum(area, 1)) / 2  # (N,)
    scale = np.array([frame_size[1] / mask.shape[1], frame_size[0] / mask.shape[0]] * 2)
    return (xyxy * scale).astype(np.float32), objectness.astype(np.float32)


def _merged(xyxy: NDArray[np.int64], area: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Boxes `(N, 4)` and their areas `(N,)`, those that lie mostly inside another made one with it, until none do."""
    while len(xyxy) > 0:
        whole = areas(xyxy)  # (N,)
        meets = intersections(xyxy, xyxy) > _INSIDE * np.minimum(whole[:, None], whole)  # (N, N)
        np.fill_diagonal(meets, True)
        group = meets.argmax(axis=1)  # (N,) the first box that each belongs with, which may belong with an earlier one
        while (group[group] != group).any():
            group = group[group]
        names, group = np.unique(group, return_inverse=True)  # (n,), (N,)
        if len(names) == len(xyxy):
            break
        joined = np.tile(np.array([np.iinfo(np.int64).max] * 2 + [0, 0]), (len(names), 1))  # (n, 4)
        np.minimum.at(joined[:, :2], group, xyxy[:, :2])
        np.maximum.at(joined[:, 2:], group, xyxy[:, 2:])
        xyxy, area = joined, np.bincount(group, area).astype(np.int64)
    return xyxy, area
