"""EdgeProposer: boxes around outlines or spots of even colour, for archives without any weights. Weak.

Its numbers were chosen on 80 photographs with known boxes: average recall of 300 boxes .18 for `edges` and .15 for
`mser`, where the grid of windows has .12.

Letters: N boxes, H x W frame, h x w smaller copy.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.blobs import shrunk
from proposals.ranges import expect_least, expect_share
from proposals.shortlist import Shortlist

Method = Literal["edges", "mser"]
_SIDES: dict[Method, int] = {"edges": 640, "mser": 320}
_LARGEST = 0.8  # share of the frame; what is larger is the place itself
_SLOPES = (85, 92, 97)  # percentiles of the picture's own slopes that count as an edge: fog has no steep ones
_LEAST_SLOPE = 40.0  # so that noise on a plain wall is no edge
_JOINED = (1, 3, 5, 9, 15)  # pixels over which broken edges are joined: parts first, whole things last
_STEP = 8  # grey levels from one threshold to the next
_GROWTH = 0.25  # a stable region grows by no more than this share over a step
_SPECK = 16  # pixels; smaller regions are noise


@dataclass(eq=False, kw_only=True)
class EdgeProposer(Proposer):
    """Boxes around what stands out from its place, without looking at what it is.

    `edges` finds outlines: Canny's edges at several strengths, joined over several distances, so that a thing is found
    in part and as a whole. `mser` finds maximally stable regions (Matas et al., BMVC 2002), in steps of eight grey
    levels: spots brighter, darker or of another colour than what is around them. Both miss what does not stand out,
    and propose texture; a learned proposer is better wherever there are weights.

    Objectness ranks boxes only: the fourth root of the share of the frame that is inside, times the share of its box
    that the outline goes around (`edges`) or the spot fills (`mser`).

    Args:
        method: "edges" or "mser".
        max_proposals: most boxes, at least 1.
        side: pixels of the longer side at which they are looked for, at least 16; smaller pictures stay as they are.
            None takes 640 for `edges` and 320 for `mser`, which is slower.
        min_area: smallest box, a share of the frame, 0..1.
        nms_iou: of two boxes that overlap more, the one with less objectness goes, 0..1.

    Raises:
        ValueError: for a value outside its range.
    """

    method: Method = "edges"
    max_proposals: int = 200
    side: int | None = None
    min_area: float = 0.0005
    nms_iou: float = 0.7

    def __post_init__(self) -> None:
        if self.method not in _SIDES:
            raise ValueError(f"edges: expected the method to be one of {', '.join(_SIDES)}, got {self.method!r}")
        self._side = _SIDES[self.method] if self.side is None else self.side
        expect_least("edges", 16, side=self._side)
        expect_share("edges", min_area=self.min_area)
        self._find = _outlines if self.method == "edges" else _spots
        self._best = Shortlist("edges", max_proposals=self.max_proposals, nms_iou=self.nms_iou)

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, best ranked first; the tower does not run for them."""
        height, width = frame.shape[:2]
        picture = shrunk(frame, min(1.0, self._side / max(height, width)))  # (h, w, 3)
        area = picture.shape[0] * picture.shape[1]
        table = np.array(self._find(picture), np.float64).reshape(-1, 6)  # (N, 6): x, y, width, height, inside, around
        share = table[:, 2] * table[:, 3] / area  # (N,)
        table = table[(share >= self.min_area) & (share <= _LARGEST)]
        scale = np.array([width / picture.shape[1], height / picture.shape[0]] * 2)
        xyxy = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1) * scale  # (N, 4)
        objectness = table[:, 5] * (table[:, 4] / area) ** 0.25  # (N,)
        return self._best(torch.from_numpy(xyxy), torch.from_numpy(objectness), (height, width))


def _outlines(picture: NDArray[np.uint8]) -> list[tuple[float, ...]]:
    """Of each outline in `(h, w, 3)` its box `x y width height`, the area inside, and its length around the box."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (3, 3), 0)  # (h, w)
    slope = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))  # (h, w)
    rows: list[tuple[float, ...]] = []
    for level in np.maximum(np.percentile(slope, _SLOPES), _LEAST_SLOPE).tolist():
        lines = cv2.Canny(grey, 0.4 * level, level)  # (h, w)
        for reach in _JOINED:
            joined = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
            for contour in cv2.findContours(joined, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]:
                x, y, wide, high = cv2.boundingRect(contour)
                around = min(1.0, cv2.arcLength(contour, closed=True) / (2 * (wide + high)))
                rows.append((x, y, wide, high, cv2.contourArea(contour), around))
    return rows


def _spots(picture: NDArray[np.uint8]) -> list[tuple[float, ...]]:
    """Of each stable region in `(h, w, 3)` its box `x y width height`, its area, and how much of the box it fills."""
    even = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2LAB), (5, 5), 0)  # (h, w, 3); noise is no spot
    rows: list[tuple[float, ...]] = []
    for channel in cv2.split(even):
        for shade in (channel, cv2.bitwise_not(channel)):  # what is brighter than its place, and what is darker
            rows += _stable(np.asarray(shade, np.uint8))
    return rows


def _stable(shade: NDArray[np.uint8]) -> list[tuple[float, ...]]:
    """The connected regions above a level in `(h, w)` that hardly grow when the level falls by a step."""
    rows: list[tuple[float, ...]] = []
    # Of the N regions one step above: x, y, width, height and area, (N, 5), and row and column of a pixel of each.
    inner: NDArray[np.int32] = np.zeros((0, 5), np.int32)
    spot: list[tuple[int, int]] = []
    for level in range(int(shade.max()) - _STEP, int(shade.min()), -_STEP):
        mask = cv2.threshold(shade, level, 1, cv2.THRESH_BINARY)[1]  # (h, w)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_32S)
        now = [int(labels[row, column]) for row, column in spot]  # N labels
        grown = stats[now, cv2.CC_STAT_AREA]  # (N,)
        stable = inner[grown <= inner[:, 4] * (1 + _GROWTH)]
        rows += [(x, y, wide, high, area, area / (wide * high)) for x, y, wide, high, area in stable.tolist()]
        large = 1 + np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= _SPECK)  # 0 is what lies below the level
        inner, regions = np.asarray(stats[large], np.int32), np.asarray(labels, np.int32)  # (N, 5), (h, w)
        spot = [_pixel_of(regions, label, *box[:3]) for label, box in zip(large.tolist(), inner.tolist(), strict=True)]
    return rows


def _pixel_of(labels: NDArray[np.int32], label: int, x: int, y: int, width: int) -> tuple[int, int]:
    """Row and column of one pixel of a region, from the top edge of its box."""
    return y, x + int(np.argmax(labels[y, x : x + width] == label))
