"""Fitting the curve that turns a label's score into a probability.

Platt (1999), Probabilistic outputs for support vector machines, in Advances in Large Margin Classifiers; by Newton's
method as in Lin, Lin & Weng (2007), A note on Platt's probabilistic outputs, Machine Learning 68, 267-276.

Letters: n pairs of a region and the label.
"""

import numpy as np
from numpy.typing import NDArray

from regionclip.words.calibrated import Platt

FEWEST = 10
"""Right and wrong regions that a curve is fitted to, at least so many of each."""

_ROUNDS = 100
_HALVINGS = 30
_RIDGE = 1e-9
_MOST_LOGIT = 16.0  # beyond this a float32 score is 0 or 1

Array = NDArray[np.float64]


def fit_platt(scores: NDArray[np.float32], answers: NDArray[np.bool_]) -> Platt | None:
    """The curve of least log loss against Platt's softened answers.

    In place of 1 and 0 the answers are `(p + 1) / (p + 2)` and `1 / (q + 2)`, of p right and q wrong ones: few examples
    then never say "certain".

    Args:
        scores: `(n,)` in 0..1.
        answers: `(n,)`, whether the label was right.

    Returns:
        None where right or wrong ones are fewer than `FEWEST`, or a higher score does not mean a likelier label.
    """
    right = int(answers.sum())
    wrong = len(answers) - right
    if min(right, wrong) < FEWEST:
        return None
    targets = np.where(answers, (right + 1) / (right + 2), 1 / (wrong + 2))  # (n,)
    line = np.array([1.0, 0.0])
    rows = np.stack([logits(scores), np.ones(len(scores))], axis=1)  # (n, 2)
    for _ in range(_ROUNDS):
        chances = 1 / (1 + np.exp(-(rows @ line)))  # (n,)
        gradient = rows.T @ (chances - targets)  # (2,)
        curvature = (rows * (chances * (1 - chances))[:, None]).T @ rows + _RIDGE * np.eye(2)  # (2, 2)
        step = np.linalg.solve(curvature, gradient)  # (2,)
        line = _downhill(rows, targets, line, step)
        if float(np.abs(gradient).max()) < 1e-7 * len(scores):
            break
    return Platt(slope=float(line[0]), intercept=float(line[1])) if np.isfinite(line).all() and line[0] > 0 else None


def logits(scores: NDArray[np.floating]) -> Array:
    """`ln(s / (1 - s))` of `(n,)` scores, held within +-16."""
    chances = scores.astype(float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(chances) - np.log1p(-chances), -_MOST_LOGIT, _MOST_LOGIT))


def _downhill(rows: Array, targets: Array, line: Array, step: Array) -> Array:
    """The line after the Newton step, which is halved as long as it leads uphill."""
    before = _loss(rows, targets, line)
    for _ in range(_HALVINGS):
        if _loss(rows, targets, line - step) <= before:
            return line - step
        step = step / 2
    return line


def _loss(rows: Array, targets: Array, line: Array) -> float:
    values = rows @ line  # (n,)
    return float((np.logaddexp(0, values) - targets * values).sum())
