"""Video files: every frame with its exact time, and a word about what could not be read."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial

import av
from av.error import FFmpegError

from regionclip.errors import SourceError, SourceWarning
from regionclip.frames import Frame
from regionclip.video.sources.base import Reader
from regionclip.video.sources.decoding import Upright, open_video, reason
from regionclip.video.sources.urls import mask

_JUMP = 1.0  # seconds back from which the clock has started again; less is the disorder that damage leaves
_STEP = 0.04  # seconds between frames where neither the frame nor the file says


class RecordingReader(Reader):
    """Reads a video file, also one behind an HTTP address.

    Times are those of the file, from 0 at the first frame, and never fall. Where they are missing, or the clock starts
    again as in files glued together, the duration of the frame before leads on. What could not be read is said in one
    SourceWarning at the end.

    Args:
        url: path or URL.
        timeouts: seconds to wait for the connection and for each packet, for URLs.

    Attributes:
        duration_seconds: what the file says of its length, None where it does not say.

    Raises:
        SourceError: where the file is missing, empty, or no video.
    """

    def __init__(self, url: str, *, timeouts: tuple[float, float] | None = None) -> None:
        self._name, self._url = mask(url), url
        self._container, self._stream = open_video(url, timeouts=timeouts)
        self._stream.thread_type = "AUTO"
        # Not that of the frames: the last few, which the decoder gives at the end, have none.
        self._unit = float(self._stream.time_base or 0)
        self._usual_step = 1 / float(self._stream.average_rate) if self._stream.average_rate else _STEP
        self._upright = Upright()
        self._frames = self._decode()
        self._frame: av.VideoFrame | None = None
        self._t = self._next_t = self._start = 0.0
        self._count = self._damaged = 0
        self._broken = ""
        self._reported = False
        self.duration_seconds = self._declared()

    def grab(self) -> float | None:
        """Decode the next frame; its time in seconds, None at the end."""
        frame = next(self._frames, None)
        if frame is None:
            if not self._reported:
                self._reported = True
                self._report()
            return None
        self._frame, self._t = frame, self._time_of(frame)
        self._next_t = self._t + (frame.duration * self._unit if frame.duration else self._usual_step)
        self._count += 1
        return self._t

    def take(self) -> Callable[[], Frame]:
        """The frame grabbed last, not yet converted."""
        assert self._frame is not None  # grab comes first
        return partial(self._upright, self._frame)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decode(self) -> Iterator[av.VideoFrame]:
        """All frames that can be decoded; damaged packets are counted and left out."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                self._broken = reason(error, self._url)
                packet = None
            # Without a packet, or with an empty one, the decoder gives what it still holds.
            try:
                yield from self._stream.codec_context.decode(packet if packet is not None and packet.size else None)
            except av.error.EOFError:
                return
            except FFmpegError:
                self._damaged += 1
            if packet is None:
                return

    def _time_of(self, frame: av.VideoFrame) -> float:
        if frame.pts is None:
            return self._next_t
        t = frame.pts * self._unit
        if self._count == 0:
            self._start = t
        elif t - self._start < self._t - _JUMP:
            self._start = t - self._next_t
        return max(self._t, t - self._start)

    def _declared(self) -> float | None:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration and not self._container.streams.audio:
            return self._container.duration / av.time_base
        return None

    def _report(self) -> None:
        """Say what is missing, once the end is reached."""
        if not self._count:
            raise SourceError(f"{self._name}: no frame can be decoded: the file is damaged or cut short; copy it again")
        lines = [self._broken] if self._broken else []
        if self._damaged:
            lines.append(f"{self._damaged} damaged packets were left out")
        declared = self.duration_seconds
        read = self._next_t if declared is None else min(self._next_t, declared)
        if declared is not None and declared - read > max(0.5, 0.02 * declared):
            lines.append(f"read {self._count} frames, {read:.1f} s of {declared:.1f} s; the file is cut short")
        elif lines:
            lines.append(f"read {self._count} frames, {read:.1f} s")
        if lines:
            warnings.warn(f"{self._name}: {'; '.join(lines)}", SourceWarning, stacklevel=2)
