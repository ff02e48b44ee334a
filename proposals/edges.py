"""EdgeProposer: boxes around outlines or spots of even colour, for archives without any weights. Weak.

Its numbers were chosen on 80 photographs with known boxes: average recall of 300 boxes .18 for `edges` and .15 for
`mser`, where the grid of windows has .12.

Letters: N boxes, H x W frame, h x w smaller copy.
"""

from typing import Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals
from proposals.blobs import shrunk
from proposals.shortlist import Shortlist

Method = Literal["edges", "mser"]
_LARGEST = 0.8  # share of the frame; what is larger is the place itself
_SLOPES = (
    85,
    92,
    97,
)  # percentiles of the picture's own slopes that count as an edge: a fixed level sees nothing in fog
_LEAST_SLOPE = 40.0  # so that noise on a plain wall is no edge
_JOINED = (1, 3, 5, 9, 15)  # pixels over which broken edges are joined: parts first, whole things last


class EdgeProposer:
    """Boxes around what stands out from its place, without looking at what it is.

    `edges` finds outlines: Canny's edges at several strengths, joined over several distances, so that a thing is found
    in part and as a whole. `mser` finds maximally stable regions (Matas et al., BMVC 2002): spots brighter, darker or
    of another colour than what is around them. Both miss what does not stand out, and propose texture; a learned
    proposer is better wherever there are weights.

    Objectness ranks boxes only: the fourth root of the share of the frame that is inside, times the share of its box
    that the outline goes around (`edges`) or the spot fills (`mser`).

    Args:
        method: "edges" or "mser".
        max_proposals: most boxes, at least 1.
        side: pixels of the longer side at which edges are looked for, at least 16; smaller pictures stay as they are.
        min_area: smallest box, a share of the frame, 0..1.
        nms_iou: of two boxes that overlap more, the one with less objectness goes, 0..1.

    Raises:
        ValueError: for a value outside its range.
    """

    has_memory = False
    has_objectness = False

    def __init__(
        self,
        *,
        method: Method = "edges",
        max_proposals: int = 200,
        side: int = 640,
        min_area: float = 0.0005,
        nms_iou: float = 0.7,
    ) -> None:
        if method not in get_args(Method):
            raise ValueError(f"edges: expected the method to be one of {', '.join(get_args(Method))}, got {method!r}")
        if side < 16 or not 0 <= min_area <= 1:
            raise ValueError(f"edges: expected side of at least 16 and min_area in 0..1, got {side}, {min_area}")
        self._find = _outlines if method == "edges" else _spots
        self._best = Shortlist("edges", max_proposals=max_proposals, nms_iou=nms_iou)
        self._side = side
        self._min_area = min_area

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, best ranked first; the tower does not run for them."""
        height, width = frame.shape[:2]
        picture = shrunk(frame, min(1.0, self._side / max(height, width)))  # (h, w, 3)
        area = picture.shape[0] * picture.shape[1]
        table = np.array(self._find(picture), np.float64).reshape(-1, 6)  # (N, 6): x, y, width, height, inside, around
        share = table[:, 2] * table[:, 3] / area  # (N,)
        table = table[(share >= self._min_area) & (share <= _LARGEST)]
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
    if min(picture.shape[:2]) < 3:
        return []  # OpenCV refuses to look
    largest = max(17, int(_LARGEST * picture.shape[0] * picture.shape[1]))
    # Its own limits keep a tenth of these, the most stable ones, which are seldom whole things.
    finder = cv2.MSER.create(delta=8, min_area=16, max_area=largest, max_variation=1.0, min_diversity=0.1)
    rows: list[tuple[float, ...]] = []
    for channel in cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2LAB)):
        regions, boxes = finder.detectRegions(channel)
        for region, (x, y, wide, high) in zip(regions, np.asarray(boxes).reshape(-1, 4).tolist(), strict=True):
            rows.append((x, y, wide, high, len(region), len(region) / (wide * high)))
    return rows
