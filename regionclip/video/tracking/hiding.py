"""Which boxes stand before which. What stands on the ground nearer to a camera ends lower in its picture."""

import numpy as np
from numpy.typing import NDArray

from proposals.overlap import intersections


def nearer(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """`(N, N)`: whether box j ends lower than box i of `boxes` `(N, 4)` xyxy, and so may hide it."""
    return np.asarray(boxes[None, :, 3] > boxes[:, None, 3])


def hidden_share(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(N,)` in 0..1: of each box the largest share that one nearer box covers; 0 for boxes without area."""
    if len(boxes) == 0:
        return np.zeros(0, np.float32)
    shared = intersections(boxes, boxes)  # (N, N)
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)  # (N,)
    share = np.divide(shared, area[:, None], out=np.zeros_like(shared), where=area[:, None] > 0)
    return np.asarray(np.where(nearer(boxes), share, 0).max(1), np.float32)
