"""Where the milliseconds of a call went.

    with Timings() as timings:
        rows = det(frame, words)
    timings  # {"encode": 21.4, "propose": 6.3, "pool": 1.2, "words": 0.1, "classify": 0.9, "select": 0.7, "other": 0.2}

Who does something worth telling of does it inside `stage(name)`, wherever it stands; nothing is handed through.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Self

OTHER = "other"
"""What of a block is in no stage."""


class Timings(dict[str, float]):
    """Milliseconds of each stage of what runs inside its `with` block, in the same thread.

    A stage inside another counts for itself alone, so the sum is the time of the whole block; what no stage covers is
    `other`. Entered again it goes on counting. A block inside another one counts for both. It must not be held open
    over a `yield`.
    """

    @property
    def total(self) -> float:
        """Milliseconds of all stages."""
        return sum(self.values())

    def add(self, name: str, milliseconds: float) -> None:
        """Count some more for a stage."""
        self[name] = self.get(name, 0.0) + milliseconds

    def add_all(self, other: Mapping[str, float]) -> None:
        """Count the stages of another block too."""
        for name, milliseconds in other.items():
            self.add(name, milliseconds)

    def __enter__(self) -> Self:
        self._before = dict(self)
        self._open = _Open(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.add(OTHER, self._open.close())
        outer = _current.get()
        if outer is not None:
            for name, milliseconds in self.items():
                if spent := milliseconds - self._before.get(name, 0.0):
                    outer.timings.add(name, spent)


class _Open:
    """A stage that runs now; knows how much of its time belongs to stages inside it."""

    def __init__(self, timings: Timings) -> None:
        self.timings = timings
        self.inside = 0.0  # milliseconds
        self._outer = _current.get()
        self._token = _current.set(self)
        self._start = time.perf_counter()

    def close(self) -> float:
        """End the stage: its own milliseconds, without those of the stages inside."""
        spent = (time.perf_counter() - self._start) * 1000
        _current.reset(self._token)
        if self._outer is not None:
            self._outer.inside += spent
        return spent - self.inside


_current: ContextVar[_Open | None] = ContextVar("current stage", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time inside as this stage of the `Timings` that are open in this thread, if there are any."""
    outer = _current.get()
    if outer is None:
        yield
        return
    opened = _Open(outer.timings)
    try:
        yield
    finally:
        outer.timings.add(name, opened.close())
