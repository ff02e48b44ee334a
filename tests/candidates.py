"""Frames in which proposers find something, features of a tower that notes whether it ran, and how well boxes fit."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals
from proposals.overlap import box_iou

FEATURES: Features = None  # type: ignore[assignment]  # for proposers that never ask the tower
WIDTH = 4
"""Channels of the tokens."""


class Looks:
    """Features of a frame and its left and right half, with random tokens."""

    def __init__(self, frame_size: tuple[int, int], *, halves: bool = True) -> None:
        height, width = self.frame_size = frame_size
        self.ran = False
        self.grid = (6, 8)
        middle = [[0, 0, width // 2 + 1, height], [width // 2 - 1, 0, width, height]]
        self.windows = np.array(middle if halves and width > 4 else [], np.int64).reshape(-1, 4)
        self.tiles: Sequence[Looks] = [
            Looks((int(y2 - y1), int(x2 - x1)), halves=False) for x1, y1, x2, y2 in self.windows
        ]

    @property
    def tokens(self) -> torch.Tensor:
        """`(h*w, D)`, the same for every frame; the tower has run now."""
        self.ran = True
        return torch.randn(48, WIDTH, generator=torch.Generator().manual_seed(1))


def noise(height: int, width: int) -> NDArray[np.uint8]:
    """`(H, W, 3)`, the same for every height."""
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def clip(size: tuple[int, int], seed: int = 0, frames: int = 16) -> list[NDArray[np.uint8]]:
    """Frames of a spotted wall, of a bright thing that moves over it, and of patches that come and go."""
    (height, width), rng = size, np.random.default_rng(seed)
    spots = rng.integers(60, 200, (-(-height // 10), -(-width // 10), 3))
    wall = np.kron(spots, np.ones((10, 10, 1)))[:height, :width].astype(np.uint8)
    shown = []
    for at in range(frames):
        frame = wall.copy()
        for _ in range(int(rng.integers(0, 3))):
            y, x = rng.integers(0, height), rng.integers(0, width)
            frame[y : y + 12, x : x + 12] = rng.integers(0, 256, 3)
        frame[height // 3 : 2 * height // 3, 6 * at : 6 * at + width // 5] = 255
        shown.append(frame)
    return shown


def ious(found: Proposals, box: Sequence[float]) -> NDArray[np.float32]:
    """`(N,)` overlap of each box with one."""
    return box_iou(found.xyxy, np.array([box], np.float32))[:, 0]


def best_iou(found: Proposals, box: Sequence[float]) -> float:
    """Of any proposal with a box, 0 where there are none."""
    return float(ious(found, box).max(initial=0))
