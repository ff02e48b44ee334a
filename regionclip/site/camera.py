"""SiteCamera: one camera of a site, opened and closed, begun anew where something goes wrong, never in others' way."""

import time
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event as Bell
from threading import Thread
from typing import Protocol

import supervision as sv

from regionclip.detector import Detector
from regionclip.errors import RegionclipError
from regionclip.frames import Frame
from regionclip.sinks.sink import Told
from regionclip.site.settings import CameraSettings
from regionclip.site.status import CameraStatus, Counts, State, utc_text
from regionclip.towers.base import ImageFeatures
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.rules.schedule import is_in_force
from regionclip.video.sources.backoff import Backoff
from regionclip.video.sources.base import SourceEvent, VideoFrame
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.opening import open_source

_OUTAGE = 1.0
"""Seconds; after longer ones nothing is where it was."""

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds from an error to a new beginning."""


class Surroundings(Protocol):
    """What a camera needs of its site."""

    detector: Detector
    bell: Bell
    """Rung when there may be a frame to read."""

    def tell(self, told: Told, image: Frame | None = None, rows: sv.Detections | None = None) -> None:
        """Hand an event to whoever wants it."""
        ...

    def say(self, text: str) -> None:
        """One line for people."""
        ...


class SiteCamera:
    """One camera of a site. All of it is used by one thread.

    Args:
        settings: of the camera.
        site: what it is a part of.
    """

    def __init__(self, settings: CameraSettings, site: Surroundings) -> None:
        self.settings = settings
        self.counts = Counts()
        self._site = site
        self._source: LiveSource | None = None
        self._follower: Follower | None = None
        self._outages: deque[SourceEvent] = deque()
        self._closing: list[Thread] = []
        self._state: State = "off"
        self._since = time.time()
        self._why = ""
        self._ended = False
        self._retry_at = self._well_since = 0.0
        self._backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)

    def attend(self, local: datetime) -> None:
        """Open or close it as its schedule says, and tell what befell it; to be called every second or so."""
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        wanted = self.settings.enabled and is_in_force(self.settings.schedule, local)
        if not wanted:
            self._close()
        elif self._source is None and not self._ended and time.monotonic() >= self._retry_at:
            self._open()
        self._befallen()
        self._note_state(wanted)

    def read(self) -> VideoFrame | None:
        """The newest frame, where there is one that was not read yet; never waits."""
        if self._source is None:
            return None
        try:
            frame = self._source.read(timeout=0)
        except Exception as error:  # one camera must not stop the others
            self._fail(error)
            return None
        if frame is None and self._source.ended:
            self._ended = True
            self._close()
        return frame

    def needs_tower(self, frame: VideoFrame) -> bool:
        """Whether the tower has to look at `frame`, the next one."""
        try:
            return self._follower is not None and self._follower.is_key(frame)
        except Exception:  # `follow` meets it again, and tells
            return False

    def follow(self, frame: VideoFrame, features: ImageFeatures | None = None) -> StreamFrame | None:
        """Follow a frame and tell what happens in it; None where something went wrong.

        Args:
            frame: as it was read.
            features: where it was encoded together with frames of other cameras.
        """
        self._befallen()
        if self._follower is None:
            return None
        try:
            known = self._followed(frame, features)
        except Exception as error:  # one camera must not stop the others
            self._fail(error)
            return None
        self._well_since = self._well_since or time.monotonic()
        self.counts.add(known)
        for event in known.events:
            self._site.tell(event, frame.image, known.detections)
        return known

    def change(self, settings: CameraSettings) -> str:
        """Take other settings.

        Returns:
            What that means for the camera, in words; empty where it means nothing.

        Raises:
            RegionclipError: where they cannot be used.
        """
        old, self.settings = self.settings, settings
        if settings == old:
            return ""
        self._forget_failures()
        follower, rules = self._follower, settings.follow.rules
        anew = replace(settings, words=old.words, follow=replace(settings.follow, rules=old.follow.rules))
        if anew != replace(old, schedule=settings.schedule, enabled=settings.enabled):
            self._ended = False
            self._close()
            return "begun anew"
        if follower is not None and rules != old.follow.rules:
            self._tell_all(follower.judge(rules, settings.words))
            return "other rules"
        if follower is not None and settings.words != old.words:
            follower.ask(settings.words)
            return "other words"
        return "changed"

    @property
    def ended(self) -> bool:
        """Whether it is a recording that has ended."""
        return self._ended

    def leave(self) -> None:
        """Close for good, without waiting for the camera."""
        self._close()
        self._state, self._why, self._since = "off", "", time.time()

    @property
    def is_leaving(self) -> bool:
        """Whether something is still being closed."""
        return any(thread.is_alive() for thread in self._closing)

    def join(self) -> None:
        """Wait for what is still being closed."""
        for thread in self._closing:
            thread.join()

    def status(self) -> CameraStatus:
        """How it is doing."""
        source = None if self._source is None else self._source.status()
        counts, (p50, p95) = self.counts, self.counts.ages()
        return CameraStatus(
            camera=self.settings.name,
            state=self._state,
            since=utc_text(self._since),
            reason=self._why,
            fps_in=0.0 if source is None else round(source.fps, 2),
            fps_handled=round(counts.rate(), 2),
            age_p50_ms=p50,
            age_p95_ms=p95,
            handled=counts.handled,
            key_frames=counts.key_frames,
            outages=counts.outages,
            events=counts.events,
            errors=counts.errors,
            last_error=counts.last_error,
            last_frame=None if counts.last_frame is None else utc_text(counts.last_frame),
            **counts.of_sources(source),
        )

    def _followed(self, frame: VideoFrame, features: ImageFeatures | None) -> StreamFrame:
        assert self._follower is not None  # the caller has looked
        try:
            return self._follower.follow(frame, features=features)
        except Exception:
            if features is None:
                raise
        # What was encoded together fails together: another camera's frame may be to blame.
        return self._follower.follow(frame)

    def _open(self) -> None:
        settings, self._outages, self._well_since = self.settings, deque(), 0.0
        try:
            self._follower = Follower(
                self._site.detector, settings.words, source=settings.name, options=settings.follow
            )
            source = open_source(
                settings.url.value,
                id=settings.name,
                mode="latest",
                max_fps=settings.max_fps,
                live=settings.live,
                on_event=self._outages.append,
            )
        except Exception as error:  # one camera must not stop the others
            self._fail(error)
            return
        assert isinstance(source, LiveSource)  # that is what the mode means
        self._source = source
        self.counts.begin()
        source.ring(self._site.bell)

    def _close(self) -> None:
        """Close it without waiting, and end its incidents."""
        source, follower, self._source, self._follower = self._source, self._follower, None, None
        if source is not None:
            source.stop()
            self.counts.add_source(source.status())
            thread = Thread(target=source.close, name=f"closing {self.settings.name}", daemon=True)
            thread.start()
            self._closing.append(thread)
        if follower is not None:
            try:
                self._tell_all(follower.close())
            except Exception as error:  # one camera must not stop the others
                self._note_error(error)

    def _fail(self, error: Exception) -> None:
        """Something went wrong with this camera: begin anew, a little later each time."""
        wait = self._backoff.next_wait(time.monotonic() - self._well_since if self._well_since else 0.0)
        self._retry_at = time.monotonic() + wait
        self._note_error(error, f"; begun anew in {wait:.0f} s")
        self._close()

    def _note_error(self, error: Exception, more: str = "") -> None:
        self.counts.errors += 1
        self.counts.last_error = self.settings.url.hide(_in_words(error))
        self._site.say(f"{self.settings.name}: {self.counts.last_error}{more}")

    def _forget_failures(self) -> None:
        self._backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        self._retry_at = self._well_since = 0.0

    def _befallen(self) -> None:
        """Tell when the source was lost and when it is back."""
        while self._outages:
            outage = self._outages.popleft()
            outage = replace(outage, reason=self.settings.url.hide(outage.reason))
            self.counts.outages += outage.kind == "lost"
            tail = f" after {outage.outage_seconds:.1f} s" if outage.kind == "back" else f": {outage.reason}"
            self._site.say(f"{self.settings.name}: {outage.kind}{tail}")
            self._site.tell(outage)
            if self._follower is not None and outage.outage_seconds > _OUTAGE:
                self._follower.restart()

    def _tell_all(self, ends: Sequence[Told]) -> None:
        for event in ends:
            self._site.tell(event)

    def _note_state(self, wanted: bool) -> None:
        before = self._state
        self._state, self._why = self._current(wanted)
        if self._state == before:
            return
        self._since = time.time()
        if self._state in ("resting", "off", "ended") or (self._state == "connected" and before != "lost"):
            self._site.say(f"{self.settings.name}: {self._state}")

    def _current(self, wanted: bool) -> tuple[State, str]:
        """What state it is in, and why."""
        if not wanted:
            return ("resting" if self.settings.enabled else "off"), ""
        if self._ended:
            return "ended", ""
        if self._source is None:
            return "failed", self.counts.last_error
        status = self._source.status()
        if status.connected:
            return "connected", ""
        url = self.settings.url
        return ("lost", url.hide(status.reason).removeprefix(f"{url.shown}: ")) if status.reason else ("connecting", "")


def _in_words(error: Exception) -> str:
    """One line; of what nobody foresaw also where it happened."""
    text = " ".join(str(error).split())
    if isinstance(error, RegionclipError):
        return text
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}: {text}"
