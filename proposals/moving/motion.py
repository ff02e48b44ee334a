"""MotionProposer: boxes around what moves, and around what came and stayed, before a camera that stands still."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.blobs import blobs, shrunk
from proposals.moving.still import StillThings
from proposals.ranges import expect_least, expect_scale, expect_share
from proposals.shortlist import Shortlist

Method = Literal["mog2", "knn"]
_LEAST_VARIANCE = 16.0  # of a pixel; MOG2's own 4 has a cloud light up half of a clean video
_FIRST: dict[Method, int] = {"mog2": 1, "knn": 5}  # times that it has to see a picture to take it for the background
_YOUNG = 25  # frames in which the fast model learns quickly
_SURE = 200  # OpenCV marks foreground 255 and shadow 127
_SAME = 0.7  # IoU above which a moving and a standing box are one


@dataclass(eq=False, kw_only=True)
class MotionProposer(Proposer):
    """Two background models: a fast one for what moves, a slow one for what came, stopped and stayed.

    The fast model (MOG2 or KNN, shadows cut) learns a thing that stops after about `history / 10` frames. The slow one
    (`still.StillThings`) proposes it from then on, until it has stood for `stay` frames more or is taken away. A thing
    that was there in the first frame is background; where it leaves, its empty place is proposed as long.

    After a step of light, when the fast model sees a change in more than `light_step` of the frame, there are no boxes
    and both models start from the new light; what stands is still known. Something larger than that is taken for
    light. A frame of another size starts again. For one camera that stands still: it has memory.

    Objectness is how full of changed pixels a box is and how large that change is (`blobs.blobs`): it ranks boxes, and
    does not say that one holds one object.

    Args:
        method: "mog2", or "knn", which keeps slow plain objects whole more often.
        max_proposals: most boxes, at least 1.
        scale: size at which the models work, a share of the frame's sides, above 0, at most 1.
        min_area: share of the frame, 0..1; smaller changes are dropped (at the default 150 pixels of 1280 x 720).
        gap: share of the frame's longer side, 0..1; parts that are nearer are one thing.
        history: frames that the fast model looks back, at least 1.
        stay: frames for which a thing stays proposed that the fast model has learned; 0 for no slow model.
        light_step: share of the frame, 0..1.

    Raises:
        ValueError: If a value lies outside its range.
    """

    has_memory = True

    method: Method = "mog2"
    max_proposals: int = 100
    scale: float = 0.5
    min_area: float = 0.00016
    gap: float = 0.01
    history: int = 500
    stay: int = 9000
    light_step: float = 0.4

    def __post_init__(self) -> None:
        if self.method not in _FIRST:
            raise ValueError(f"motion: expected the method to be one of {', '.join(_FIRST)}, got {self.method!r}")
        expect_least("motion", 1, history=self.history)
        expect_least("motion", 0, stay=self.stay)
        expect_scale("motion", self.scale)
        expect_share("motion", min_area=self.min_area, gap=self.gap, light_step=self.light_step)
        self._best = Shortlist("motion", max_proposals=self.max_proposals, nms_iou=_SAME)
        self.reset()

    def reset(self) -> None:
        """Forget the background, as before the first frame."""
        self._frame_size: tuple[int, int] | None = None

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, sorted by objectness; the tower does not run for them."""
        size = frame.shape[0], frame.shape[1]
        picture = shrunk(frame, self.scale)  # (h, w, 3)
        if size != self._frame_size:
            self._frame_size = size
            self._slow = StillThings(self.stay, self.light_step) if self.stay else None
            self._begin(picture)
            return Proposals.empty()
        moving = self._changed(picture)  # (h, w)
        if np.count_nonzero(moving) > self.light_step * moving.size:
            self._begin(picture)
            return Proposals.empty()
        masks = [moving] if self._slow is None else [moving, self._clean(self._slow.apply(picture, moving))]
        parts = [blobs(mask, size, min_area=self.min_area, gap=self.gap) for mask in masks]
        xyxy, objectness = (np.concatenate(part) for part in zip(*parts, strict=True))  # (N, 4), (N,)
        return self._best(torch.from_numpy(xyxy), torch.from_numpy(objectness), size)

    def _begin(self, picture: NDArray[np.uint8]) -> None:
        """Take a picture `(h, w, 3)` as the background."""
        if self.method == "mog2":
            mixture = cv2.createBackgroundSubtractorMOG2(self.history, detectShadows=True)
            mixture.setVarMin(_LEAST_VARIANCE)
            self._fast: cv2.BackgroundSubtractor = mixture
        else:
            self._fast = cv2.createBackgroundSubtractorKNN(self.history, detectShadows=True)
        self._seen = 0
        for _ in range(_FIRST[self.method]):
            self._changed(picture)
        if self._slow is not None:
            self._slow.relight(picture)

    def _changed(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`(h, w)` uint8, 255 where a picture `(h, w, 3)` differs from what the fast model knows; learns it."""
        self._seen += 1
        # OpenCV's own rate, 1 / (2 n), would have a young model learn a slow object in a few frames.
        rate = -1 if self._seen <= _YOUNG else 1 / self.history
        raw = self._fast.apply(picture, learningRate=rate)  # (h, w)
        return self._clean(np.where(raw > _SURE, np.uint8(255), np.uint8(0)))

    def _clean(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A mask `(h, w)` without single pixels."""
        return np.asarray(cv2.medianBlur(mask, 3), np.uint8)
