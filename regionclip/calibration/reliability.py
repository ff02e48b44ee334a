"""Are scores what they say? Expected calibration error, and its picture.

Letters: n pairs of a region and a label, B bins.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from regionclip.data.intervals import Share

BINS = 15
"""Most bins; with fewer than `_FEWEST` pairs for each, fewer bins."""

_FEWEST = 20
_RESAMPLES = 200

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """What was said of pairs of a region and a label, and what was true.

    Attributes:
        chances: `(n,)` float in 0..1, the scores.
        answers: `(n,)` bool, whether the label was right.
        pictures: `(n,)` int, the picture each is of, from 0: pairs of one picture are not independent.
    """

    chances: Array
    answers: NDArray[np.bool_]
    pictures: NDArray[np.int64]


def bins(pairs: ScoredPairs, weights: Array | None = None) -> tuple[Array, Array, Array]:
    """Equal-mass bins: pairs in order of their score, cut into groups of the same weight.

    Equal masses rather than equal widths (Nguyen & O'Connor 2015): most scores are near 0, and bins of equal width
    would judge the rest by a handful.

    Args:
        pairs: at least one.
        weights: `(n,)`, how often each counts; None counts each once.

    Returns:
        Mean score, share of right answers and weight of each bin that has any, `(B,)` each.
    """
    order = np.argsort(pairs.chances, kind="stable")  # (n,)
    weight = np.ones(len(order)) if weights is None else weights[order]  # (n,)
    total, count = float(weight.sum()), max(1, min(BINS, len(order) // _FEWEST))
    middle = np.cumsum(weight) - weight / 2  # (n,), of each pair's own share
    place = np.minimum((middle / total * count).astype(int), count - 1)  # (n,)
    mass = np.bincount(place, weight, count).astype(float)  # (B,)
    said = np.bincount(place, weight * pairs.chances[order], count)
    true = np.bincount(place, weight * pairs.answers[order], count)
    filled = mass > 0
    return said[filled] / mass[filled], true[filled] / mass[filled], mass[filled]


def expected_calibration_error(pairs: ScoredPairs, weights: Array | None = None) -> float:
    """Mean over bins of |score - share of right answers|, by weight (Naeini et al. 2015), 0..1."""
    said, true, mass = bins(pairs, weights)
    return float((mass * np.abs(said - true)).sum() / mass.sum())


def error_with_interval(pairs: ScoredPairs) -> Share:
    """The error and its 95 % interval from drawing whole pictures anew; zeros without pairs.

    With few pairs the error of a perfect score is above 0 too, and that of a drawn sample further above. The basic
    bootstrap interval (Davison & Hinkley 1997, sec. 5.2) takes this back: the distances to the value change sides.
    """
    if len(pairs.chances) == 0:
        return Share(0.0, 0.0, 0.0)
    rng = np.random.default_rng(0)
    names, own = np.unique(pairs.pictures, return_inverse=True)  # (pictures,), (n,)
    again = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))  # (pictures,)
        weights = drawn[own].astype(float)  # (n,)
        if weights.sum() > 0:
            again.append(expected_calibration_error(pairs, weights))
    low, high = np.percentile(again, [2.5, 97.5])
    value = expected_calibration_error(pairs)
    return Share(value, max(0.0, 2 * value - float(high)), max(0.0, 2 * value - float(low)))


def diagram(series: Mapping[str, ScoredPairs], title: str) -> bytes:
    """A reliability diagram as PNG: score against the share of right answers, of two series at most."""
    figure = Figure(figsize=(6, 7), dpi=110)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="a score that is what it says")
    for (name, pairs), (colour, mark) in zip(series.items(), (("tab:orange", "s"), ("tab:blue", "o")), strict=False):
        error = error_with_interval(pairs)
        text = f"{name}: error {error.value:.3f} [{error.low:.3f}, {error.high:.3f}]"
        if len(pairs.chances):
            said, true, _ = bins(pairs)
            axes.plot(said, true, f"{mark}-", color=colour, markersize=5, label=text)
            below.hist(pairs.chances, np.linspace(0, 1, 21), color=colour, histtype="step", log=True)
    axes.set(ylabel="share of right labels", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    below.set(xlabel="score", ylabel="pairs")
    below.grid(alpha=0.3)
    figure.tight_layout()
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
