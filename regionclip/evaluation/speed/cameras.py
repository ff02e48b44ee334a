"""How many cameras a core reads, and how a site shares one tower among them.

The cameras run in a process of their own. Each sends JPEG pictures over a connection of its own on this machine.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Bell

import av
import cv2
import numpy as np

from regionclip.detector import Detector
from regionclip.errors import SourceError
from regionclip.evaluation.speed.fleet import Fleet, silent_port
from regionclip.site.secrets import SecretText
from regionclip.site.settings import CameraSettings, SiteSettings
from regionclip.site.status import CameraStatus
from regionclip.site.turns import Site
from regionclip.video.options import FollowOptions
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.opening import open_source
from regionclip.video.sources.options import LiveOptions
from regionclip.words.vocabulary import Vocabulary

_CLIP_FRAMES, _CLIP_FPS, _CLIP_RATE = 75, 25, 2_000_000
_LONGEST = 60.0  # seconds to wait for the first frames


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """What is measured.

    Attributes:
        cameras: how many.
        fps: of each.
        size: `(H, W)` in pixels.
        seconds: of each measurement.
        every: the tower looks at each so many frames.
        words: labels to look for.
    """

    cameras: int = 40
    fps: float = 2.0
    size: tuple[int, int] = (480, 640)
    seconds: float = 20.0
    every: int = 1
    words: tuple[str, ...] = ("person", "car", "bag")


@dataclass(frozen=True, slots=True)
class ReadingCost:
    """Frames that were read from all cameras, and processor seconds of this process that they took."""

    frames: int
    processor: float

    @property
    def cost(self) -> float:
        """Processor seconds a frame."""
        return self.processor / max(self.frames, 1)


@dataclass(frozen=True, slots=True)
class Sharing:
    """What became of the cameras of a site.

    Attributes:
        cameras: how each living one did.
        handled: frames of each that were followed in the measured time.
        processor: processor seconds of this process.
        seconds: wall seconds.
        stages: milliseconds of each stage, of all frames.
    """

    cameras: tuple[CameraStatus, ...]
    handled: tuple[int, ...]
    processor: float
    seconds: float
    stages: dict[str, float]


def measure_reading(plan: CameraPlan) -> ReadingCost:
    """Read and decode every frame of all cameras, and do nothing with it.

    Raises:
        SourceError: where no frames come.
    """
    bell = Bell()
    with Fleet(plan.cameras, fps=plan.fps, size=plan.size) as fleet, ExitStack() as stack:
        sources = [stack.enter_context(open_source(url)) for url in fleet.urls]
        live = [source for source in sources if isinstance(source, LiveSource)]
        for source in live:
            source.ring(bell)
        _await(lambda: all(source.status().arrived for source in live))
        frames, start, used = 0, time.monotonic(), time.process_time()
        while time.monotonic() - start < plan.seconds:
            if bell.wait(0.5):
                bell.clear()
                frames += sum(source.read(timeout=0) is not None for source in live)
        used = time.process_time() - used
        for source in live:
            source.stop()
    return ReadingCost(frames, used)


def measure_h264(size: tuple[int, int]) -> ReadingCost:
    """Decode a noisy moving H.264 picture of 2 Mbit/s, as cameras send it over RTSP, from a file."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        _write_clip(clip, size)
        used = time.process_time()
        with open_source(clip) as source:
            frames = sum(1 for _ in source)
        return ReadingCost(frames, time.process_time() - used)


def measure_sharing(detector: Detector, plan: CameraPlan, *, dead: bool) -> Sharing:
    """Follow all cameras as a site does; with `dead` one more is there that takes connections and says nothing.

    Raises:
        SourceError: where no frames come.
    """
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(plan.cameras, fps=plan.fps, size=plan.size))
        urls = [*fleet.urls, *([stack.enter_context(silent_port())] if dead else [])]
        site = stack.enter_context(Site(settings_of(urls, plan.words, every=plan.every), detector))
        marks: list[tuple[float, float, list[int], dict[str, float]]] = []

        def tick() -> None:
            statuses = site.status()[: plan.cameras]
            begun = all(each.handled for each in statuses)
            if begun and (not marks or time.monotonic() - marks[0][0] >= plan.seconds):
                counted = [each.handled for each in statuses]
                marks.append((time.monotonic(), time.process_time(), counted, site.stages))
                if len(marks) == 2:
                    site.stop()

        site.run(tick)
        (start, used, before, early), (end, used_then, after, late) = marks
        return Sharing(
            cameras=tuple(site.status()[: plan.cameras]),
            handled=tuple(np.subtract(after, before).tolist()),
            processor=used_then - used,
            seconds=end - start,
            stages={stage: spent - early.get(stage, 0.0) for stage, spent in late.items()},
        )


