"""Statistics of rare and clustered events: how many independent ones there were, and what rate they allow.

High values of a video come in clusters: one glare fills fifty frames. Counted one by one they promise a precision that
is not there. Sources:

- intervals estimator of the extremal index and intervals declustering: Ferro & Segers (2003), Inference for clusters of
  extreme values, J. R. Stat. Soc. B 65, 545-556;
- effective number of clustered counts: Kish (1965), Survey Sampling;
- exact bounds: Garwood (1936) for a Poisson count, Clopper & Pearson (1934) for a share;
- generalised Pareto tail by probability-weighted moments: Hosking & Wallis (1987), Technometrics 29, 339-349.

Letters: N events, one for each exceedance of a level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, chi2

LEVEL = 0.95
"""Share of repetitions in which an interval must hold the truth."""

_LEAST_FOR_TAIL = 20
"""Fewest excesses that a tail is fitted to: fewer say next to nothing of its shape."""


def extremal_index(places: NDArray[np.float64]) -> float:
    """Extremal index by the intervals estimator (Ferro & Segers 2003, eq. 5): 1 / mean size of a cluster, in 0..1.

    Args:
        places: `(N,)` rising places of the exceedances, in steps of the series (frame numbers).

    Returns:
        1 where they come singly, also where there are fewer than three.
    """
    gaps = np.diff(places)  # (N - 1,)
    if len(gaps) < 2:
        return 1.0
    top, bottom = (gaps, gaps**2) if gaps.max() <= 2 else (gaps - 1, (gaps - 1) * (gaps - 2))
    weight = float(bottom.sum())
    return min(1.0, 2 * float(top.sum()) ** 2 / (len(gaps) * weight)) if weight > 0 else 1.0


def cluster_sizes(places: NDArray[np.float64], sizes: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Sizes of the independent clusters that events fall into, by intervals declustering (Ferro & Segers 2003, sec. 4).

    Args:
        places: `(N,)` rising, in steps of the series.
        sizes: `(N,)` what each event counts; None counts each once.
    """
    if len(places) == 0:
        return np.zeros(0, np.int64)
    gaps = np.diff(places)  # (N - 1,)
    between = int(extremal_index(places) * len(gaps))
    falling = np.sort(gaps)[::-1]  # (N - 1,)
    while 0 < between < len(gaps) and falling[between - 1] == falling[between]:
        between -= 1  # equal gaps are all between clusters or all inside them
    edge = falling[between - 1] if between else np.inf
    cluster_of = np.concatenate([[0], np.cumsum(gaps >= edge)])  # (N,)
    return np.bincount(cluster_of, sizes).astype(np.int64)


def dispersion(places: NDArray[np.float64], sizes: NDArray[np.int64] | None = None) -> float:
    """How many events count as much as one independent event, at least 1: sum of squared cluster sizes over their sum.

    It is the variance of the count over that of a Poisson count, where clusters come independently. Arguments as above.
    """
    clusters = cluster_sizes(places, sizes).astype(float)
    return float((clusters**2).sum() / clusters.sum()) if len(clusters) else 1.0


def count_bounds(count: int, spread: float = 1.0) -> tuple[float, float]:
    """Interval of the expected count of which `count` were seen (Garwood 1936), both sides together 95 %.

    Args:
        count: 0 or more. With none seen the whole 5 % go to the upper side: -ln 0.05, "the rule of three".
        spread: `dispersion` of the events.
    """
    if count == 0:
        return 0.0, -float(np.log(1 - LEVEL)) * spread
    side, effective = (1 - LEVEL) / 2, count / spread
    low, high = chi2.ppf(side, 2 * effective) / 2, chi2.ppf(1 - side, 2 * effective + 2) / 2
    return float(low) * spread, float(high) * spread


def share_bounds(count: int, frames: int, spread: float = 1.0) -> tuple[float, float]:
    """Interval of the share of which `count` of `frames` were seen (Clopper & Pearson 1934), in 0..1; as above."""
    if frames == 0:
        return 0.0, 1.0
    seen, whole = count / spread, frames / spread
    if count == 0:
        return 0.0, 1 - (1 - LEVEL) ** (1 / whole)
    side = (1 - LEVEL) / 2
    high = 1.0 if count >= frames else float(beta.ppf(1 - side, seen + 1, whole - seen))
    return float(beta.ppf(side, seen, whole - seen + 1)), high


@dataclass(frozen=True, slots=True)
class Tail:
    """A generalised Pareto tail above a level: a guess at what was not seen.

    Attributes:
        level: from which it holds.
        scale: above 0.
        shape: below 0 for a tail that ends, 0 for an exponential one.
        count: excesses it was fitted to.
    """

    level: float
    scale: float
    shape: float
    count: int

    @classmethod
    def fit(cls, values: NDArray[np.float64], level: float) -> "Tail | None":
        """Fit to those of `(N,)` values above `level`; None where they are too few or all alike."""
        excess = np.sort(values[values > level]) - level  # (n,) rising
        count = len(excess)
        if count < _LEAST_FOR_TAIL or excess[-1] - excess[0] <= 0:
            return None
        place = (np.arange(1, count + 1) - 0.35) / count  # (n,)
        mean, weighted = float(excess.mean()), float(((1 - place) * excess).mean())
        if mean - 2 * weighted <= 0:
            return None
        shape = 2 - mean / (mean - 2 * weighted)
        return cls(level, 2 * mean * weighted / (mean - 2 * weighted), shape, count)

    def exceeded(self, times: float) -> float:
        """The value that is exceeded `times` as often as the level, `times` in 0..1."""
        grown = -np.log(times) if abs(self.shape) < 1e-9 else (times**-self.shape - 1) / self.shape
        return self.level + self.scale * float(grown)
