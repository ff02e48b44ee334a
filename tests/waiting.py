"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

from regionclip.video.sources.base import OpenSource, VideoFrame


def until(happens: Callable[[], bool], seconds: float = 60) -> None:
    """Return once something has happened; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def next_frame(source: OpenSource) -> VideoFrame:
    """A frame of a live source; fail after 40 seconds."""
    frame = source.read(40)
    assert frame is not None
    return frame
