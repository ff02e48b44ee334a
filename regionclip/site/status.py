"""How the cameras of a site are doing: counted as frames go by, as lines and as JSON."""

import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from regionclip.timing import Timings
from regionclip.video.follower import StreamFrame
from regionclip.video.sources.base import SourceStatus, utc_text

CameraState = Literal["connecting", "connected", "lost", "failed", "resting", "off", "ended"]
SCHEMA = "regionclip.site/1"
_OF_SOURCES = ("arrived", "dropped", "skipped", "damaged", "outage_seconds")
_OF_FRAMES = ("handled", "key_frames", "outages", "events", "errors", "last_error")
WINDOW = 60.0
"""Seconds that rates and ages are taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """How one camera is doing. Passwords are masked.

    Attributes:
        camera: its name.
        state: "connecting" until the first frame; "connected"; "lost", and looked for; "failed", something went wrong
            with its frames, it is begun anew soon; "resting" outside its schedule; "off"; "ended", of recordings.
        since: when that began, ISO 8601 UTC; of "lost" the time of the last good frame.
        reason: why it is lost or failed.
        fps_in: frames a second that come.
        fps_handled: frames a second that were followed, over the last minute.
        age_p50_ms: median age of the answers of the last minute, from when the frame arrived; None without any.
        age_p95_ms: 95 of 100 were younger.
        arrived: frames that came, like all that follows since the site was started.
        handled: frames that were followed.
        key_frames: frames that the tower looked at.
        dropped: frames replaced by newer ones.
        skipped: frames above `max_fps`.
        damaged: frames that could not be decoded.
        outages: how often it was lost.
        outage_seconds: how long in all, each time from the last good frame to the next.
        events: as many as its lines in the log: starts and ends of incidents, losses and returns.
        errors: how often something went wrong with its frames.
        last_error: the latest of these.
        last_frame: when the latest frame was taken, ISO 8601 UTC.
    """

    camera: str
    state: CameraState
    since: str
    reason: str = ""
    fps_in: float = 0.0
    fps_handled: float = 0.0
    age_p50_ms: float | None = None
    age_p95_ms: float | None = None
    arrived: int = 0
    handled: int = 0
    key_frames: int = 0
    dropped: int = 0
    skipped: int = 0
    damaged: int = 0
    outages: int = 0
    outage_seconds: float = 0.0
    events: int = 0
    errors: int = 0
    last_error: str = ""
    last_frame: str | None = None

    def line(self, width: int = 0) -> str:
        """All that matters in one line; `width` pads the name."""
        ages = "" if self.age_p50_ms is None else f"  age {self.age_p50_ms:.0f}/{self.age_p95_ms or 0:.0f} ms"
        counts = f"  in {self.fps_in:.1f}/s  handled {self.fps_handled:.1f}/s{ages}  dropped {self.dropped}"
        text = f"{self.camera:<{width}}  {self.state:<10}" + (counts if self.handled else "")
        text += f"  events {self.events}" if self.handled else ""
        text += f"  outages {self.outages}" if self.outages else ""
        text += f"  errors {self.errors}" if self.errors else ""
        return (text + (f"  {self.reason}" if self.reason else "")).rstrip()


class Counts:
    """What is counted of one camera."""

    def __init__(self) -> None:
        self.handled = self.key_frames = self.events = self.outages = self.errors = 0
        self.last_error = ""
        self.last_frame: float | None = None
        self.stages = Timings()
        """Milliseconds of each stage, of all frames."""
        self._closed_sources: dict[str, Any] = dict.fromkeys(_OF_SOURCES, 0)
        self._begun = time.monotonic()
        self._recent: deque[tuple[float, float]] = deque()

    def begin(self) -> None:
        """Take rates from now on."""
        self._begun = time.monotonic()
        self._recent.clear()

    def add(self, known: StreamFrame) -> None:
        """Count a frame."""
        self.handled += 1
        self.key_frames += known.key
        self.last_frame = known.frame.utc_seconds
        self.stages.add_all(known.timings)
        self._recent.append((time.monotonic(), known.age_seconds))
        self._forget()

    def add_source(self, status: SourceStatus) -> None:
        """Keep what a source counted that is closed now."""
        self._closed_sources = self._of_sources(status)

    def status(
        self, source: SourceStatus | None, *, camera: str, state: CameraState, since: str, reason: str
    ) -> CameraStatus:
        """All of it, with the source that is open now."""
        self._forget()
        p50, p95 = self._ages()
        return CameraStatus(
            camera=camera,
            state=state,
            since=since,
            reason=reason,
            fps_in=0.0 if source is None else round(source.fps, 2),
            fps_handled=round(len(self._recent) / max(1.0, min(WINDOW, time.monotonic() - self._begun)), 2),
            age_p50_ms=p50,
            age_p95_ms=p95,
            last_frame=None if self.last_frame is None else utc_text(self.last_frame),
            **{name: getattr(self, name) for name in _OF_FRAMES},
            **self._of_sources(source),
        )

    def _of_sources(self, status: SourceStatus | None) -> dict[str, Any]:
        """What all sources of this camera counted."""
        if status is None:
            return self._closed_sources
        return {name: round(count + getattr(status, name), 3) for name, count in self._closed_sources.items()}

    def _ages(self) -> tuple[float, float] | tuple[None, None]:
        """Milliseconds, median and 95th percentile, of the last minute."""
        if not self._recent:
            return None, None
        p50, p95 = np.percentile([age for _, age in self._recent], (50, 95)) * 1000
        return round(float(p50), 1), round(float(p95), 1)

    def _forget(self) -> None:
        old = time.monotonic() - WINDOW
        while self._recent and self._recent[0][0] < old:
            self._recent.popleft()


def status_json(cameras: Sequence[CameraStatus], *, started: float, problems: Sequence[str]) -> bytes:
    """The status file: one JSON object, Chinese readable.

    Args:
        cameras: all of the site.
        started: when the site was started, seconds since 1970 UTC.
        problems: of the site as a whole, such as a log that cannot be written.
    """
    now = time.time()
    content = {
        "schema": SCHEMA,
        "time": utc_text(now),
        "started": utc_text(started),
        "connected": sum(each.state == "connected" for each in cameras),
        "problems": list(problems),
        "cameras": [asdict(each) for each in cameras],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")
