"""A proposer over the tiles of a large frame as well as over the frame: small objects are found where they are large.

Letters: N boxes of all views, T tiles, M boxes of one tile, K boxes of the whole frame.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer, TiledFeatures
from proposals.every import EveryProposer
from proposals.overlap import areas, box_iou, intersections
from proposals.ranges import expect_least, expect_share
from proposals.shortlist import nms, usable
from proposals.union import UnionProposer

COVERED = 0.7
"""Share of a cut box's area that another box must cover to replace it."""

WHOLLY = 0.9
"""Share of a box's area inside a tile from which the tile counts as showing it wholly."""

_Boxes = NDArray[np.float32]


class TiledProposer(Proposer):
    """Asks a proposer for the whole frame and for each tile, and merges the answers once.

    1. Boxes of a tile are moved to their place in the frame.
    2. Parts go: a tile's box is a part where the whole frame has a box that the tile does not show wholly (`WHOLLY`),
       and the piece of it inside the tile overlaps the tile's box by more than `iou`.
    3. Cut boxes, which end within `border` of an edge of their tile inside the frame, go where a box that is not cut
       covers them (`COVERED`): mostly that of the next tile, which shows the object wholly. Else they stay.
    4. Of boxes that overlap by more than `iou`, from whichever view, the one with less objectness goes.
    5. The `max_proposals` with most objectness are left, best first.

    Features without tiles are answered by the proposer alone.

    Args:
        proposer: without memory, for which a tile is as good a picture as a frame.
        iou: intersection over union in 0..1 from which two boxes are taken for one.
        border: share of a tile's side in 0..0.5.
        max_proposals: most boxes, at least 1.

    Raises:
        ValueError: for a proposer with memory, or a value outside its range.
    """

    def __init__(self, proposer: Proposer, *, iou: float = 0.5, border: float = 0.01, max_proposals: int = 300) -> None:
        if proposer.has_memory:
            raise ValueError("tiled: expected a proposer without memory; one with memory sees the whole frame only")
        if not 0 <= border <= 0.5:
            raise ValueError(f"tiled: expected border in 0..0.5, got {border}")
        expect_share("tiled", iou=iou)
        expect_least("tiled", 1, max_proposals=max_proposals)
        self._proposer = proposer
        self._iou = iou
        self._border = border
        self._max_proposals = max_proposals
        self.has_objectness = proposer.has_objectness
        self.objectness_weight = proposer.objectness_weight

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Propose boxes for `frame`, `(H, W, 3)` uint8 BGR."""
        whole = _usable(self._proposer(frame, features))
        if not isinstance(features, TiledFeatures) or len(features.windows) == 0:
            return whole
        boxes, objectness = [whole.xyxy], [whole.objectness]  # (K, 4), (K,); then (M, 4), (M,) each
        cut = [np.zeros(len(whole), np.bool_)]  # (K,), then (M,) each
        for window, tile in zip(features.windows, features.tiles, strict=True):
            x1, y1, x2, y2 = window.tolist()
            found = _usable(self._proposer(np.ascontiguousarray(frame[y1:y2, x1:x2]), tile))
            own = found.xyxy + np.array([x1, y1, x1, y1], np.float32)  # (M, 4)
            kept = ~self._parts(own, whole.xyxy, window)  # (M,)
            boxes.append(own[kept])
            objectness.append(found.objectness[kept])
            cut.append(self._cut(own[kept], window, features.frame_size))
        return self._merged(Proposals(np.concatenate(boxes), np.concatenate(objectness)), np.concatenate(cut))

    def _parts(self, boxes: _Boxes, whole: _Boxes, window: NDArray[np.int64]) -> NDArray[np.bool_]:
        """`(M,)`: which of a tile's boxes `(M, 4)` are the visible piece of one of the frame's `(K, 4)`."""
        piece = _clipped(whole, window)  # (K, 4)
        larger = (areas(piece) > 0) & (areas(piece) < WHOLLY * areas(whole))  # (K,)
        return np.asarray((box_iou(boxes, piece[larger]) > self._iou).any(axis=1))

    def _cut(self, boxes: _Boxes, window: NDArray[np.int64], frame_size: tuple[int, int]) -> NDArray[np.bool_]:
        """`(M,)`: which of a tile's boxes `(M, 4)` end at an edge of it that is inside the frame."""
        size = window[2:] - window[:2]  # (2,)
        low = boxes[:, :2] - window[:2] <= self._border * size  # (M, 2)
        high = window[2:] - boxes[:, 2:] <= self._border * size  # (M, 2)
        inner_low, inner_high = window[:2] > 0, window[2:] < np.array(frame_size[::-1])  # (2,)
        return np.asarray(((low & inner_low) | (high & inner_high)).any(axis=1))

    def _merged(self, proposals: Proposals, cut: NDArray[np.bool_]) -> Proposals:
        boxes, objectness = proposals.xyxy, proposals.objectness
        doubtful, sound = np.flatnonzero(cut), boxes[~cut]  # (m,), (n, 4)
        shared = intersections(boxes[doubtful], sound)  # (m, n)
        covered = (shared >= COVERED * areas(boxes[doubtful])[:, None]).any(axis=1)  # (m,)
        kept = np.setdiff1d(np.arange(len(boxes)), doubtful[covered])
        ranked = kept[np.argsort(-objectness[kept], kind="stable")]  # (n,)
        alone = nms(torch.from_numpy(boxes[ranked]).double(), self._iou)
        best = ranked[alone.numpy()][: self._max_proposals]
        return Proposals(boxes[best], objectness[best])


def in_tiles(proposer: Proposer, max_proposals: int) -> Proposer:
    """The proposer over tiles, if it finds more there, else itself; of a union each member, of `every` what it asks.

    Those that find more say so by `works_in_tiles`: they know objects by their looks. A proposer with memory needs the
    frame as it was; one without weights sees every pixel of the whole frame anyway.
    """
    if isinstance(proposer, UnionProposer | EveryProposer):
        return proposer.over(lambda member: in_tiles(member, max_proposals))
    return TiledProposer(proposer, max_proposals=max_proposals) if proposer.works_in_tiles else proposer


def _usable(proposals: Proposals) -> Proposals:
    """Without boxes that are not finite or have no area."""
    good = usable(proposals.xyxy)  # (N,)
    return Proposals(proposals.xyxy[good], proposals.objectness[good])


def _clipped(boxes: _Boxes, window: NDArray[np.int64]) -> _Boxes:
    low, high = np.tile(window[:2], 2), np.tile(window[2:], 2)  # (4,)
    return np.clip(boxes, low, high).astype(np.float32)
