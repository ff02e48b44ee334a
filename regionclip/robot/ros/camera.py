"""Camera: what a node hears of one camera, and the depth that was taken with each image, on the way to the worker."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

from regionclip.errors import MessageError
from regionclip.robot.core import PerceptionCore, Result
from regionclip.robot.images import depth_of, frame_of
from regionclip.robot.messages import Header
from regionclip.robot.ros.wire import Get

Shot = tuple[Get, Any]
"""What gives an image, and its depth or None."""

_KEPT = 8
_GONE = 1.0  # seconds without depth after which no image waits for it


class Camera:
    """Counts what comes, lets in no more than wanted, and finds the depth of each image.

    Args:
        offer: gets each shot for the worker; whether it took the place of an older one.
        max_rate: images a second that are let in, at most; 0 for no limit.
        sync_slop: seconds between an image and its depth, at most; None where there is no depth.
    """

    def __init__(
        self,
        core: PerceptionCore,
        offer: Callable[[str, Shot], bool],
        *,
        max_rate: float = 0.0,
        sync_slop: float | None = None,
    ) -> None:
        self.core, self.name = core, core.source
        self._offer = offer
        self._period, self._due = (1 / max_rate if max_rate else 0.0), 0.0  # seconds
        self._pairs = None
        if sync_slop is not None:
            self._pairs = Pairs(sync_slop, lambda image, depth: self._queue(lambda: image, depth))
        self._info: Any = None

    def image(self, get: Get) -> None:
        """Take an image."""
        statistics = self.core.statistics
        statistics.arrived()
        early = self._due - statistics.clock()  # seconds
        if 0.1 * self._period < early <= 2 * self._period:
            statistics.dropped()
            return
        # From due time to due time, so that a camera's jitter does not lower the rate.
        self._due += self._period if abs(early) < self._period else self._period - early
        if self._pairs is None:
            self._queue(get, None)
        else:
            self._pairs.image(get())

    def depth(self, get: Get) -> None:
        """Take registered depth."""
        assert self._pairs is not None  # nobody listens to depth otherwise
        self._pairs.depth(get())

    def info(self, get: Get) -> None:
        """Take a CameraInfo."""
        self._info = get()

    def look(self, shot: Shot) -> Result:
        """Answer a shot.

        Raises:
            MessageError, FrameError: where the image cannot be used; depth that cannot is told in the statistics.
        """
        get, depth_message = shot
        message, depth = get(), None
        if depth_message is not None:
            try:
                depth = depth_of(depth_message)  # (H, W)
            except MessageError as error:
                self.core.statistics.problem(f"no positions: {error}")
        return self.core.process(frame_of(message), Header.of(message.header), depth=depth, camera_info=self._info)

    def _queue(self, get: Get, depth: Any) -> None:  # noqa: ANN401 - whoever's message class
        if self._offer(self.name, (get, depth)):
            self.core.statistics.dropped()


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
