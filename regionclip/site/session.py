"""A camera of a site while it is open, and when one that failed is opened again."""

import time
from collections import deque
from collections.abc import Iterator
from threading import Event as Bell
from threading import Thread

from regionclip.detector import Detector
from regionclip.site.settings import CameraSettings
from regionclip.towers.base import ImageFeatures
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.sources.backoff import Backoff
from regionclip.video.sources.base import SourceEvent, VideoFrame
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.opening import open_source

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds from an error to a new beginning."""


class Session:
    """A source that is read, and what is remembered of it.

    Args:
        settings: of the camera.
        detector: shared.
        bell: rung when there may be a frame to read.

    Raises:
        RegionclipError: where it cannot be followed, or a recording cannot be read.
    """

    def __init__(self, settings: CameraSettings, detector: Detector, bell: Bell) -> None:
        self._outages: deque[SourceEvent] = deque()
        self.follower = Follower(detector, settings.words, source=settings.name, options=settings.follow)
        source = open_source(
            settings.url.value,
            id=settings.name,
            mode="latest",
            max_fps=settings.max_fps,
            live=settings.live,
            on_event=self._outages.append,
        )
        assert isinstance(source, LiveSource)  # that is what the mode means
        self.source = source
        source.ring(bell)

    def follow(self, frame: VideoFrame, features: ImageFeatures | None) -> StreamFrame:
        """Follow a frame, encoded together with frames of other cameras or not."""
        try:
            return self.follower.follow(frame, features=features)
        except Exception:
            if features is None:
                raise
        # What was encoded together fails together: another camera's frame may be to blame.
        return self.follower.follow(frame)

    def outages(self) -> Iterator[SourceEvent]:
        """Losses and returns since the last look; after a long one nothing is where it was."""
        while self._outages:
            outage = self._outages.popleft()
            self.follower.note(outage)
            yield outage

    def close(self) -> Thread:
        """Close the source without waiting for it: a thread that does."""
        self.source.stop()
        thread = Thread(target=self.source.close, name=f"closing {self.source.id}", daemon=True)
        thread.start()
        return thread


class Retries:
    """When a camera that failed is begun anew: a little later each time it fails soon."""

    def __init__(self) -> None:
        self._backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        self._due = 0.0
        self._well_since: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether it may be begun."""
        return time.monotonic() >= self._due

    def fail(self) -> float:
        """It failed; seconds until it is begun anew."""
        now = time.monotonic()
        wait = self._backoff.next_wait(0.0 if self._well_since is None else now - self._well_since)
        self._due, self._well_since = now + wait, None
        return wait

    def succeed(self) -> None:
        """A frame was followed."""
        if self._well_since is None:
            self._well_since = time.monotonic()
