"""SiteCamera: one camera of a site, opened and closed, begun anew where something goes wrong, never in others' way."""

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event as Bell
from threading import Thread

import supervision as sv

from regionclip.detector import Detector
from regionclip.errors import RegionclipError
from regionclip.frames import Frame
from regionclip.sinks.sink import AnyEvent
from regionclip.site.session import Retries, Session
from regionclip.site.settings import CameraSettings
from regionclip.site.status import CameraState, CameraStatus, Counts
from regionclip.towers.base import ImageFeatures
from regionclip.video.follower import StreamFrame
from regionclip.video.rules.schedule import is_in_force
from regionclip.video.sources.base import VideoFrame, utc_text


class SiteCamera:
    """One camera of a site. All of it is used by one thread.

    Args:
        settings: of the camera.
        detector: shared with other cameras.
        bell: rung when there may be a frame to read.
        send: gets each event, with the picture and the rows of its frame where there are any.
        log: gets a line for people.

    Attributes:
        ended: whether it is a recording that has ended.
    """

    def __init__(
        self,
        settings: CameraSettings,
        *,
        detector: Detector,
        bell: Bell,
        send: Callable[[AnyEvent, Frame | None, sv.Detections | None], None],
        log: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.counts = Counts()
        self._detector, self._bell, self._hand_on, self._log = detector, bell, send, log
        self._session: Session | None = None
        self._retries = Retries()
        self._closing: list[Thread] = []
        self.ended = False
        self._state: tuple[CameraState, str] = "off", ""  # and why
        self._since = time.time()

    def update(self, local: datetime) -> None:
        """Open or close it as its schedule says, and report outages; to be called every second or so."""
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        wanted = self.settings.enabled and is_in_force(self.settings.schedule, local)
        if not wanted:
            self._close()
        elif self._session is None and not self.ended and self._retries.is_due:
            self._open()
        self._report_outages()
        self._note_state(wanted)

    def read(self) -> VideoFrame | None:
        """The newest frame, where there is one that was not read yet; never waits."""
        if self._session is None:
            return None
        source = self._session.source
        try:
            frame = source.read(timeout=0)
        except Exception as error:  # one camera must not stop the others
            self._fail(error)
            return None
        if frame is None and source.ended:
            self.ended = True
            self._close()
        return frame

    def needs_tower(self, frame: VideoFrame) -> bool:
        """Whether the tower has to look at `frame`, the next one."""
        try:
            return self._session is not None and self._session.follower.is_key(frame)
        except Exception:  # `follow` meets it again, and reports it
            return False

    def follow(self, frame: VideoFrame, features: ImageFeatures | None = None) -> StreamFrame | None:
        """Follow a frame and send the events in it; None where something went wrong.

        Args:
            frame: as it was read.
            features: where it was encoded together with frames of other cameras.
        """
        self._report_outages()
        if self._session is None:
            return None
        try:
            known = self._session.follow(frame, features)
        except Exception as error:  # one camera must not stop the others
            self._fail(error)
            return None
        self._retries.succeed()
        self.counts.add(known)
        for event in known.events:
            self._send(event, frame.image, known.detections)
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
        self._retries = Retries()
        follower = None if self._session is None else self._session.follower
        rules = settings.follow.rules
        anew = replace(settings, words=old.words, follow=replace(settings.follow, rules=old.follow.rules))
        if anew != replace(old, schedule=settings.schedule, enabled=settings.enabled):
            self.ended = False
            self._close()
            return "begun anew"
        if follower is not None and rules != old.follow.rules:
            for event in follower.change_rules(rules, settings.words):
                self._send(event)
            return "other rules"
        if follower is not None and settings.words != old.words:
            follower.ask(settings.words)
            return "other words"
        return "changed"

    def leave(self) -> None:
        """Close for good, without waiting for the camera."""
        self._close()
        self._state, self._since = ("off", ""), time.time()

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
        source = None if self._session is None else self._session.source.status()
        state, reason = self._state
        return self.counts.status(
            source, camera=self.settings.name, state=state, since=utc_text(self._since), reason=reason
        )

    def _open(self) -> None:
        try:
            self._session = Session(self.settings, self._detector, self._bell)
        except Exception as error:  # one camera must not stop the others
            self._fail(error)
            return
        self.counts.begin()

    def _close(self) -> None:
        """Close it without waiting, and end its incidents."""
        if (session := self._session) is None:
            return
        self._report_outages()
        self._session = None
        self._closing.append(session.close())
        self.counts.add_source(session.source.status())
        try:
            for event in session.follower.close():
                self._send(event)
        except Exception as error:  # one camera must not stop the others
            self._note_error(error)

    def _fail(self, error: Exception) -> None:
        """Something went wrong with this camera: begin anew, a little later each time."""
        self._note_error(error, f"; begun anew in {self._retries.fail():.0f} s")
        self._close()

    def _note_error(self, error: Exception, more: str = "") -> None:
        self.counts.errors += 1
        self.counts.last_error = self.settings.url.hide(_in_words(error))
        self._log(f"{self.settings.name}: {self.counts.last_error}{more}")

    def _report_outages(self) -> None:
        """Report when the source was lost and when it is back."""
        for outage in () if self._session is None else self._session.outages():
            hidden = replace(outage, reason=self.settings.url.hide(outage.reason))
            self.counts.outages += hidden.kind == "lost"
            tail = f" after {hidden.outage_seconds:.1f} s" if hidden.kind == "back" else f": {hidden.reason}"
            self._log(f"{self.settings.name}: {hidden.kind}{tail}")
            self._send(hidden)

    def _send(self, event: AnyEvent, image: Frame | None = None, rows: sv.Detections | None = None) -> None:
        self.counts.events += 1
        self._hand_on(event, image, rows)

    def _note_state(self, wanted: bool) -> None:
        before, _ = self._state
        self._state = state, _ = self._current_state(wanted)
        if state == before:
            return
        self._since = self._began(state)
        if state in ("resting", "off", "ended") or (state == "connected" and before != "lost"):
            self._log(f"{self.settings.name}: {state}")

    def _began(self, state: CameraState) -> float:
        """When a state began, seconds since 1970 UTC: an outage with the last good frame, or the opening."""
        if state != "lost" or self._session is None:
            return time.time()
        silent = self._session.source.status().silent_seconds
        return self._since if silent is None else time.time() - silent

    def _current_state(self, wanted: bool) -> tuple[CameraState, str]:
        """What state it is in, and why."""
        if not wanted:
            return ("resting" if self.settings.enabled else "off"), ""
        if self.ended:
            return "ended", ""
        if self._session is None:
            return "failed", self.counts.last_error
        status, url = self._session.source.status(), self.settings.url
        if status.connected:
            return "connected", ""
        return ("lost", url.hide(status.reason).removeprefix(f"{url.shown}: ")) if status.reason else ("connecting", "")


def _in_words(error: Exception) -> str:
    """One line; of what nobody foresaw also where it happened."""
    text = " ".join(str(error).split())
    if isinstance(error, RegionclipError):
        return text
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}: {text}"
