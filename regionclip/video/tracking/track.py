"""Track: what is remembered of one thing that is followed.

Letters: D channels, L values of a look.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.video.tracking.fusion import Fused
from regionclip.video.tracking.holding import Hold

_SMOOTH = 0.3
"""Seconds over which a velocity is averaged."""


@dataclass(slots=True, eq=False)
class Track:
    """One track, confirmed or not.

    Attributes:
        key: by which `Association` knows it.
        fused: what it has looked like.
        hold: what it is taken for.
        born: seconds at its first sight.
        tracker_id: the number that users see; None as long as it is not confirmed.
        box: `(4,)` xyxy in pixels, where it is now.
        seen: seconds at its latest sight.
        missed: seconds at the first key frame after that; None where the latest key frame saw it.
        region: that it is on the latest frame; -1 where the picture carried it.
        look: `(L,)` small picture at its latest sight.
        data: the caller's own columns of its latest region, one entry each.
        guided: whether the picture showed where it went since the frame before.
        counted: whether it had rows.
    """

    key: int
    fused: Fused
    hold: Hold
    born: float
    tracker_id: int | None = None
    box: NDArray[np.float32] = field(default_factory=lambda: np.zeros(4, np.float32))
    seen: float = -math.inf
    missed: float | None = None
    region: int = -1
    look: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    guided: bool = True
    counted: bool = False
    _velocity: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))  # pixels a second
    _was: NDArray[np.float32] = field(default_factory=lambda: np.zeros(4, np.float32))  # box at the frame before
    _sight: NDArray[np.float32] = field(default_factory=lambda: np.zeros(4, np.float32))  # box at the latest sight
    _lost: bool = False  # the picture does not tell where it went, so far

    def follow(self, box: NDArray[np.float32] | None) -> None:
        """Move to the box `(4,)` where the picture shows it now; None where it does not tell."""
        self._lost |= box is None
        self.box = self.box if box is None else box

    def step(self, seconds: float) -> None:
        """A frame has passed; where the picture does not tell where it went, it goes on as it went."""
        self.region, self.guided = -1, not self._lost
        if self._lost:
            self.box = self._was + np.tile(self._velocity * np.float32(seconds), 2)
        else:
            self._turn(self.box, self._was, seconds)
        self._was, self._lost = self.box, False

    def see(self, regions: Regions, region: int, look: NDArray[np.float32], quality: float, t_seconds: float) -> None:
        """A key frame sees it as a region of `regions`."""
        box = regions.xyxy[region].copy()
        if not self.guided and math.isfinite(self.seen):
            self._turn(box, self._sight, t_seconds - self.seen)
        self.box = self._was = self._sight = box
        self.seen, self.missed, self.region, self.look = t_seconds, None, region, look
        self.data = {name: column[region : region + 1] for name, column in regions.data.items()}
        self.fused.add(regions.embeddings[region], quality, t_seconds, float(regions.objectness[region]))

    def share_inside(self, frame_size: tuple[int, int]) -> float:
        """The share of its box inside the frame `(H, W)`, 0..1."""
        height, width = frame_size
        x1, y1, x2, y2 = self.box.tolist()  # floats: numpy is slow on four numbers
        area = max(x2 - x1, 0) * max(y2 - y1, 0)
        shown = max(min(x2, width) - max(x1, 0), 0) * max(min(y2, height) - max(y1, 0), 0)
        return shown / area if area > 0 else 0.0

    def _turn(self, box: NDArray[np.float32], before: NDArray[np.float32], seconds: float) -> None:
        """Take the way from one box to another into its velocity."""
        way = (box - before).reshape(2, 2).mean(0)  # (2,)
        self._velocity += (1 - math.exp(-seconds / _SMOOTH)) * (way / np.float32(seconds) - self._velocity)
