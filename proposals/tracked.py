"""TrackedProposer: the boxes of what is being followed, so that what stands still goes on being classified."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.ranges import expect_least
from proposals.shortlist import Shortlist


@dataclass(eq=False, kw_only=True)
class TrackedProposer(Proposer):
    """Proposes each live track where it was last seen, until `keep` frames have passed without a sight of it.

    It follows nothing itself: whoever runs a tracker calls `update` before each frame. Without updates there are no
    boxes. It has memory and belongs to one source.

    Objectness is 1 for a track of the latest update and falls evenly to 0 over `keep` frames: it ranks boxes, and
    does not say that one holds one object.

    Args:
        keep: frames for which a track that is not seen stays proposed, at least 1.
        max_proposals: most boxes, at least 1.

    Raises:
        ValueError: for a value outside its range.
    """

    has_memory = True

    keep: int = 25
    max_proposals: int = 100

    def __post_init__(self) -> None:
        expect_least("tracked", 1, keep=self.keep)
        self._best = Shortlist("tracked", max_proposals=self.max_proposals, nms_iou=1.0)  # every track keeps its box
        self.reset()

    def reset(self) -> None:
        """Forget all tracks."""
        self._boxes: dict[int, NDArray[np.float32]] = {}  # (4,) each
        self._age: dict[int, int] = {}  # frames since a track was seen

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:
        """Take the tracks that were seen on the latest frame, or are not confirmed yet.

        Args:
            xyxy: `(N, 4)` in pixels, where the next frame shows them.
            ids: `(N,)` whole numbers; negative ones, which trackers give to boxes that are no track yet, are left out.

        Raises:
            ValueError: where the two do not fit.
        """
        boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)  # (N, 4)
        numbers = np.asarray(ids, np.int64).reshape(-1)  # (N,)
        if len(boxes) != len(numbers):
            raise ValueError(f"tracked: expected one number a box, got {len(numbers)} for {len(boxes)} boxes")
        for number, box in zip(numbers.tolist(), boxes, strict=True):
            if number >= 0:
                self._boxes[number], self._age[number] = box.copy(), 0

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of the live tracks for `frame`, `(H, W, 3)`, the latest seen first; the tower does not run for them."""
        for number in [number for number, age in self._age.items() if age >= self.keep]:
            del self._boxes[number], self._age[number]
        xyxy = np.array(list(self._boxes.values()), np.float32).reshape(-1, 4)  # (N, 4)
        age = np.array([self._age[number] for number in self._boxes], np.float32)  # (N,)
        for number in self._age:
            self._age[number] += 1
        height, width = frame.shape[:2]
        return self._best(torch.from_numpy(xyxy), torch.from_numpy(1 - age / self.keep), (height, width))
