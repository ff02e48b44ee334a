"""What a track has looked like: embeddings fused over time.

    fused = sum of q_i * e^(-(t - t_i) / memory) * x_i, made unit length

over all looks x_i (unit length) of quality q_i at time t_i: recent and clear looks count more. The objectness is the
mean with the same weights.

Letters: N boxes, D channels.
"""

import math

import numpy as np
from numpy.typing import NDArray

from regionclip.video.tracking.relations import hidden_share

_FEW_CELLS = 4.0  # of such a box the quality is halved
_AT_BORDER = 0.5  # quality of a box that the border of the frame cuts
_HIDDEN = 0.8  # share of the quality that a box behind another loses when it is covered wholly
_LEAST = 0.01


def qualities(
    boxes: NDArray[np.float32],
    frame_size: tuple[int, int],
    cells: float,
    objectness: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """How much a look at each box is worth, `(N,)` in 0.01..1.

    A product of: its size, n / (n + 4) for n feature cells; its objectness; its share inside the frame, halved where it
    touches the border; and what is not covered by a box before it.

    Args:
        boxes: `(N, 4)` xyxy in pixels, finite, not clipped.
        frame_size: `(H, W)`.
        cells: feature cells of the whole frame.
        objectness: `(N,)` in 0..1, or None where it means nothing.
    """
    height, width = frame_size
    limit = np.array([width, height, width, height], np.float32)
    inside = np.clip(boxes, 0, limit)  # (N, 4)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0, None).prod(1).astype(float) for each in (boxes, inside)]
    size = areas[1] / (height * width) * cells  # (N,) in cells
    shown = np.divide(areas[1], areas[0], out=np.zeros(len(boxes)), where=areas[0] > 0)
    edge = 0.005 * max(height, width)
    cut = (boxes[:, :2] <= edge).any(1) | (boxes[:, 2:] >= limit[2:] - edge).any(1)  # (N,)
    quality = size / (size + _FEW_CELLS) * shown * np.where(cut, _AT_BORDER, 1.0)
    quality *= 1 - _HIDDEN * hidden_share(inside)
    if objectness is not None:
        quality *= objectness
    return np.asarray(np.clip(quality, _LEAST, 1), np.float32)


class Fused:
    """The fused embedding and objectness of one track.

    Args:
        memory: seconds after which a look weighs 1/e; 0 keeps the newest look alone.
    """

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._sum: NDArray[np.float64] | None = None  # (D,)
        self._weight = self._objectness = 0.0
        self._time = -math.inf
        self._unit: NDArray[np.float32] | None = None  # (D,)

    def add(self, embedding: NDArray[np.float32], quality: float, t_seconds: float, objectness: float = 1.0) -> None:
        """Take one more look; times do not fall.

        Args:
            embedding: `(D,)` of unit length.
            quality: above 0.
            t_seconds: when it was taken.
            objectness: of its box, 0..1.
        """
        passed = t_seconds - self._time
        kept = math.exp(-passed / self._memory) if self._memory > 0 and self._sum is not None else 0.0
        new = quality * embedding.astype(np.float64)  # (D,)
        self._sum = new if self._sum is None else kept * self._sum + new
        self._weight, self._objectness = kept * self._weight + quality, kept * self._objectness + quality * objectness
        self._time = t_seconds
        length = float(np.linalg.norm(self._sum))
        # Looks that cancel each other leave no direction: then the newest is all that is known.
        unit = self._sum / length if length > 1e-9 * self._weight else embedding
        self._unit = np.asarray(unit, np.float32)

    @property
    def embedding(self) -> NDArray[np.float32]:
        """`(D,)` of unit length.

        Raises:
            ValueError: before the first look.
        """
        if self._unit is None:
            raise ValueError("fused embedding: expected at least one look, got none")
        return self._unit

    @property
    def objectness(self) -> float:
        """Mean of that of the looks, 0..1; 1 before the first."""
        return min(self._objectness / self._weight, 1.0) if self._weight else 1.0
