"""Shares with 95 % intervals from resampling scenes: regions of one scene are not independent of each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000

Hits = Sequence[NDArray[np.bool_]]
"""For each scene, which of its answers are right."""

_Measure = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""A figure of the scenes with these numbers, `(..., scenes)`, drawn with repetition: `(...)`."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of hits with its 95 % interval, found by drawing whole scenes anew (bootstrap), all in 0..1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def with_interval(value: float, again: Sequence[float] | NDArray[np.float64]) -> Share:
    """A value with the 95 % interval of what resampling gave in its place."""
    low, high = np.percentile(again, [2.5, 97.5])
    return Share(float(value), float(low), float(high))


def share(hits: Hits) -> Share:
    """Mean over all answers."""
    return _interval(_mean_of(hits), len(hits))


def balanced(yes: Hits, no: Hits) -> Share:
    """Balanced accuracy of a yes / no question: mean of the shares answered right where yes and where no is true."""
    of_yes, of_no = _mean_of(yes), _mean_of(no)
    return _interval(lambda drawn: np.asarray((of_yes(drawn) + of_no(drawn)) / 2), len(yes))


def share_of_lessons(good: NDArray[np.float64], count: NDArray[np.float64]) -> Share:
    """Share of hits of L lessons on S scenes, its interval from drawing both anew.

    Args:
        good: `(L, S)` answers that are right.
        count: `(L, S)` all answers.
    """
    rng, (lessons, scenes) = np.random.default_rng(0), good.shape
    again = []
    for _ in range(_RESAMPLES):
        drawn = np.ix_(rng.integers(lessons, size=lessons), rng.integers(scenes, size=scenes))
        again.append(good[drawn].sum() / max(count[drawn].sum(), 1))
    return with_interval(good.sum() / max(count.sum(), 1), again)


def _mean_of(hits: Hits) -> _Measure:
    good = np.array([each.sum() for each in hits], np.float64)  # (scenes,)
    count = np.array([each.size for each in hits], np.float64)  # (scenes,)
    return lambda drawn: np.asarray(good[drawn].sum(-1) / np.maximum(count[drawn].sum(-1), 1))


def _interval(measure: _Measure, scenes: int) -> Share:
    drawn = np.random.default_rng(0).integers(scenes, size=(_RESAMPLES, scenes))  # (resamples, scenes)
    return with_interval(float(measure(np.arange(scenes))), measure(drawn))
