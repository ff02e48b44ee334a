"""Carrying boxes from picture to picture without a tower: the median motion of a few points inside each box.

Points on a small grey picture are followed with pyramidal Lucas-Kanade, there and back; those that do not come back are
left out (forward-backward error and median flow: Kalal, Mikolajczyk, Matas, ICPR 2010). Their median shift moves the
box, the median change of their distances resizes it.

Letters: N boxes, P points of one box.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.frames import Frame
from regionclip.video.tracking.relations import nearer

_SIDE = 320  # longer side of the small picture
_POINTS = 4  # a side of a box
_INNER = np.array([0.6, 0.8])  # share of width and height where points lie: corners of boxes are mostly background
_FLOW = {"winSize": (9, 9), "maxLevel": 2, "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 8, 0.05)}
_RETURNS = 0.7  # pixels of the small picture by which a point may miss its start
_FEWEST = 4  # points that must return
_RESIZED = 0.1  # most by which a box grows or shrinks from one picture to the next
_LOOK = 12  # side of a look


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """Boxes in the next picture.

    Attributes:
        boxes: `(N, 4)` float32 xyxy in frame pixels; those that could not be followed stay where they were.
        followed: `(N,)` bool.
    """

    boxes: NDArray[np.float32]
    followed: NDArray[np.bool_]


class Carrier:
    """Carries boxes along with the pictures of one source; remembers the latest picture, small."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the latest picture."""
        self._colour: NDArray[np.uint8] | None = None  # (h, w, 3)
        self._grey: NDArray[np.uint8] | None = None  # (h, w)
        self._shrunk = 1.0

    def carry(self, frame: Frame, boxes: NDArray[np.float32]) -> Carried:
        """Take the next picture, and find boxes of the one before in it.

        Args:
            frame: `(H, W, 3)` uint8 BGR, of the same size as before.
            boxes: `(N, 4)` xyxy in frame pixels, in the picture before; without one none can be followed.
        """
        before = self._grey
        self._take(frame)
        assert self._grey is not None
        still = Carried(boxes.copy(), np.zeros(len(boxes), np.bool_))
        if before is None or before.shape != self._grey.shape or len(boxes) == 0:
            return still
        if np.array_equal(before, self._grey):  # the same picture once more
            return Carried(still.boxes, np.ones(len(boxes), np.bool_))
        small = boxes * self._shrunk  # (N, 4)
        starts, owner = _points(small, before.shape)  # (P, 2), (P,)
        if len(starts) == 0:
            return still
        ends, returned = _follow(before, self._grey, starts)  # (P, 2), (P,)
        for place in range(len(boxes)):
            mine = returned & (owner == place)
            if mine.sum() >= _FEWEST:
                still.boxes[place] = _moved(small[place], starts[mine], ends[mine]) / self._shrunk
                still.followed[place] = True
        return still

    def looks(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """How boxes look in the latest picture: `(N, 432)`, 12 x 12 BGR, without their mean and of length 1.

        The product of two is their correlation; light that changes evenly does not change it. Zeros for boxes that are
        outside or of one colour.

        Args:
            boxes: `(N, 4)` xyxy in frame pixels.
        """
        looks = np.zeros((len(boxes), _LOOK * _LOOK * 3), np.float32)
        if self._colour is None:
            return looks
        height, width = self._colour.shape[:2]
        corners = np.clip(boxes * self._shrunk, 0, [width, height, width, height]).round().astype(int)  # (N, 4)
        for look, (x1, y1, x2, y2) in zip(looks, corners.tolist(), strict=True):
            if x2 > x1 and y2 > y1:
                part = cv2.resize(self._colour[y1:y2, x1:x2], (_LOOK, _LOOK), interpolation=cv2.INTER_AREA)
                centred = part.astype(np.float32).ravel() - part.mean()
                look[:] = centred / max(float(np.linalg.norm(centred)), 1e-6)
        return looks

    def _take(self, frame: Frame) -> None:
        height, width = frame.shape[:2]
        self._shrunk = min(1.0, _SIDE / max(height, width))
        size = max(1, round(width * self._shrunk)), max(1, round(height * self._shrunk))
        small = frame if self._shrunk == 1 else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        # A frame that is small already belongs to the caller, who may paint over it.
        self._colour = np.array(small, np.uint8)
        self._grey = np.asarray(cv2.cvtColor(self._colour, cv2.COLOR_BGR2GRAY), np.uint8)


def _points(boxes: NDArray[np.float32], size: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Points `(P, 2)` inside boxes `(N, 4)`, and which box each is of `(P,)`; none outside the picture, none where
    a nearer box may hide the own one."""
    steps = ((np.arange(_POINTS) + 0.5) / _POINTS - 0.5).astype(np.float32)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) * _INNER  # (p, 2) around the middle
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]  # (N, 2)
    points = (middles[:, None] + grid * sides[:, None]).reshape(-1, 2).astype(np.float32)  # (P, 2)
    owner = np.repeat(np.arange(len(boxes)), len(grid))  # (P,)
    inside = ((points >= 0) & (points < size[1::-1])).all(1)  # (P,)
    within = ((points[:, None] > boxes[:, :2]) & (points[:, None] < boxes[:, 2:])).all(2)  # (P, N)
    hidden = (within & nearer(boxes)[owner]).any(1)  # (P,)
    return points[inside & ~hidden], owner[inside & ~hidden]


def _follow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], starts: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where points are in the next picture, and whether each comes back to its start from there."""
    ends, there, _ = cv2.calcOpticalFlowPyrLK(before, after, starts, None, **_FLOW)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, ends, None, **_FLOW)  # type: ignore[call-overload]
    error = np.linalg.norm(back - starts, axis=1)  # (P,)
    return ends, (there.ravel() == 1) & (again.ravel() == 1) & (error < _RETURNS)


@cache
def _pairs(count: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """All pairs of so many points."""
    first, second = np.triu_indices(count, 1)
    return first, second


def _moved(box: NDArray[np.float32], starts: NDArray[np.float32], ends: NDArray[np.float32]) -> NDArray[np.float32]:
    """A box `(4,)` moved and resized as its points were."""
    middle = len(starts) // 2
    shift = np.sort(ends - starts, axis=0)[middle]  # (2,) the median, for which np.median takes several times as long
    first, second = _pairs(len(starts))
    apart, now = (np.hypot(*(each[first] - each[second]).T) for each in (starts, ends))
    changes = np.sort(now / apart)
    scale = min(max(float(changes[len(changes) // 2]), 1 - _RESIZED), 1 + _RESIZED)
    centre, half = (box[:2] + box[2:]) / 2 + shift, (box[2:] - box[:2]) / 2 * scale
    return np.concatenate([centre - half, centre + half]).astype(np.float32)
