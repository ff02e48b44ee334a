"""What an alarm is, how many a threshold gives on a series of confidences, and the lowest threshold that gives few.

Letters: T frames.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regionclip.errors import ConfigError

Unit = Literal["hour", "frame"]


@dataclass(frozen=True, slots=True)
class Goal:
    """False alarms that each label may raise.

    Attributes:
        rate: above 0.
        per: `hour`, or `frame` (then it is the share of frames, below 1).
    """

    rate: float
    per: Unit

    def __post_init__(self) -> None:
        if not 0 < self.rate < (1 if self.per == "frame" else np.inf):
            most = "below 1" if self.per == "frame" else "finite"
            raise ConfigError(f"alarms per {self.per}: expected a rate above 0 and {most}, got {self.rate}")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What counts as one alarm: a run of frames at or above the threshold, ended by `gap` seconds without one.

    A run that goes on counts again after every `repeat` seconds: else a threshold that is always passed would give a
    single alarm.

    Attributes:
        gap: seconds, 0 or more; with 0 each frame is an alarm of its own.
        repeat: seconds, above 0.
    """

    gap: float
    repeat: float

    def run_of(self, times: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of the run that each of the frames at `(n,)` rising times belongs to, from 0."""
        return np.cumsum(np.diff(times, prepend=times[:1]) > self.gap)

    def runs(self, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """When each run of the frames at `(n,)` rising times begins, and how many alarms it makes, `(runs,)` each."""
        run_of = self.run_of(times)  # (n,)
        starts = times[np.flatnonzero(np.diff(run_of, prepend=-1))]  # (runs,)
        ends = times[np.flatnonzero(np.diff(run_of, append=-1))]  # (runs,)
        return starts, np.array([self.alarms(*each) for each in zip(starts, ends, strict=True)], np.int64)

    def alarms(self, start: float, end: float) -> int:
        """How many alarms a run makes whose first and last frames are these."""
        return 1 + int((end - start) / self.repeat)

    def lowest_level(self, values: NDArray[np.float32], times: NDArray[np.float64], allowed: int) -> float | None:
        """The lowest of the values from which upwards no level gives more than `allowed` alarms.

        Not the lowest level that gives as few: further down runs grow together, and their number may fall again.

        Args:
            values: `(T,)` confidences.
            times: `(T,)` of their frames in seconds, in any order.
            allowed: 0 or more.

        Returns:
            None where even the highest value gives more.
        """
        order = np.argsort(-values, kind="stable")  # (T,)
        runs, level = _Runs(self), None
        for place, index in enumerate(order):
            runs.add(float(times[index]))
            ties_left = place + 1 < len(order) and values[order[place + 1]] == values[index]
            if not ties_left:
                if runs.alarms > allowed:
                    break
                level = float(values[index])
        return level


class _Runs:
    """Runs of times that are added one by one, in any order, and how many alarms they make."""

    def __init__(self, alarm: Alarm) -> None:
        self.alarms = 0
        self._alarm = alarm
        self._starts: list[float] = []  # rising, as are the ends
        self._ends: list[float] = []

    def add(self, time: float) -> None:
        after = bisect_right(self._starts, time)
        before = after - 1
        start = end = time
        if before >= 0 and time - self._ends[before] <= self._alarm.gap:
            start, end = self._starts[before], max(self._ends[before], time)
        else:
            before += 1
        if after < len(self._starts) and self._starts[after] - time <= self._alarm.gap:
            end = self._ends[after]
            after += 1
        joined = zip(self._starts[before:after], self._ends[before:after], strict=True)
        self.alarms += self._alarm.alarms(start, end) - sum(self._alarm.alarms(*run) for run in joined)
        self._starts[before:after] = [start]
        self._ends[before:after] = [end]
