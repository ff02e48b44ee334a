"""From a detector's many boxes to proposals: inside the frame, ranked, near repeats gone.

Letters: N boxes, M boxes that are kept, H x W frame.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Proposals
from proposals.ranges import expect_least, expect_share


def nms(boxes: torch.Tensor, iou: float) -> torch.Tensor:
    """`(M,)` long, rising: places of the boxes that no better one which stays overlaps by more than `iou`.

    Falling ranks stand for objectness, so that equals keep their order.

    Args:
        boxes: `(N, 4)` xyxy, the best first.
        iou: intersection over union in 0..1.
    """
    if not hasattr(torch.ops.torchvision, "nms"):
        import torchvision.ops  # noqa: F401 - registers the kernel; slow, so not before it is needed
    ranks = torch.arange(len(boxes), 0, -1, dtype=boxes.dtype, device=boxes.device)  # (N,)
    kept: torch.Tensor = torch.ops.torchvision.nms(boxes, ranks, iou)
    return kept


def usable(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """`(N,)`: which of `(N, 4)` boxes are finite and have an area."""
    return np.asarray(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))


class Shortlist:
    """The best of many boxes.

    Args:
        who: named in errors.
        max_proposals: most boxes, at least 1.
        nms_iou: of two boxes that overlap more, the one with less objectness goes; at 1 all stay, 0..1.

    Raises:
        ValueError: for a value outside its range.
    """

    def __init__(self, who: str, *, max_proposals: int, nms_iou: float) -> None:
        expect_least(who, 1, max_proposals=max_proposals)
        expect_share(who, nms_iou=nms_iou)
        self._max_proposals = max_proposals
        self._nms_iou = nms_iou

    def __call__(self, xyxy: torch.Tensor, objectness: torch.Tensor, frame_size: tuple[int, int]) -> Proposals:
        """Rank boxes, cut to the frame; those without area inside it are left out.

        Args:
            xyxy: `(N, 4)` in frame pixels.
            objectness: `(N,)`, cut to 0..1.
            frame_size: `(H, W)` in pixels.
        """
        limits = torch.tensor(frame_size[::-1] * 2, dtype=torch.float32, device=xyxy.device)  # (4,)
        boxes = torch.minimum(xyxy.float().clamp(min=0), limits)  # (N, 4)
        usable = boxes.isfinite().all(1) & objectness.isfinite() & (boxes[:, 2:] > boxes[:, :2]).all(1)  # (N,)
        boxes, sure = boxes[usable], objectness.float()[usable].clamp(0, 1)
        order = sure.argsort(descending=True, stable=True)  # (N,)
        boxes, sure = boxes[order], sure[order]
        kept = nms(boxes, self._nms_iou)[: self._max_proposals]  # (M,)
        return Proposals(boxes[kept].cpu().numpy(), sure[kept].cpu().numpy())
