"""From a detector's many boxes to proposals: inside the frame, ranked, near repeats gone.

Letters: N boxes, M boxes that are kept, H x W frame.
"""

import torch
from torchvision.ops import clip_boxes_to_image, nms

from proposals.base import Proposals


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
        if max_proposals < 1:
            raise ValueError(f"{who}: expected max_proposals of at least 1, got {max_proposals}")
        if not 0 <= nms_iou <= 1:
            raise ValueError(f"{who}: expected nms_iou in 0..1, got {nms_iou}")
        self._max_proposals = max_proposals
        self._nms_iou = nms_iou

    def __call__(self, xyxy: torch.Tensor, objectness: torch.Tensor, frame_size: tuple[int, int]) -> Proposals:
        """Rank boxes, cut to the frame; those without area inside it are left out.

        Args:
            xyxy: `(N, 4)` in frame pixels.
            objectness: `(N,)`, cut to 0..1.
            frame_size: `(H, W)` in pixels.
        """
        boxes = clip_boxes_to_image(xyxy.float(), frame_size)  # (N, 4)
        usable = boxes.isfinite().all(1) & objectness.isfinite() & (boxes[:, 2:] > boxes[:, :2]).all(1)  # (N,)
        boxes, sure = boxes[usable], objectness.float()[usable].clamp(0, 1)
        order = sure.argsort(descending=True, stable=True)  # (N,)
        boxes, sure = boxes[order], sure[order]
        # Falling ranks stand for objectness, so that equals keep their order in NMS.
        ranks = torch.arange(len(boxes), 0, -1, dtype=torch.float32, device=boxes.device)  # (N,)
        kept = nms(boxes, ranks, self._nms_iou)[: self._max_proposals]  # (M,)
        return Proposals(boxes[kept].cpu().numpy(), sure[kept].cpu().numpy())