def settings_of(urls: Sequence[str], words: Sequence[str], *, every: int = 1) -> SiteSettings:
    """A site of cameras without rules."""
    return SiteSettings(
        cameras=tuple(
            CameraSettings(
                name=f"camera-{number}",
                url=SecretText(url, url),
                words=Vocabulary(list(words)),
                follow=FollowOptions(every=every),
                live=LiveOptions(read_timeout=3.0),
            )
            for number, url in enumerate(urls, 1)
        )
    )


def table(plan: CameraPlan, mjpeg: ReadingCost, h264: ReadingCost, alone: Sharing, beside_dead: Sharing) -> str:
    """The figures as lines of text."""
    height, width = plan.size
    return "\n".join(
        [
            f"{plan.cameras} loopback cameras of {plan.fps:g} fps, {width}x{height}",
            "read and decoded, nothing else",
            _reading("MJPEG", mjpeg, plan.fps),
            _reading("H.264, 2 Mbit/s, from a file", h264, plan.fps),
            f"followed by one site, the tower at each of {plan.every} frames",
            *_sharing(alone, plan.fps),
            "the same, with one more camera that takes connections and says nothing",
            *_sharing(beside_dead, plan.fps),
        ]
    )


def _reading(what: str, reading: ReadingCost, fps: float) -> str:
    return (
        f"  {what}: {reading.frames} frames, {reading.cost * 1000:.2f} ms of a core a frame: one core decodes "
        f"{int(1 / (reading.cost * fps)) if reading.cost else 0} cameras of {fps:g} fps"
    )


def _sharing(sharing: Sharing, fps: float) -> list[str]:
    handled, total = sharing.handled, sum(sharing.stages.values()) or 1.0
    ages = [(each.age_p50_ms, each.age_p95_ms) for each in sharing.cameras if each.age_p50_ms and each.age_p95_ms]
    p50, p95 = np.median(ages, axis=0) if ages else (0.0, 0.0)
    stages = sorted(sharing.stages.items(), key=lambda pair: -pair[1])
    return [
        f"  {sum(handled) / sharing.seconds:.1f} of {fps * len(handled):g} frames a second, "
        f"{sharing.processor / sharing.seconds:.2f} cores busy",
        f"  frames of each camera in {sharing.seconds:.0f} s: least {min(handled)}, median {np.median(handled):.0f}, "
        f"most {max(handled)}",
        f"  answers: median age {p50:.0f} ms, p95 {p95:.0f} ms (of the median camera)",
        "  ms a frame: "
        + ", ".join(f"{name} {spent / max(sum(handled), 1):.1f} ({spent / total:.0%})" for name, spent in stages),
    ]


def _await(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LONGEST
    while not ready():
        if time.monotonic() > deadline:
            raise SourceError(f"loopback cameras: no frames for {_LONGEST:g} s")
        time.sleep(0.05)


def _write_clip(path: Path, size: tuple[int, int]) -> None:
    height, width = size
    random = np.random.default_rng(0)
    ground = cv2.blur(random.integers(40, 220, (height, width, 3), dtype=np.uint8), (9, 9))  # (H, W, 3)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_CLIP_FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width - width % 2, height - height % 2, "yuv420p"
        stream.bit_rate = _CLIP_RATE
        for number in range(_CLIP_FRAMES):
            noise = random.integers(0, 12, (height, width, 3), dtype=np.uint8)  # (H, W, 3)
            image = cv2.add(np.roll(ground, 3 * number, axis=1), noise)[: stream.height, : stream.width]  # (H, W, 3)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image, np.uint8), "bgr24")))
        container.mux(stream.encode(None))
