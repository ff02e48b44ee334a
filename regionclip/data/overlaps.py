"""How much boxes overlap, in double precision."""

import numpy as np
from numpy.typing import NDArray

from proposals.overlap import box_iou


def overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """IoU of all pairs of `(N, 4)` and `(M, 4)` boxes, `(N, M)`; 0 for boxes without area or that are not finite."""
    return np.asarray(np.nan_to_num(box_iou(first.astype(np.float64), second.astype(np.float64))))
