"""A sink whose events wait in a bounded queue for a thread of their own, so that nobody waits for a network."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from regionclip.errors import ConfigError
from regionclip.frames import Frame
from regionclip.sinks.posting import Outcome
from regionclip.sinks.sink import AnyEvent, Sink, as_line

if TYPE_CHECKING:
    import supervision as sv


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """How such a sink is doing.

    Attributes:
        sent: events that were taken.
        failed: events that were given up: refused, or all tries in vain.
        dropped: events that gave way to newer ones in a full queue, or were left over when it was closed.
        waiting: events in the queue, with the one that is on its way.
        problem: the latest, in words; empty when an event was taken since.
    """

    sent: int
    failed: int
    dropped: int
    waiting: int
    problem: str


class QueuedSink(Sink):
    """Delivers the line of each event, in order, one at a time. In a full queue the oldest gives way.

    Args:
        shown: what it is, for people: no secrets.
        queue: events that may wait.
        on_problem: called in the sink's thread with a line for each event that is given up, and for the first of a
            row of dropped ones.

    Raises:
        ConfigError: for a queue without room.
    """

    def __init__(self, shown: str, *, queue: int, on_problem: Callable[[str], None] | None) -> None:
        if isinstance(queue, bool) or not isinstance(queue, int) or queue < 1:
            raise ConfigError(f"{shown.partition(' ')[0]}: queue: expected a whole number of at least 1, got {queue!r}")
        self._shown, self._room, self._on_problem = shown, queue, on_problem
        self._queue: deque[dict[str, Any]] = deque()
        self._changed = Condition()
        self._busy = self._closing = False
        self._sent = self._failed = self._dropped = 0
        self._problem = ""
        self._full = False
        self._thread = Thread(target=self._run, name=shown.partition(" ")[0], daemon=True)

    def send(self, event: AnyEvent, image: Frame | None = None, rows: "sv.Detections | None" = None) -> AnyEvent:
        """Put an event into the queue, at once whatever the network does; after `close` it is dropped."""
        with self._changed:
            if self._closing:
                self._dropped += 1
                return event
            full = len(self._queue) >= self._room
            if full:
                self._queue.popleft()
                self._dropped += 1
            self._queue.append(as_line(event))
            first, self._full = full and not self._full, full
            self._changed.notify_all()
        if first:
            self._say(f"{self._room} events wait, older ones are dropped")
        return event

    def status(self) -> QueueStatus:
        """How it is doing now."""
        with self._changed:
            waiting = len(self._queue) + self._busy
            return QueueStatus(
                sent=self._sent, failed=self._failed, dropped=self._dropped, waiting=waiting, problem=self._problem
            )

    def close(self, patience: float = 3.0) -> None:
        """Send what waits, one try each, for at most `patience` seconds; what is left then counts as dropped."""
        with self._changed:
            first, self._closing = not self._closing, True
            self._changed.notify_all()
        self._thread.join(patience)
        with self._changed:
            left = len(self._queue) + (self._busy and self._thread.is_alive())
            self._dropped += left if first else 0
            self._queue.clear()
        if left and first:
            self._say(f"{left} events were not sent before the end")

    @abstractmethod
    def _deliver(self, line: dict[str, Any]) -> Outcome:
        """Bring an event to where it goes; called in the sink's thread, may take its time until `_closing`."""

    def _has_errand(self) -> bool:
        """Whether there is something else for the thread to do, which goes before events."""
        return False

    def _errand(self) -> None:
        """Do it."""

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._queue or self._closing or self._has_errand())
                errand = self._has_errand()
                if not errand:
                    if not self._queue:
                        return
                    line, self._busy = self._queue.popleft(), True
            if errand:
                self._errand()
                continue
            outcome = self._deliver(line)
            with self._changed:
                self._sent += outcome.done
                self._failed += not outcome.done
                if outcome.done:
                    self._problem = ""
            if not outcome.done:
                self._say(f"event {line.get('incident') or line['phase']} was not sent: {outcome.reason}")

    def _say(self, problem: str) -> None:
        with self._changed:
            self._problem = problem
        if self._on_problem is not None:
            self._on_problem(f"{self._shown}: {problem}")
