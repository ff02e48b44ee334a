"""Statistics of one camera: how many images came and were answered, how old the answers were, where the time went."""

import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

import numpy as np

from regionclip.timing import Timings

WINDOW = 10.0
"""Seconds that rates, ages and stages are of."""

_MOST = 1000  # latest images that are remembered for them


class Statistics:
    """Counts what befalls the images of one camera; any thread may tell, any may ask.

    Args:
        clock: seconds; for ages the clock that stamps are of, which for a recording is that of its messages.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._guard = Lock()
        self._counts = dict.fromkeys(("arrived", "answered", "dropped", "damaged"), 0)
        self._arrivals: deque[float] = deque(maxlen=_MOST)
        self._answers: deque[tuple[float, float | None, Timings]] = deque(maxlen=_MOST)  # when, age in ms, stages
        self._problem = -math.inf, ""

    def arrived(self) -> None:
        """An image came."""
        with self._guard:
            self._counts["arrived"] += 1
            self._arrivals.append(self.clock())

    def dropped(self) -> None:
        """A newer image took the place of one that nobody had looked at."""
        with self._guard:
            self._counts["dropped"] += 1

    def damaged(self, reason: str) -> None:
        """An image could not be used."""
        with self._guard:
            self._counts["damaged"] += 1
        self.problem(reason)

    def problem(self, reason: str) -> None:
        """Something else went wrong."""
        with self._guard:
            self._problem = self.clock(), reason

    def answered(self, stamp_ns: int, timings: Timings) -> None:
        """An image was looked at; a stamp of 0 is none."""
        now = self.clock()
        age = now * 1e3 - stamp_ns / 1e6 if stamp_ns else None
        with self._guard:
            self._counts["answered"] += 1
            self._answers.append((now, age, timings))

    def silent_seconds(self) -> float | None:
        """Since the latest image came; None before the first."""
        with self._guard:
            return self.clock() - self._arrivals[-1] if self._arrivals else None

    def latest_problem(self) -> str:
        """What went wrong in the latest `WINDOW` seconds; empty for nothing."""
        with self._guard:
            when, reason = self._problem
            return reason if self.clock() - when <= WINDOW else ""

    def figures(self) -> dict[str, float]:
        """Counts of the whole life; rates, ages and milliseconds of the stages of the latest `WINDOW` seconds.

        `age_ms_p50` and `age_ms_p95` are there where answers had stamps, `NAME_ms` for each stage that there was.
        """
        now = self.clock()
        with self._guard:
            counts: dict[str, float] = dict(self._counts)
            arrivals = [when for when in self._arrivals if now - when <= WINDOW]
            answers = [answer for answer in self._answers if now - answer[0] <= WINDOW]
        rates = {"fps_in": _rate(arrivals), "fps_out": _rate([when for when, _, _ in answers])}
        ages = [age for _, age, _ in answers if age is not None]
        half, most = np.percentile(ages, (50, 95)).tolist() if ages else (0.0, 0.0)
        stages = dict.fromkeys(stage for _, _, timings in answers for stage in timings)
        return {
            **rates,
            **counts,
            **({"age_ms_p50": half, "age_ms_p95": most} if ages else {}),
            **{f"{stage}_ms": float(np.mean([each[2].get(stage, 0.0) for each in answers])) for stage in stages},
        }


def _rate(times: list[float]) -> float:
    span = times[-1] - times[0] if times else 0.0
    return (len(times) - 1) / span if span > 0 else 0.0
