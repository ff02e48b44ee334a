"""How much boxes overlap."""

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import box_iou


def overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """IoU of all pairs of `(N, 4)` and `(M, 4)` boxes, `(N, M)`; 0 for boxes without area or that are not finite."""
    pairs = box_iou(torch.from_numpy(first).double(), torch.from_numpy(second).double())
    return np.asarray(np.nan_to_num(pairs.numpy()))
