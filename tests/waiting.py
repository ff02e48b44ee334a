"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def until(happens: Callable[[], bool], seconds: float = 60) -> None:
    """Return once something has happened; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
