"""The newest frame of a source that does not wait: cameras, pipes, and files played at their own speed.

A thread reads as fast as frames come and keeps one, not yet converted. Whoever asks gets that one, so that a slow
detector sees the present; a camera that is lost is looked for again, in longer and longer steps.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Event, Thread, current_thread
from typing import Literal

from regionclip.errors import FileError, SourceError
from regionclip.frames import Frame
from regionclip.video.sources.backoff import Backoff
from regionclip.video.sources.base import FpsCap, OpenSource, Reader, SourceEvent, SourceStatus, VideoFrame
from regionclip.video.sources.options import LiveOptions, Naming

LiveKind = Literal["camera", "pipe", "played"]

_LATEST = 50
"""Frames that the rate is taken of."""


@dataclass(slots=True, eq=False)
class _Kept:
    """The newest frame, not yet converted."""

    picture: Callable[[], Frame]
    t_seconds: float
    index: int
    arrival: float
    utc_seconds: float


class LiveSource(OpenSource):
    """Reads in a thread of its own from when it is made until it is closed.

    Args:
        connect: opens the camera, file or pipe; called again after each outage of a camera.
        naming: name, start and cap.
        kind: "camera" is looked for again when it is lost; "pipe" ends with its data; "played" is a recording whose
            frames come at the times they bear.
        options: timeouts and reconnecting.
        on_event: called in the source's thread when the source is lost and when it is back. An exception that it
            raises ends the source and is raised by the next `read`.
    """

    duration_seconds = None

    def __init__(
        self,
        connect: Callable[[], Reader],
        naming: Naming,
        *,
        kind: LiveKind = "camera",
        options: LiveOptions | None = None,
        on_event: Callable[[SourceEvent], None] | None = None,
    ) -> None:
        self.id = naming.id
        self._connect, self._start, self._kind = connect, naming.start_utc, kind
        self._options, self._on_event = options or LiveOptions(), on_event or (lambda _: None)
        self._cap = FpsCap(naming.max_fps)
        self._changed, self._stop = Condition(), Event()
        self._reader: Reader | None = None
        self._kept: _Kept | None = None
        self._error: BaseException | None = None
        self._done = False
        self._opened = self._connected = time.monotonic()
        self._lost_since: float | None = None  # the last good frame, or the opening
        self._noticed = 0.0
        self._away = 0.0  # seconds of outages that are over
        self._why = ""
        self._backoff = Backoff(self._options.first_wait, self._options.longest_wait)
        self._arrivals: deque[float] = deque(maxlen=_LATEST)
        self._arrived = self._handed = self._dropped = self._skipped = self._damaged = self._outages = 0
        self._bell: Event | None = None
        self._thread = Thread(target=self._run, name=f"source {naming.id}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """True after the last frame of a file or pipe, after `close`, and where it was given up."""
        with self._changed:
            return self._done and self._kept is None and self._error is None

    def read(self, timeout: float | None = None) -> VideoFrame | None:
        """The newest frame that was not read yet; waits for one, at most `timeout` seconds.

        Raises:
            SourceError: where the source has been lost for `options.patience`, or a file or pipe cannot be read.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._changed:
                left = None if deadline is None else deadline - time.monotonic()
                self._changed.wait_for(lambda: self._kept is not None or self._done, left)
                kept, self._kept = self._kept, None
                if kept is None:
                    error, self._error = self._error, None  # raised once; from then on the source has ended
                    if error is not None:
                        raise error
                    return None
            try:
                image = kept.picture()
            except FileError:
                self._damaged += 1
                continue
            self._handed += 1
            age = time.monotonic() - kept.arrival
            return VideoFrame(image, kept.t_seconds, kept.index, self.id, kept.utc_seconds, age)

    def status(self) -> SourceStatus:
        """How the source is doing now."""
        now, times, lost_since = time.monotonic(), list(self._arrivals), self._lost_since
        silent = now - times[-1] if times else None
        connected = bool(times) and lost_since is None and not self._done
        return SourceStatus(
            source=self.id,
            connected=connected,
            arrived=self._arrived,
            handed=self._handed,
            dropped=self._dropped,
            skipped=self._skipped,
            damaged=self._damaged,
            outages=self._outages,
            outage_seconds=self._away + (0.0 if lost_since is None else now - lost_since),
            silent_seconds=silent,
            fps=(len(times) - 1) / (now - times[0]) if connected and now > times[0] else 0.0,
            reason=self._why,
        )

    def ring(self, bell: Event) -> None:
        """Set `bell` whenever a frame comes, and at the end: to wait for several sources at once."""
        self._bell = bell
        bell.set()

    def stop(self) -> None:
        """Ask the thread to end, without waiting for it: to close many sources, stop all, then close each."""
        self._stop.set()
        if (reader := self._reader) is not None:
            reader.stop()
        with self._changed:
            self._done, self._kept, self._error = True, None, None
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread. Takes as long as a timeout at most, where a camera has gone silent."""
        self.stop()
        if current_thread() is not self._thread:  # close may be called in `on_event`
            self._thread.join(2 * (self._options.open_timeout + self._options.read_timeout))

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._work()
        except BaseException as raised:
            error = raised
        with self._changed:
            if not self._stop.is_set():
                self._error = error
            self._done = True
            self._notify()

    def _work(self) -> None:
        while not self._stop.is_set():
            before = self._arrived
            try:
                why = self._read_on()
            except SourceError as error:
                if self._kind != "camera":
                    raise
                why = str(error)
            if self._kind != "camera" or self._stop.is_set():
                return
            self._lose(why)
            held = self._arrivals[-1] - self._connected if self._arrived > before else 0.0
            self._stop.wait(min(self._backoff.next_wait(held), self._patience_left()))

    def _read_on(self) -> str:
        """Connect and read until the source ends; why it did."""
        reader = self._connect()
        self._reader, self._connected = reader, time.monotonic()
        try:
            while not self._stop.is_set() and (stamp := reader.grab()) is not None:
                self._take(reader, stamp)
        finally:
            self._reader = None
            reader.close()
        return f"{self.id}: the stream ended"

    def _take(self, reader: Reader, stamp: float) -> None:
        """A frame has come: keep it as the newest, unless it is above the cap."""
        t_seconds, arrival = self._times(stamp)
        if self._lost_since is None:
            self._arrivals.append(arrival)
        else:
            self._arrivals = deque([arrival], maxlen=_LATEST)  # at once: `status` never sees none
            self._find(arrival)
        index, self._arrived = self._arrived, self._arrived + 1
        if not self._cap.wants(t_seconds):
            self._skipped += 1
            return
        utc = time.time() - (time.monotonic() - arrival) if self._start is None else self._start + t_seconds
        kept = _Kept(reader.take(), t_seconds, index, arrival, utc)
        with self._changed:
            if not self._stop.is_set():
                self._dropped += self._kept is not None
                self._kept = kept
                self._notify()

    def _times(self, stamp: float) -> tuple[float, float]:
        """Seconds since the opening and the clock at arrival; a played file waits here until it is time."""
        if self._kind != "played":
            return stamp - self._opened, stamp
        if not self._arrived:
            self._opened = time.monotonic() - stamp
        self._stop.wait(max(0.0, self._opened + stamp - time.monotonic()))
        return stamp, time.monotonic()

    def _notify(self) -> None:
        """Wake whoever waits; `_changed` is held."""
        self._changed.notify_all()
        if self._bell is not None:
            self._bell.set()

    def _lose(self, why: str) -> None:
        self._why = why
        if self._lost_since is None:
            self._noticed = time.monotonic()
            self._lost_since = self._arrivals[-1] if self._arrivals else self._opened
            self._outages += 1
            self._on_event(SourceEvent("lost", self.id, time.time(), why, self._noticed - self._lost_since))
        if self._patience_left() <= 0:
            raise SourceError(why)

    def _find(self, arrival: float) -> None:
        assert self._lost_since is not None  # the caller has looked
        away = arrival - self._lost_since
        self._away, self._lost_since, self._why = self._away + away, None, ""
        self._on_event(SourceEvent("back", self.id, time.time(), outage_seconds=away))

    def _patience_left(self) -> float:
        """Seconds for which the source is still looked for."""
        if self._options.patience is None or self._lost_since is None:
            return float("inf")
        return self._noticed + self._options.patience - time.monotonic()
