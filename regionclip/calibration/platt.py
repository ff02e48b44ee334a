"""Fitting the curve that turns a label's score into a probability.

Platt (1999), Probabilistic outputs for support vector machines, in Advances in Large Margin Classifiers; by Newton's
method as in Lin, Lin & Weng (2007), A note on Platt's probabilistic outputs, Machine Learning 68, 267-276
(`regionclip.words.logistic`).

Letters: n pairs of a region and the label.
"""

import numpy as np
from numpy.typing import NDArray

from regionclip.words.calibrated import Platt
from regionclip.words.logistic import fit_logistic

FEWEST = 10
"""Right and wrong regions that a curve is fitted to, at least so many of each."""

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
    slope, intercept = fit_logistic(logits(scores)[:, None], targets, np.ones(len(scores))).tolist()
    return Platt(slope=slope, intercept=intercept) if np.isfinite([slope, intercept]).all() and slope > 0 else None


def logits(scores: NDArray[np.floating]) -> Array:
    """`ln(s / (1 - s))` of `(n,)` scores, held within +-16."""
    chances = scores.astype(float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(chances) - np.log1p(-chances), -_MOST_LOGIT, _MOST_LOGIT))
