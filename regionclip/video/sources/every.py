"""Every frame of a recording, in order, as fast as its reader takes them."""

import warnings

from regionclip.errors import FileError, SourceError, SourceWarning
from regionclip.video.sources.base import FpsCap, OpenSource, Reader, VideoFrame
from regionclip.video.sources.options import Naming


class RecordedSource(OpenSource):
    """Gives every frame, and waits for a slow reader. Frames that cannot be decoded are left out with a warning.

    Args:
        reader: an open file, folder or pipe.
        naming: name, start and cap.
        duration_seconds: what the file says of its length.
        path: of the video file, where it is one of this machine.

    Attributes:
        ended: True after the last frame.
    """

    ended: bool = False

    def __init__(
        self, reader: Reader, naming: Naming, *, duration_seconds: float | None = None, path: str | None = None
    ) -> None:
        self.id, self.duration_seconds, self.path = naming.id, duration_seconds, path
        self._reader, self._start = reader, naming.start_utc
        self._cap = FpsCap(naming.max_fps)
        self._count = self._damaged = 0

    def read(self, timeout: float | None = None) -> VideoFrame | None:
        """The next frame, None at the end; `timeout` means nothing here.

        Raises:
            SourceError: where no frame at all can be read.
        """
        while not self.ended:
            t_seconds = self._reader.grab()
            if t_seconds is None:
                self.close()
                if self._damaged and self._damaged == self._count:
                    raise SourceError(f"{self.id}: none of {self._count} frames can be read")
                break
            index, self._count = self._count, self._count + 1
            if not self._cap.wants(t_seconds):
                continue
            try:
                image = self._reader.take()()
            except FileError as error:
                self._damaged += 1
                warnings.warn(f"{self.id}: frame {index} is left out: {error}", SourceWarning, stacklevel=2)
                continue
            utc = None if self._start is None else self._start + t_seconds
            return VideoFrame(image, t_seconds, index, self.id, utc)
        return None

    def close(self) -> None:
        """Close the file."""
        if not self.ended:
            self.ended = True
            self._reader.close()
