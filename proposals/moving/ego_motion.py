"""EgoMotionProposer: boxes around what moves against the background, before a camera that moves itself.

The background's own motion between two frames is taken for a homography: corners (Shi and Tomasi, 1994) followed by
pyramidal Lucas-Kanade and fitted with RANSAC. That is exact for a camera that turns or looks at a plane. Near things
before a camera that drives keep a parallax, and are proposed as if they moved.

Letters: N boxes, P points, H x W frame, h x w smaller copy of it.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.blobs import blobs, shrunk
from proposals.ranges import expect_least, expect_scale, expect_share
from proposals.shortlist import Shortlist

_CORNERS = 300
_WEAKEST = 0.002  # share of the strongest corner: things stand out more than the ground that is to be followed
_FEWEST = 12  # corners that have to agree in any case
_SHIFT = 1.5  # pixels of the smaller copy that a point of the background may be off
_NOISE = 3.0  # a change is so many times the median difference ...
_LEAST = 10.0  # ... and at least so many grey levels
_TOO_MUCH = 0.4  # share of the frame; where more changed, light did


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """An earlier picture `grey` `(h, w)` uint8 and the homography `(3, 3)` that takes its background to the latest."""

    grey: NDArray[np.uint8]
    to_now: NDArray[np.float64]


@dataclass(eq=False, kw_only=True)
class EgoMotionProposer(Proposer):
    """What differs from two earlier frames at once, both laid over this one by the motion of the background.

    Where the background cannot be followed (too few corners, too few that agree, as in the dark, in a blur or before a
    plain wall) there are no boxes, and the comparison starts again from that frame. So it does with a frame of another
    size. A plain thing that has moved by less than its own width shows at its two ends alone. Use it as a hint beside
    a proposer that looks at the frame itself.

    Objectness is how full of changed pixels a box is and how large that change is (`blobs.blobs`): it ranks boxes.

    Args:
        max_proposals: most boxes, at least 1.
        scale: size at which frames are compared, a share of their sides, above 0, at most 1.
        min_area: share of the frame, 0..1; smaller changes are dropped.
        gap: share of the frame's longer side, 0..1; parts that are nearer are one thing.
        step: frames between the frames that are compared, at least 1; more shows slow
            things better and fast things worse.
        min_inliers: share of the corners that have to agree on the background's motion, 0..1, and never fewer than 12.

    Raises:
        ValueError: If a value lies outside its range.
    """

    has_memory = True

    max_proposals: int = 100
    scale: float = 0.5
    min_area: float = 0.0008
    gap: float = 0.03
    step: int = 2
    min_inliers: float = 0.5

    def __post_init__(self) -> None:
        expect_scale("ego-motion", self.scale)
        expect_least("ego-motion", 1, step=self.step)
        expect_share("ego-motion", min_area=self.min_area, gap=self.gap, min_inliers=self.min_inliers)
        self._best = Shortlist("ego-motion", max_proposals=self.max_proposals, nms_iou=1.0)
        self.reset()

    def reset(self) -> None:
        """Forget earlier frames."""
        self._frame_size: tuple[int, int] | None = None
        self._past: deque[_Past] = deque(maxlen=2 * self.step)

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, sorted by objectness; the tower does not run for them."""
        size = frame.shape[0], frame.shape[1]
        if size != self._frame_size:
            self.reset()
            self._frame_size = size
        grey = np.asarray(cv2.cvtColor(shrunk(frame, self.scale), cv2.COLOR_BGR2GRAY), np.uint8)  # (h, w)
        self._follow(grey)
        changed = [
            self._change(grey, self._past[-back]) for back in (self.step, 2 * self.step) if back <= len(self._past)
        ]
        self._past.append(_Past(grey, np.eye(3)))
        if len(changed) < 2:
            return Proposals.empty()
        # Where a thing was differs from one earlier frame, where it is from both.
        mask = cv2.medianBlur(np.minimum(*changed), 3)  # (h, w)
        if np.count_nonzero(mask) > _TOO_MUCH * mask.size:
            return Proposals.empty()
        xyxy, objectness = blobs(np.asarray(mask, np.uint8), size, min_area=self.min_area, gap=self.gap)
        return self._best(torch.from_numpy(xyxy), torch.from_numpy(objectness), size)

    def _follow(self, grey: NDArray[np.uint8]) -> None:
        """Lay earlier pictures over `grey` `(h, w)`; forget them where the background cannot be followed."""
        if not self._past:
            return
        motion = background_motion(self._past[-1].grey, grey, min_inliers=self.min_inliers)
        if motion is None:
            self._past.clear()
            return
        for _ in range(len(self._past)):
            past = self._past.popleft()
            self._past.append(_Past(past.grey, motion @ past.to_now))

    def _change(self, grey: NDArray[np.uint8], past: _Past) -> NDArray[np.uint8]:
        """`(h, w)` uint8, 255 where `grey` `(h, w)` lies outside what an earlier picture has near that place."""
        size = grey.shape[1], grey.shape[0]
        before = cv2.warpPerspective(past.grey, past.to_now, size)  # (h, w)
        known = cv2.warpPerspective(np.full_like(past.grey, 255), past.to_now, size)  # (h, w)
        near = np.ones((3, 3), np.uint8)
        off = cv2.max(
            cv2.subtract(grey, cv2.dilate(before, near)), cv2.subtract(cv2.erode(before, near), grey)
        )  # (h, w)
        usual = float(np.median(cv2.absdiff(grey, before)))
        seen = cv2.erode(known, np.ones((5, 5), np.uint8), borderValue=0)
        return np.where((off > max(_NOISE * usual, _LEAST)) & (seen == 255), np.uint8(255), np.uint8(0))


def background_motion(
    before: NDArray[np.uint8], after: NDArray[np.uint8], *, min_inliers: float = 0.5
) -> NDArray[np.float64] | None:
    """The homography `(3, 3)` that takes the background of one picture to its place in the next.

    Args:
        before: `(h, w)` uint8 grey.
        after: `(h, w)` uint8 grey.
        min_inliers: share of the corners that have to agree, 0..1, and never fewer than 12.

    Returns:
        None where it cannot be trusted.
    """
    points = cv2.goodFeaturesToTrack(before, _CORNERS, _WEAKEST, 7)  # (P, 1, 2)
    if points is None or len(points) < _FEWEST:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, np.empty_like(points))  # (P, 1, 2), (P, 1)
    followed = found[:, 0] == 1  # (P,)
    if followed.sum() < _FEWEST:
        return None
    motion, agree = cv2.findHomography(points[followed], moved[followed], cv2.RANSAC, _SHIFT)
    if motion is None or agree.sum() < max(_FEWEST, min_inliers * len(points)):
        return None
    return np.asarray(motion, np.float64)
