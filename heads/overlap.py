"""How much boxes overlap, and which rows go because a better one overlaps them.

The kernel is torchvision's. Its Python side is not imported where the kernel is registered already: that takes longer
than everything else that a first detection needs.

Letters: N boxes, M other boxes, K boxes that stay.
"""

import torch


def box_iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Intersection over union `(N, M)` of boxes `(N, 4)` and `(M, 4)` xyxy; NaN where neither has an area."""
    corner = torch.maximum(first[:, None, :2], second[:, :2])  # (N, M, 2)
    sides = (torch.minimum(first[:, None, 2:], second[:, 2:]) - corner).clamp(min=0)  # (N, M, 2)
    shared = sides[..., 0] * sides[..., 1]  # (N, M)
    area, other = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second))
    return shared / (area[:, None] + other - shared)


def nms(boxes: torch.Tensor, iou: float) -> torch.Tensor:
    """`(K,)` long, rising: places of the boxes that no better one which stays overlaps by more than `iou`.

    Args:
        boxes: `(N, 4)` xyxy, the best first.
        iou: intersection over union in 0..1.
    """
    if not hasattr(torch.ops.torchvision, "nms"):
        import torchvision.ops  # noqa: F401 - registers it
    ranks = torch.arange(len(boxes), 0, -1, dtype=boxes.dtype, device=boxes.device)  # (N,)
    kept: torch.Tensor = torch.ops.torchvision.nms(boxes, ranks, iou)
    return kept


def nms_by_category(boxes: torch.Tensor, category: torch.Tensor, iou: float) -> torch.Tensor:
    """The same among boxes of one category each, `(N,)` long.

    Few boxes are shifted so far apart by category that one run serves all, many are taken category by category: the
    kernel's time goes with the square of their number. Double precision keeps the shift from blurring corners.
    """
    if len(boxes) == 0:
        return category
    corners = boxes - boxes.min()  # (N, 4), the shift needs them above 0
    if len(boxes) <= (1000 if boxes.device.type == "cpu" else 25_000):
        return nms(corners + (category.to(corners) * (corners.max() + 1))[:, None], iou)
    stays = torch.zeros_like(category, dtype=torch.bool)  # (N,)
    for each in torch.unique(category):
        places = (category == each).nonzero().flatten()  # (n,)
        stays[places[nms(corners[places], iou)]] = True
    return stays.nonzero().flatten()
