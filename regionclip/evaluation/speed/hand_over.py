"""How old pictures of a live source are when a slow detector gets them, and how fast a lost camera is back.

A loopback camera paints its clock into each picture, so that ages hold from the camera's clock to the hand-over: JPEG
coding, the connection, waiting and decoding included.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

import numpy as np

from regionclip.errors import SourceError
from regionclip.evaluation.speed.loopback import LoopbackCamera, clock_of
from regionclip.video.sources.base import SourceEvent, VideoFrame
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.network import NetworkReader
from regionclip.video.sources.options import LiveOptions, Naming

_LONGEST = 60.0  # seconds to wait for anything


@dataclass(frozen=True, slots=True)
class HandOver:
    """What became of the frames, and how old they were when they were handed over.

    Attributes:
        arrived: frames that came.
        dropped: frames replaced by newer ones before they were read.
        since_taken: ages in milliseconds from the camera's own clock, one for each frame that was read.
        since_arrival: ages in milliseconds as the source tells them.
    """

    arrived: int
    dropped: int
    since_taken: tuple[float, ...]
    since_arrival: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds until a loss was noticed, of the outage, and from the camera's return to its first frame."""

    noticed: float
    outage: float
    back: float


def measure_ages(*, fps: float, busy: float, seconds: float, size: tuple[int, int]) -> HandOver:
    """Read a loopback camera of `fps` and `size` `(H, W)` for `seconds`, busy for `busy` seconds with each frame.

    Raises:
        SourceError: where no frames come.
    """
    taken: list[float] = []
    arrival: list[float] = []
    with LoopbackCamera(fps=fps, size=size) as camera, _open(camera) as source:
        _next(source)  # the connection is made
        end = time.monotonic() + seconds
        while not taken or time.monotonic() < end:
            frame = _next(source)
            taken.append((time.monotonic() - clock_of(frame.image)) * 1000)
            arrival.append(frame.age_seconds * 1000)
            time.sleep(busy)
        status = source.status()
    return HandOver(status.arrived, status.dropped, tuple(taken), tuple(arrival))


def measure_recovery(outage: float) -> Recovery:
    """Switch a loopback camera off for `outage` seconds, and on again.

    Raises:
        SourceError: where the loss is not noticed, or the camera does not come back, within a minute.
    """
    events: SimpleQueue[SourceEvent] = SimpleQueue()
    with LoopbackCamera() as camera, _open(camera, events.put) as source:
        _next(source)
        off = time.monotonic()
        camera.switch_off()
        _await(events, "lost")
        noticed = time.monotonic() - off
        time.sleep(max(0.0, outage - noticed))
        on = time.monotonic()
        camera.switch_on()
        _await(events, "back")
        return Recovery(noticed, on - off, time.monotonic() - on)


def table(ages: HandOver, recoveries: Sequence[Recovery], *, fps: float, busy: float) -> str:
    """The figures as lines of text."""
    lines = [
        f"loopback MJPEG camera of {fps:g} fps, a detector busy for {busy * 1000:g} ms with each frame",
        f"  frames: {ages.arrived} came, {len(ages.since_taken)} used, {ages.dropped} dropped for newer ones",
        f"  age at hand-over since they were taken: {_spread(ages.since_taken)}",
        f"  age at hand-over since they arrived:    {_spread(ages.since_arrival)}",
        "camera switched off and on",
    ]
    lines += [
        f"  off for {each.outage:.1f} s: noticed after {each.noticed:.2f} s, frames {each.back:.2f} s after it was on"
        for each in recoveries
    ]
    return "\n".join(lines)


def _spread(ages: Sequence[float]) -> str:
    p50, p95 = np.percentile(ages, (50, 95))
    return f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, worst {max(ages):.0f} ms"


def _open(camera: LoopbackCamera, on_event: Callable[[SourceEvent], None] | None = None) -> LiveSource:
    reader = partial(NetworkReader, camera.url, LiveOptions())
    return LiveSource(reader, Naming(id="loopback"), on_event=on_event)


def _next(source: LiveSource) -> VideoFrame:
    frame = source.read(_LONGEST)
    if frame is None:
        raise SourceError(f"{source.id}: no frame for {_LONGEST:g} s")
    return frame


def _await(events: "SimpleQueue[SourceEvent]", kind: str) -> None:
    try:
        while events.get(timeout=_LONGEST).kind != kind:
            pass
    except Empty:
        raise SourceError(f"loopback camera: no {kind!r} within {_LONGEST:g} s") from None
