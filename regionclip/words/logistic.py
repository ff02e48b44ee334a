"""Weighted logistic regression, by Newton's method with steps that are halved as long as they gain too little.

Letters: n rows, d features.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDS, _SHORTEST = 100, 1e-6
_GAIN = 1e-4  # of what the slope promises, that a step must bring (Armijo)
_RIDGE = 1e-9  # keeps the curvature invertible
_ENOUGH = 1e-10


def fit_logistic(
    rows: Array, targets: Array, weights: Array, *, above: Array | float = 0.0, pull: float = 0.0
) -> Array:
    """The line of least cross entropy between `sigmoid(rows @ w + b - above)` and the targets.

    Args:
        rows: `(n, d)`.
        targets: `(n,)` in 0..1.
        weights: `(n,)` of the rows, 0 or more.
        above: `(n,)` log-odds that each row has to pass, or one for all.
        pull: 0 or more; `pull / 2 * |w|^2` is added to what is minimised.

    Returns:
        `(d + 1,)`, w and then b.
    """
    design = np.column_stack([rows, np.ones(len(rows))])  # (n, d + 1)
    penalty = np.append(np.full(rows.shape[1], max(pull, _RIDGE)), _RIDGE)  # (d + 1,)

    def loss(at: Array) -> float:
        logits = design @ at - above
        return float(weights @ (np.logaddexp(0, logits) - targets * logits) + penalty @ at**2 / 2)

    at = np.zeros(design.shape[1])  # (d + 1,)
    for _ in range(_ROUNDS):
        said = np.exp(-np.logaddexp(0, above - design @ at))  # (n,) sigmoid
        slope = design.T @ (weights * (said - targets)) + penalty * at  # (d + 1,)
        curve = (design.T * (weights * said * (1 - said))) @ design + np.diag(penalty)  # (d + 1, d + 1)
        step = np.linalg.solve(curve, slope)  # (d + 1,)
        promised, before, length = float(slope @ step), loss(at), 1.0
        while loss(at - length * step) > before - _GAIN * length * promised and length > _SHORTEST:
            length /= 2
        at = at - length * step
        if promised < _ENOUGH:
            break
    return at
