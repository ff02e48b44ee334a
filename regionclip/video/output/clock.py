"""When frames are shown in a file, from when they were taken."""

import math

_JUMP = 1.0  # seconds back from which a clock has started again; less is the disorder of a live source
_LONGEST_STEP = 1.0


class Clock:
    """From a source's times to places in a file, which start at 0 and always grow.

    A time that is not later than the one before becomes one tick later. A clock that falls by more than a second has
    started again: its first frame follows the one before at the usual distance, and so do the others after it.

    Args:
        ticks: in a second.
        step: seconds that a frame is shown where nothing else is known.
        longest: seconds that frames may be apart; a longer gap is cut to that.

    Attributes:
        start: time of the first frame, None before it.
        latest: place of the latest frame in ticks, -1 before the first.
    """

    def __init__(self, ticks: int, step: float, longest: float = math.inf) -> None:
        self._ticks, self._step, self._longest = ticks, step, longest
        self._origin = 0.0
        self.start: float | None = None
        self.latest = -1

    @property
    def step(self) -> int:
        """Ticks from a frame to the next, as far as can be guessed: those to the latest, a second at most."""
        return max(1, round(self._step * self._ticks))

    @property
    def end(self) -> float:
        """Seconds at which the latest frame has been shown."""
        return (self.latest + self.step) / self._ticks if self.latest >= 0 else 0.0

    def place(self, t_seconds: float) -> int:
        """Ticks at which the frame of `t_seconds` is shown."""
        if self.start is None:
            self.start = self._origin = t_seconds
        gap = t_seconds - self._origin - self.latest / self._ticks
        if gap < -_JUMP:
            self._origin = t_seconds - self.end
        elif gap > self._longest:
            self._origin += gap - self._longest
        ticks = max(self.latest + 1, round((t_seconds - self._origin) * self._ticks))
        if self.latest >= 0:
            self._step = min((ticks - self.latest) / self._ticks, _LONGEST_STEP)
        self.latest = ticks
        return ticks
