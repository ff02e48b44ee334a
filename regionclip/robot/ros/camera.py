"""Camera: what a node hears of one camera, on its way to the worker."""

from collections.abc import Callable
from typing import Any

from regionclip.errors import MessageError
from regionclip.robot.core import PerceptionCore, PromptSet, Result
from regionclip.robot.images import depth_of, frame_of
from regionclip.robot.messages import Header
from regionclip.robot.ros.pairs import Pairs
from regionclip.robot.ros.wire import Get

Shot = tuple[Get, Any]
"""What gives an image, and its depth or None."""


class Camera:
    """Counts what comes, lets in no more than wanted, and finds the depth of each image.

    Args:
        core: looks at the images.
        offer: gets each shot for the worker; whether it took the place of an older one.
        failed: gets the camera's name and what is wrong with a message.
        max_rate: images a second that are let in, at most; 0 for no limit.
        sync_slop: seconds between an image and its depth, at most; None where there is no depth.
    """

    def __init__(
        self,
        core: PerceptionCore,
        offer: Callable[[str, Shot], bool],
        failed: Callable[[str, Exception], None],
        *,
        max_rate: float = 0.0,
        sync_slop: float | None = None,
    ) -> None:
        self.core, self.name = core, core.source
        self._offer, self._failed = offer, failed
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
            self._reading(get, self._pairs.image)

    def depth(self, get: Get) -> None:
        """Take registered depth."""
        assert self._pairs is not None  # nobody listens to depth otherwise
        self._reading(get, self._pairs.depth)

    def info(self, get: Get) -> None:
        """Take a CameraInfo."""
        self._reading(get, lambda message: setattr(self, "_info", message))

    def look(self, shot: Shot, prompts: PromptSet) -> Result:
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
        self.core.prompts = prompts
        return self.core.process(frame_of(message), Header.of(message.header), depth=depth, camera_info=self._info)

    def _queue(self, get: Get, depth: Any) -> None:  # noqa: ANN401 - whoever's message class
        if self._offer(self.name, (get, depth)):
            self.core.statistics.dropped()

    def _reading(self, get: Get, take: Callable[[Any], None]) -> None:
        """Hand a message on; one that is damaged is told, in the transport's own thread."""
        try:
            message = get()
        except MessageError as error:
            self._failed(self.name, error)
        else:
            take(message)
