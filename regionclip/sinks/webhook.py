"""Webhook: events posted to a server by a thread of its own, which nobody waits for."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from regionclip.errors import ConfigError
from regionclip.frames import Frame
from regionclip.sinks.posting import Outcome, Target
from regionclip.sinks.sink import AnyEvent, Sink, as_line
from regionclip.video.sources.backoff import Backoff
from regionclip.video.sources.options import check_positive

if TYPE_CHECKING:
    import supervision as sv

_MOST_WAIT = 60.0
"""Seconds that a server may make us wait between two tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStatus:
    """How a webhook is doing.

    Attributes:
        sent: events that the server took.
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


class Webhook(Sink):
    """Posts each event as a JSON object, in order, one at a time.

    Connections that fail, silence, 408, 425, 429 and 500 or above are tried again after 1, 2, 4, ... seconds, give or
    take a fifth, or what the server asks for; other answers give the event up. In a full queue the oldest event gives
    way: what happens now matters more. Redirects are not followed, proxies of the environment not used.

    Args:
        url: http or https. Nothing of it but the host stands in messages.
        headers: sent along, as `{"Authorization": "Bearer ..."}`.
        timeout: seconds without an answer that end a try.
        retries: tries after the first.
        queue: events that may wait.
        on_problem: called in the webhook's thread with a line for each event that is given up, and for the first of a
            row of dropped ones.

    Raises:
        ConfigError: for values out of range, other URLs, and headers that cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
        retries: int = 4,
        queue: int = 100,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        check_positive(timeout, "webhook: timeout")
        for name, count, least in (("retries", retries, 0), ("queue", queue, 1)):
            if isinstance(count, bool) or not isinstance(count, int) or count < least:
                raise ConfigError(f"webhook: {name}: expected a whole number of at least {least}, got {count!r}")
        self._target = Target(url, headers or {}, timeout)
        self._retries, self._on_problem = retries, on_problem
        self._queue: deque[dict[str, Any]] = deque()
        self._room = queue
        self._changed = Condition()
        self._busy = self._closing = False
        self._sent = self._failed = self._dropped = 0
        self._problem = ""
        self._full = False
        self._thread = Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def send(self, event: AnyEvent, image: Frame | None = None, rows: "sv.Detections | None" = None) -> AnyEvent:
        """Put an event into the queue, at once whatever the server does; after `close` it is dropped."""
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

    def status(self) -> WebhookStatus:
        """How it is doing now."""
        with self._changed:
            waiting = len(self._queue) + self._busy
            return WebhookStatus(
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

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                content, self._busy = self._queue.popleft(), True
            outcome = self._deliver(content)
            with self._changed:
                self._sent += outcome.done
                self._failed += not outcome.done
                if outcome.done:
                    self._problem = ""
            if not outcome.done:
                self._say(f"event {content.get('incident') or content['phase']} was not sent: {outcome.reason}")

    def _deliver(self, content: dict[str, Any]) -> Outcome:
        """Try until it is done, refused, or tried often enough."""
        waits = Backoff(1.0, 16.0)
        for tries in range(1, self._retries + 2):
            outcome = self._target.post(content)
            if outcome.done or not outcome.again:
                return outcome
            with self._changed:
                self._problem = outcome.reason
                if tries <= self._retries and not self._closing:
                    wait = min(_MOST_WAIT, max(outcome.wait, waits.next_wait(0.0)))
                    deadline = time.monotonic() + wait
                    self._changed.wait_for(lambda: self._closing or time.monotonic() >= deadline, wait)  # noqa: B023
                if self._closing:
                    break
        return Outcome(False, reason=f"{outcome.reason}, tried {tries} times")

    def _say(self, problem: str) -> None:
        line = f"webhook {self._target.shown}: {problem}"
        with self._changed:
            self._problem = problem
        if self._on_problem is not None:
            self._on_problem(line)
