"""What writing a video costs: a rendered clip of a still camera, with its noise, written as fast as it goes."""

import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TypedDict

from regionclip.scenes.clips import render_clip
from regionclip.video.output.codecs import CODECS
from regionclip.video.output.writer import VideoWriter

_FPS = 25.0
_RENDERED = 50
"""Frames that are rendered; longer videos show them to and fro."""


class WritingCost(TypedDict):
    """What was measured.

    Attributes:
        codec: of the video.
        width: in pixels.
        height: in pixels.
        frames: that were written.
        wall_ms: milliseconds a frame until the file was closed.
        cpu_ms: milliseconds a frame of all threads.
        kbit_per_second: size of the file at 25 frames a second.
    """

    codec: str
    width: int
    height: int
    frames: int
    wall_ms: float
    cpu_ms: float
    kbit_per_second: float


def measure_writer(size: tuple[int, int] = (720, 1280), frames: int = 100, *, codec: str = "h264") -> WritingCost:
    """Time `VideoWriter` with its default settings; rendering is not counted.

    Args:
        size: `(H, W)` of the frames in pixels, 64 at least.
        frames: how many.
        codec: of the video.

    Raises:
        ConfigError: for an unknown codec.
    """
    clip = render_clip(0, 0, size, seconds=_RENDERED / _FPS, fps=_FPS, event="pass", camera="still")
    images = [each.frame for each in islice(clip, frames)]
    suffix = CODECS[codec].suffixes[0] if codec in CODECS else ".mp4"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"written{suffix}"
        wall, cpu = time.perf_counter(), time.process_time()
        with VideoWriter(path, codec=codec) as writer:
            for number, image in enumerate(islice(cycle([*images, *images[-2:0:-1]]), frames)):
                writer.write(image, number / _FPS)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        kilobits = path.stat().st_size * 8 / 1000
    return {
        "codec": codec,
        "width": size[1],
        "height": size[0],
        "frames": frames,
        "wall_ms": 1000 * wall / frames,
        "cpu_ms": 1000 * cpu / frames,
        "kbit_per_second": kilobits * _FPS / frames,
    }


def table(costs: Sequence[WritingCost]) -> str:
    """The figures as lines of text."""
    return "\n".join(
        f"writing {cost['codec']} {cost['width']}x{cost['height']}: {cost['wall_ms']:.1f} ms a frame, "
        f"{cost['cpu_ms']:.1f} ms of processor time, {cost['kbit_per_second']:.0f} kbit/s"
        for cost in costs
    )
