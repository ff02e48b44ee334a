"""Losses, each a function of tensors: first those of the embedded tower, then those of FG-CLIP 2.

FG-CLIP 2 (arXiv 2510.10921) trains in two stages: the global sigmoid loss alone, then all of them together; see
regionclip/training/curriculum.py. Its losses take unit-length embeddings and are held to tensors of the official code
(tests/golden/fgclip2_training). What is added here is `same`: pairs that say the same and are therefore neither right
nor wrong are left out. Without `same` the numbers are the official ones.

Letters: N regions, B images, P phrases, M texts of other processes, D channels, K hard negatives, S sub-cells.
"""

import torch
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss


def sigmoid_contrast(left: torch.Tensor, texts: torch.Tensor, truth: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
    """Sigmoid loss over all pairs (SigLIP, arXiv 2303.15343), with exact truth: several phrases may hold.

    Args:
        left: `(N, D)` region or image embeddings.
        texts: `(P, D)` phrase embeddings.
        truth: `(N, P)` 0 or 1, nan where neither can be said: such a pair counts for nothing.
        score: `(2,)` log scale and bias.

    Returns:
        Sum over phrases, mean over regions.
    """
    cosine = functional.normalize(left, dim=-1) @ functional.normalize(texts, dim=-1).T  # (N, P)
    logits = score[0].exp() * cosine + score[1]
    known = ~truth.isnan()  # (N, P)
    loss = functional.binary_cross_entropy_with_logits(logits[known], truth[known], reduction="sum")
    return loss / max(len(left), 1)


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


def global_sigmoid(
    images: torch.Tensor,
    texts: torch.Tensor,
    score: tuple[torch.Tensor, torch.Tensor],
    others: torch.Tensor | None = None,
    same: torch.Tensor | None = None,
) -> torch.Tensor:
    """Sigmoid loss of pictures and their captions: pair i, i is right, every other one is wrong.

    Args:
        images: `(B, D)` unit length.
        texts: `(B, D)` unit length, the caption of each image.
        score: log scale and bias, each of one element.
        others: `(M, D)` captions of other processes, all wrong; None where there are none.
        same: `(B, B)` bool, pairs to leave out; its diagonal is not read.

    Returns:
        Sum over pairs, mean over images.
    """
    scale, bias = score[0].exp(), score[1]
    sign = 1 - 2 * torch.eye(len(images), device=images.device)  # (B, B), -1 for right pairs
    own = functional.softplus(sign * (scale * images @ texts.T + bias))  # (B, B)
    if same is not None:
        own = own.masked_fill(_off_diagonal(same), 0)
    total = own.sum()
    if others is not None:
        total = total + functional.softplus(scale * images @ others.T + bias).sum()
    return total / max(len(images), 1)


def region_contrastive(
    regions: torch.Tensor, texts: torch.Tensor, log_scale: torch.Tensor, same: torch.Tensor | None = None
) -> torch.Tensor:
    """Cross-entropy of regions against all texts and of texts against all regions, averaged (L_FGV of the paper).

    Args:
        regions: `(N, D)` unit length.
        texts: `(N, D)` unit length, the text of each region.
        log_scale: of one element.
        same: `(N, N)` bool, pairs to leave out; its diagonal is not read.
    """
    logits = log_scale.exp() * regions @ texts.T  # (N, N)
    if same is not None:
        logits = logits.masked_fill(_off_diagonal(same), -torch.inf)
    return (_diagonal_entropy(logits) + _diagonal_entropy(logits.T)) / 2


def textual_intra_modal(texts: torch.Tensor, most: int = 10, alike: float = 0.95) -> torch.Tensor:
    """Push texts of regions away from those they are nearest to (L_TIC of the paper).

    Args:
        texts: `(N, D)` unit length.
        most: nearest texts that count; where there are fewer than this, all of them do.
        alike: cosine above which two texts are taken to say the same, and count as 0.

    Returns:
        Mean over texts of the log of the summed exponentials of the largest cosines; 0 for no texts.
    """
    cosines = texts @ texts.T  # (N, N)
    itself = torch.eye(len(texts), dtype=torch.bool, device=texts.device)
    cosines = cosines.masked_fill(itself | (cosines > alike), 0)
    nearest = cosines.topk(min(most, len(texts)), dim=1).values  # (N, most)
    return nearest.logsumexp(1).sum() / max(len(texts), 1)


def hard_contrastive(
    regions: torch.Tensor, texts: torch.Tensor, log_scale: torch.Tensor, same: torch.Tensor | None = None
) -> torch.Tensor:
    """Region contrast in which every region also meets the hard negatives of all regions.

    Args:
        regions: `(N, D)` unit length.
        texts: `(N, 1 + K, D)` unit length: the true text first, then K false ones.
        log_scale: of one element.
        same: `(N, N + N * K)` bool, pairs to leave out: first the true texts, then the false ones, region by region.
            The diagonal is not read.
    """
    true, false = texts[:, 0], texts[:, 1:].flatten(0, 1)  # (N, D), (N*K, D)
    logits = log_scale.exp() * regions @ torch.cat([true, false]).T  # (N, N + N*K)
    if same is not None:
        logits = logits.masked_fill(_off_diagonal(same), -torch.inf)
    return (_diagonal_entropy(logits) + _diagonal_entropy(logits[:, : len(regions)].T)) / 2


def hard_pair(regions: torch.Tensor, texts: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each region `(N, D)` among its own `(N, 1 + K, D)` texts, of which the first is true."""
    logits = _own_logits(regions, texts, log_scale)  # (N, 1 + K)
    return -logits.log_softmax(1)[:, 0].sum() / max(len(regions), 1)


def cross_modal_rank(
    regions: torch.Tensor, texts: torch.Tensor, log_scale: torch.Tensor, threshold: torch.Tensor
) -> torch.Tensor:
    """Hinge: the true text's logit is to be `threshold` above each false one's (L_CMR of the paper).

    Args:
        regions: `(N, D)` unit length.
        texts: `(N, 1 + K, D)` unit length, the true text first.
        log_scale: of one element.
        threshold: scalar, in units of logits; `rank_threshold` gives the next one.
    """
    logits = _own_logits(regions, texts, log_scale)  # (N, 1 + K)
    gaps = threshold + logits[:, 1:] - logits[:, :1]  # (N, K)
    return gaps.relu().sum() / max(gaps.numel(), 1)


def rank_threshold(regions: torch.Tensor, texts: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """Mean logit of true texts minus mean logit of false ones: a scalar without gradient.

    Before it is used in the next step it is averaged over processes and clamped to 0..10. Arguments as for
    `cross_modal_rank`, with at least one region and one false text.
    """
    logits = _own_logits(regions, texts, log_scale).detach()  # (N, 1 + K)
    return logits[:, 0].mean() - logits[:, 1:].mean()


def hard_negative(
    regions: torch.Tensor,
    texts: torch.Tensor,
    log_scale: torch.Tensor,
    threshold: torch.Tensor,
    same: torch.Tensor | None = None,
) -> torch.Tensor:
    """All that hard negatives teach: `0.6 * hard_contrastive + 3 * hard_pair + 0.4 * cross_modal_rank`."""
    contrast = hard_contrastive(regions, texts, log_scale, same)
    rank = cross_modal_rank(regions, texts, log_scale, threshold)
    return 0.6 * contrast + 3 * hard_pair(regions, texts, log_scale) + 0.4 * rank


def _own_logits(regions: torch.Tensor, texts: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """`(N, 1 + K)` logits of each region with its own texts."""
    return log_scale.exp() * torch.einsum("nd,nkd->nk", regions, texts)


def _diagonal_entropy(logits: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of `(N, P)` logits whose right column is the row's own number; 0 for no rows."""
    return -logits.log_softmax(1).diagonal().sum() / max(len(logits), 1)


def _off_diagonal(same: torch.Tensor) -> torch.Tensor:
    return same & ~torch.eye(*same.shape, dtype=torch.bool, device=same.device)
