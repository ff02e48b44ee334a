"""Losses of the embedded tower, each a function of tensors.

Letters: N regions, B images, P phrases, D channels, S sub-cells.
"""

import torch
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss


def sigmoid_contrast(left: torch.Tensor, texts: torch.Tensor, truth: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
    """Sigmoid loss over all pairs (SigLIP, arXiv 2303.15343), with exact truth: several phrases may hold.

    Args:
        left: `(N, D)` region or image embeddings.
        texts: `(P, D)` phrase embeddings.
        truth: `(N, P)` 0 or 1.
        score: `(2,)` log scale and bias.

    Returns:
        Sum over phrases, mean over regions.
    """
    cosine = functional.normalize(left, dim=-1) @ functional.normalize(texts, dim=-1).T  # (N, P)
    logits = score[0].exp() * cosine + score[1]
    return functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum") / max(len(left), 1)


def prototype_loss(vectors: torch.Tensor, prototypes: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of `(N, D)` vectors against `(K, D)` prototypes by cosine; label -1 counts for nothing."""
    logits = 12.0 * functional.normalize(vectors, dim=-1) @ functional.normalize(prototypes, dim=-1).T  # (N, K)
    total = functional.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)


def assign_cells(centres: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Which box each sub-cell answers for.

    A sub-cell answers for the smallest box that holds its centre; every box gets the sub-cell nearest its middle
    too, unless a smaller box claims that one.

    Args:
        centres: `(S, 2)` in tokens.
        boxes: `(N, 4)` xyxy in tokens.

    Returns:
        `(S,)` int64 index of a box, -1 for none.
    """
    if len(boxes) == 0:
        return torch.full((len(centres),), -1)
    gaps = torch.cat([centres[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - centres[:, None]], -1)  # (S, N, 4)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)  # (N,)
    cost = torch.where(gaps.amin(-1) > 0, area[None], torch.inf)  # (S, N)
    least, owner = cost.min(1)  # (S,)
    owner = torch.where(least.isinf(), -1, owner)
    nearest = torch.cdist((boxes[:, :2] + boxes[:, 2:]) / 2, centres).argmin(1)  # (N,)
    order = area.argsort(descending=True)  # the smallest writes last
    owner[nearest[order]] = order
    return owner


def box_losses(
    logits: torch.Tensor, distances: torch.Tensor, predicted: torch.Tensor, boxes: torch.Tensor, centres: torch.Tensor
) -> torch.Tensor:
    """Losses of one image's boxes: objectness, log distances, overlap; every object weighs the same.

    Args:
        logits: `(S,)` of the expected IoU.
        distances: `(S, 4)` predicted log distances.
        predicted: `(S, 4)` the same as xyxy in tokens.
        boxes: `(N, 4)` true xyxy in tokens.
        centres: `(S, 2)` in tokens.

    Returns:
        `(3,)`: binary cross-entropy against the IoU reached, L1 of log distances, 1 - GIoU.
    """
    owner = assign_cells(centres, boxes)  # (S,)
    cells = torch.nonzero(owner >= 0)[:, 0]  # (M,)
    quality = torch.zeros_like(logits)
    if len(cells) == 0:
        return torch.stack(
            [functional.binary_cross_entropy_with_logits(logits, quality), distances.sum() * 0, distances.sum() * 0]
        )
    truth, mine = boxes[owner[cells]], predicted[cells]  # (M, 4)
    quality[cells] = _paired_iou(mine.detach(), truth)
    objectness = functional.binary_cross_entropy_with_logits(logits, quality, reduction="sum") / len(cells)
    weight = 1.0 / torch.bincount(owner[cells], minlength=len(boxes)).clamp(min=1)[owner[cells]]  # (M,)
    weight = weight / weight.sum()
    sides = torch.cat([centres[cells] - truth[:, :2], truth[:, 2:] - centres[cells]], -1)  # (M, 4)
    l1 = (distances[cells] - sides.clamp(min=0.05).log()).abs().mean(-1)  # (M,)
    overlap = generalized_box_iou_loss(mine, truth)  # (M,)
    return torch.stack([objectness, (l1 * weight).sum(), (overlap * weight).sum()])


def _paired_iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    corner1, corner2 = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    shared = (corner2 - corner1).clamp(min=0).prod(-1)  # (M,)
    areas = [(b[:, 2:] - b[:, :2]).prod(-1) for b in (first, second)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-6)
