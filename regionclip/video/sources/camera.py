"""Cameras of this machine, by number."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.errors import SourceError
from regionclip.frames import Frame
from regionclip.video.sources.base import Reader


class CameraReader(Reader):
    """A webcam through OpenCV. Frames that are grabbed and not taken stay undecoded.

    Args:
        device: number of the camera, or what OpenCV calls a device: `/dev/video2`.
        read_timeout: seconds after which a silent camera counts as lost. OpenCV reads it once a process and knows
            whole seconds only; it holds on Linux.

    Raises:
        SourceError: where there is no such camera, or another program holds it.
    """

    def __init__(self, device: int | str, *, read_timeout: float = 5.0) -> None:
        self._name = f"camera {device}"
        if isinstance(device, int) and sys.platform == "linux" and not Path(f"/dev/video{device}").exists():
            raise SourceError(f"{self._name}: there is no /dev/video{device}; {_present()}")
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, round(read_timeout))))
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(f"{self._name} cannot be opened; does another program use it?")

    def grab(self) -> float:
        """Wait for the next frame; `time.monotonic()` when it came."""
        if not self._capture.grab():
            raise SourceError(f"{self._name} gives no frames any more; was it unplugged?")
        return time.monotonic()

    def take(self) -> Callable[[], Frame]:
        """The frame grabbed last, decoded at once: the camera's buffer is used again for the next."""
        done, image = self._capture.retrieve()  # (H, W, 3)
        return partial(_checked, image if done else None, self._name)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def _checked(image: NDArray[Any] | None, name: str) -> Frame:
    if image is None or image.ndim != 3 or image.dtype != np.uint8:
        raise SourceError(f"{name}: a frame could not be decoded")
    return image


def _present() -> str:
    numbers = sorted(path.name for path in Path("/dev").glob("video*"))
    return f"present: {', '.join(numbers)}" if numbers else "no camera is connected to this machine"
