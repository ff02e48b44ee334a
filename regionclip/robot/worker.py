"""Worker: one thread that works at the newest there is of each source, and lets older things go."""

from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

from regionclip.robot.closing import Closing

T = TypeVar("T")


class Worker(Closing, Generic[T]):
    """A slot for each source and one thread for all of them; whoever has waited longest is next.

    Args:
        work: gets a source and its newest item.
        on_error: gets the source and what `work` raised; the worker goes on.
    """

    def __init__(self, work: Callable[[str, T], object], on_error: Callable[[str, Exception], None]) -> None:
        self._work, self._on_error = work, on_error
        self._waiting: dict[str, T] = {}  # in the order in which they came to wait
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name="regionclip worker", daemon=True)
        self._thread.start()

    def offer(self, source: str, item: T) -> bool:
        """Leave an item for the worker; whether it took the place of an older one that nobody had looked at."""
        with self._changed:
            replaced = source in self._waiting
            if not self._closing:
                self._waiting[source] = item  # one that is replaced keeps its turn
                self._changed.notify()
            return replaced

    def close(self, timeout: float = 30.0) -> bool:
        """Finish what is worked at, let go what waits, and end the thread; whether it did within so many seconds."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            try:
                self._work(*taken)
            except Exception as error:  # whatever it is, the next image comes
                self._on_error(taken[0], error)

    def _take(self) -> tuple[str, T] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting)
            if self._closing:
                return None
            source = next(iter(self._waiting))
            return source, self._waiting.pop(source)
