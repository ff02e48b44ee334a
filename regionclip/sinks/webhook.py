"""Webhook: events posted to a server by a thread of its own, which nobody waits for."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from regionclip.errors import ConfigError
from regionclip.sinks.posting import Outcome, Target
from regionclip.sinks.queued import QueuedSink
from regionclip.video.sources.backoff import Backoff
from regionclip.video.sources.options import check_positive

_MOST_WAIT = 60.0
"""Seconds that a server may make us wait between two tries."""


class Webhook(QueuedSink):
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
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ConfigError(f"webhook: retries: expected a whole number of at least 0, got {retries!r}")
        self._target, self._retries = Target(url, headers or {}, timeout), retries
        super().__init__(f"webhook {self._target.shown}", queue=queue, on_problem=on_problem)
        self._thread.start()

    def _deliver(self, line: dict[str, Any]) -> Outcome:
        """Try until it is done, refused, or tried often enough."""
        waits = Backoff(1.0, 16.0)
        for tries in range(1, self._retries + 2):
            outcome = self._target.post(line)
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
