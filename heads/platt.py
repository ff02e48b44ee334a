"""Scores to probabilities: a logistic curve on the logit of each label's score.

Letters: N regions, C labels.
"""

import torch

from heads.classify import PIECE


def platt(scores: torch.Tensor, slopes: torch.Tensor, intercepts: torch.Tensor) -> torch.Tensor:
    """`1 / (1 + e^-(slope * logit(score) + intercept))` of each score, by the numbers of its label (Platt 1999).

    Each value depends on its own score and label alone, bit for bit. Order within a label stays.

    Args:
        scores: `(N, C)` float32 in 0..1.
        slopes: `(C,)` float64 above 0; NaN leaves the label's scores as they are.
        intercepts: `(C,)` float64.

    Returns:
        `(N, C)` float32 in 0..1.

    Raises:
        ValueError: If shapes do not fit, or a slope is not above 0.
    """
    labels = scores.shape[1:]
    if scores.ndim != 2 or slopes.shape != labels or intercepts.shape != labels:
        raise ValueError(
            f"platt: expected scores (N, C) and C slopes and intercepts, got {tuple(scores.shape)}, "
            f"{tuple(slopes.shape)} and {tuple(intercepts.shape)}"
        )
    if bool((slopes <= 0).any()):
        raise ValueError(f"platt: expected slopes above 0, got {slopes.tolist()}")
    as_is = slopes.isnan()  # (C,)
    if scores.numel() == 0 or bool(as_is.all()):
        return scores.float()
    count = -(-scores.numel() // PIECE)
    rows = torch.full((3, count * PIECE), 0.5, dtype=torch.float64, device=scores.device)  # score, slope, intercept
    for row, values in zip(rows, (scores, slopes.nan_to_num(1.0), intercepts), strict=True):
        row[: scores.numel()] = values.double().expand(scores.shape).reshape(-1)
    for start in range(0, count * PIECE, PIECE):  # pieces of one size: the same instructions for every value
        score, slope, intercept = rows[:, start : start + PIECE]
        rows[0, start : start + PIECE] = (slope * score.logit() + intercept).sigmoid()
    scaled = rows[0, : scores.numel()].view(scores.shape).float()  # (N, C)
    return torch.where(as_is, scores.float(), scaled)
