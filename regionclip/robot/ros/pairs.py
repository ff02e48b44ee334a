"""Pairs: images and the depth that was taken with them; whichever of the two comes later completes a pair."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

from regionclip.robot.messages import Header

_KEPT = 8
_GONE = 1.0  # seconds without depth after which no image waits for it


class Pairs:
    """Pairs of one camera, by the nearest stamps.

    An image waits for its depth until it comes, or until the next image does; without depth for a second none waits.

    Args:
        slop: seconds between the stamps of a pair, at most.
        ready: gets each image, and its depth or None.
    """

    def __init__(self, slop: float, ready: Callable[[Any, Any], None]) -> None:
        self._slop_ns, self._ready = slop * 1e9, ready
        self._guard = Lock()
        self._depths: deque[Any] = deque(maxlen=_KEPT)
        self._waiting: Any = None
        self._came = float("-inf")  # when the latest depth did

    def image(self, message: Any) -> None:  # noqa: ANN401 - whoever's message class
        """Take an image."""
        with self._guard:
            before, self._waiting = self._waiting, None
            depth = min(self._depths, key=lambda each: _apart(each, message), default=None)
            if depth is not None and _apart(depth, message) > self._slop_ns:
                depth = None
            if waits := depth is None and time.monotonic() - self._came < _GONE:
                self._waiting = message
        if before is not None:
            self._ready(before, None)
        if not waits:
            self._ready(message, depth)

    def depth(self, message: Any) -> None:  # noqa: ANN401 - whoever's message class
        """Take a depth image."""
        with self._guard:
            self._came = time.monotonic()
            self._depths.append(message)
            image = self._waiting
            if image is None or _apart(image, message) > self._slop_ns:
                return
            self._waiting = None
        self._ready(image, message)


def _apart(one: Any, other: Any) -> int:  # noqa: ANN401
    return abs(Header.of(one.header).stamp_ns - Header.of(other.header).stamp_ns)
