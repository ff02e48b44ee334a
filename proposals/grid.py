"""Windows laid over the frame: proposals without weights and without looking."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.ranges import expect_least

OBJECTNESS = 0.1
"""Of every window: low, so that in a union windows fill the places that looking proposers leave."""


@dataclass(eq=False)
class GridProposer(Proposer):
    """Overlapping windows of several sizes and shapes, large to small, each size covering the whole frame.

    A window size is used if all of its windows fit into what is left of `max_proposals`; the first that does
    not fit ends the list. The answer depends on the frame's size alone. Its objectness means nothing: it is
    the same for all.

    Args:
        max_proposals: most windows, at least 1.
        aspects: widths divided by heights.
        shrink: ratio of one size to the next larger one, above 0 and below 1.
        overlap: share of its side that a window has in common with the next one, 0 or more and below 1.
        min_side: pixels; no smaller window, except where the frame itself is smaller.

    Raises:
        ValueError: If a value lies outside its range.
    """

    max_proposals: int = 300
    aspects: tuple[float, ...] = (1.0, 0.5, 2.0)
    shrink: float = 0.7
    overlap: float = 0.5
    min_side: int = 16

    def __post_init__(self) -> None:
        expect_least("grid", 1, max_proposals=self.max_proposals, min_side=self.min_side)
        if not self.aspects or not all(math.isfinite(aspect) and aspect > 0 for aspect in self.aspects):
            raise ValueError(f"grid: expected one or more aspects above 0, got {self.aspects}")
        if not 0 < self.shrink < 1 or not 0 <= self.overlap < 1:
            raise ValueError(
                f"grid: expected 0 < shrink < 1 and 0 <= overlap < 1, got {self.shrink} and {self.overlap}"
            )

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Windows over `frame` `(H, W, 3)`, large ones first; the tower does not run for them."""
        height, width = frame.shape[:2]
        windows: dict[tuple[int, int, int, int], None] = {(0, 0, width, height): None}
        for side_x, side_y in self._sizes(width, height):
            new = dict.fromkeys(
                (x, y, x + side_x, y + side_y)
                for y in self._starts(height, side_y)
                for x in self._starts(width, side_x)
            )
            if len(windows | new) > self.max_proposals:
                break
            windows |= new
        xyxy = np.array(list(windows), np.float32)  # (N, 4)
        return Proposals(xyxy, np.full(len(xyxy), OBJECTNESS, np.float32))

    def _sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """Window sides `(x, y)` in pixels, large to small; area goes with the frame's, shape does not."""
        sizes = []
        scale = math.sqrt(width * height) * self.shrink
        while scale >= 1:
            for aspect in self.aspects:
                side_x, side_y = round(scale * math.sqrt(aspect)), round(scale / math.sqrt(aspect))
                if min(side_x, side_y) >= self.min_side:
                    sizes.append((min(side_x, width), min(side_y, height)))
            scale *= self.shrink
        return sizes

    def _starts(self, length: int, side: int) -> list[int]:
        """First pixels of the windows of `side` pixels that cover `length` pixels, evenly spread."""
        steps = math.ceil((length - side) / max(side * (1 - self.overlap), 1))
        return [round(step * (length - side) / max(steps, 1)) for step in range(steps + 1)]
