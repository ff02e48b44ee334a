"""What flows through the video part: one frame with its time, where it comes from, and how that source is doing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol, Self

from regionclip.frames import Frame


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One frame of a source.

    Attributes:
        image: `(H, W, 3)` uint8 BGR, upright (the source's rotation is applied).
        t_seconds: presentation time since the source's first frame; for live sources seconds since it was opened.
        index: number of the frame in its source, from 0; frames that were dropped or skipped keep their numbers.
        source: id of the source.
        utc_seconds: time of capture, seconds since 1970 UTC: the clock at arrival for live sources; for recordings the
            time given for their start plus `t_seconds`, or None where no start is known.
        age_seconds: how long ago the frame arrived when it was handed over; 0 for recordings.
    """

    image: Frame
    t_seconds: float
    index: int
    source: str
    utc_seconds: float | None = None
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """A live source was lost, or is back.

    Attributes:
        kind: "lost", once for each outage, also where the source was not there to begin with; "back" with the first
            frame after it.
        source: id of the source.
        utc_seconds: when it was noticed, seconds since 1970 UTC.
        reason: of "lost", in words; passwords are masked.
        outage_seconds: since the last good frame, or since the source was opened where there was none. Of "lost" how
            long it took to be noticed, of "back" the whole outage.
    """

    kind: Literal["lost", "back"]
    source: str
    utc_seconds: float
    reason: str = ""
    outage_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How a live source is doing.

    Attributes:
        source: its id.
        connected: frames have come, and it has not been lost since.
        arrived: frames that came.
        handed: frames that were read.
        dropped: frames replaced by newer ones before anybody read them.
        skipped: frames above the cap, never decoded or converted.
        damaged: frames that could not be decoded when they were read.
        outages: how often the source was lost.
        outage_seconds: how long in all, each time from the last good frame to the next, or until now.
        silent_seconds: since the latest frame came; None before the first.
        fps: frames that come in a second, of the latest few; 0 while none come.
        reason: why it is lost; empty while it is not.
    """

    source: str
    connected: bool
    arrived: int
    handed: int
    dropped: int
    skipped: int
    damaged: int
    outages: int
    outage_seconds: float
    silent_seconds: float | None
    fps: float
    reason: str


class OpenSource(Protocol):
    """A source in use: `with open_source(...) as source: for frame in source: ...`.

    Frames come in order of time. A recording gives every frame and waits for its reader; a camera gives the newest.

    Attributes:
        id: name of the source in events, results and logs; passwords are masked.
        duration_seconds: what the file says of its own length; None for live sources and where it does not say.
    """

    id: str
    duration_seconds: float | None

    def read(self, timeout: float | None = None) -> VideoFrame | None:
        """The next frame, or None at the end of a recording, or where no frame came within `timeout` seconds.

        `ended` tells the two apart. A recording waits for its disk and not for a time.

        Raises:
            SourceError: where a recording cannot be read, or a live source has been away for longer than allowed.
        """
        ...

    @property
    def ended(self) -> bool:
        """True when no frame will come any more."""
        ...

    def close(self) -> None:
        """Let go of files, sockets and threads; may be called twice."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        while not self.ended:
            if (frame := self.read()) is not None:
                yield frame


class Reader(Protocol):
    """What a source reads from: one open file, connection or device. One thread uses it, `stop` apart."""

    def grab(self) -> float | None:
        """Wait for the next frame, with as little decoding as can be.

        Returns:
            Its presentation time in seconds from a recording, the clock `time.monotonic()` at its arrival from a live
            source; None at the end.

        Raises:
            SourceError: where nothing more can be read.
        """
        ...

    def take(self) -> Callable[[], Frame]:
        """Keep the frame grabbed last. The function turns it into a `(H, W, 3)` uint8 BGR array.

        It may be called in another thread, after further frames were grabbed or the reader was closed, and raises a
        FileError where that one frame is damaged.
        """
        ...

    def stop(self) -> None:
        """Make a waiting `grab` return early where it can; called from any thread. Else it ends by itself."""
        return

    def close(self) -> None:
        """Let go of the file, socket or device."""
        ...


def utc_text(seconds: float) -> str:
    """ISO 8601 UTC of seconds since 1970, as `2026-11-23T13:00:07.040Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FpsCap:
    """Chooses frames so that no more than `fps` a second are used, evenly.

    Args:
        fps: frames a second; None for all.
    """

    def __init__(self, fps: float | None) -> None:
        self._interval = 0.0 if fps is None else 1 / fps
        self._due = float("-inf")

    def wants(self, t_seconds: float) -> bool:
        """True where the frame of time `t_seconds` is used. Times do not fall."""
        # Half a millisecond of slack: times of containers are rounded to whole milliseconds.
        if t_seconds < self._due - 0.0005:
            return False
        # The beat is kept, so that 25 a second become 10 on average; after a gap it starts anew.
        late = t_seconds - self._due > self._interval
        self._due = (t_seconds if late else self._due) + self._interval
        return True
