"""JPEG and PNG pictures one after another on a pipe."""

import os
import select
import time
import warnings
from collections.abc import Callable
from functools import partial

from regionclip.errors import SourceError, SourceWarning
from regionclip.frames import Frame, decode_frame
from regionclip.video.sources.base import Reader

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_CHUNK = 1 << 16
_LARGEST = 1 << 28  # bytes of one picture
_TICK = 0.1  # seconds between looks at `stop`


class PictureSplitter:
    """Cuts a stream of bytes into JPEG and PNG pictures. Bytes between pictures are left out."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._scan = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes; the pictures that are complete now.

        Raises:
            SourceError: where a picture grows beyond 256 MiB, or that much is no picture.
        """
        self._bytes += data
        pictures = []
        while (end := self._end()) is not None:
            pictures.append(bytes(self._bytes[:end]))
            self._drop(end)
        if len(self._bytes) > _LARGEST:
            raise SourceError(f"standard input: one picture of more than {_LARGEST >> 20} MiB; expected JPEG or PNG")
        return pictures

    @property
    def rest(self) -> int:
        """Bytes of a picture that has begun and is not complete."""
        return len(self._bytes) if self._scan else 0

    def _drop(self, count: int) -> None:
        del self._bytes[:count]
        self._scan = 0

    def _end(self) -> int | None:
        """Where the picture at the front ends; None where it is not complete or there is none."""
        if not self._scan:
            starts = [place for mark in (_JPEG, _PNG) if (place := self._bytes.find(mark)) >= 0]
            if not starts:
                self._drop(max(0, len(self._bytes) - len(_PNG) + 1))  # a mark may have begun
                return None
            self._drop(min(starts))
            self._scan = 2 if self._bytes.startswith(_JPEG) else len(_PNG)
        return self._end_of_jpeg() if self._bytes.startswith(_JPEG) else self._end_of_png()

    def _end_of_png(self) -> int | None:
        while self._scan + 8 <= len(self._bytes):
            length = int.from_bytes(self._bytes[self._scan : self._scan + 4], "big")
            kind = bytes(self._bytes[self._scan + 4 : self._scan + 8])
            if self._scan + 12 + length > len(self._bytes):
                return None
            self._scan += 12 + length
            if kind == b"IEND":
                return self._scan
        return None

    def _end_of_jpeg(self) -> int | None:
        """Walk from marker to marker: a thumbnail inside has an end mark of its own."""
        while (place := self._bytes.find(b"\xff", self._scan)) >= 0 and place + 1 < len(self._bytes):
            marker = self._bytes[place + 1]
            if marker == 0xD9:
                return place + 2
            if marker == 0xFF:  # padding
                self._scan = place + 1
            elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # in the picture's data, or without a length
                self._scan = place + 2
            else:
                if place + 4 > len(self._bytes):
                    return None
                length = int.from_bytes(self._bytes[place + 2 : place + 4], "big")
                if place + 2 + length > len(self._bytes):
                    return None
                self._scan = place + 2 + length
        return None


class StdinReader(Reader):
    """Pictures from a pipe.

    Args:
        descriptor: of the pipe or file.
        fps: pictures a second, for their times; None takes the clock at arrival, from 0 at the first picture.
        live: give the clock `time.monotonic()` instead, as sources of the newest frame need it.
    """

    def __init__(self, descriptor: int, *, fps: float | None = None, live: bool = False) -> None:
        self._descriptor, self._fps, self._live = descriptor, fps, live
        self._splitter = PictureSplitter()
        self._waiting: list[bytes] = []
        self._picture = b""
        self._count = 0
        self._first = 0.0
        self._stopped = False

    def grab(self) -> float | None:
        """Wait for the next whole picture; its time, None at the end of the pipe.

        A SourceWarning says so where the pipe ends inside a picture.

        Raises:
            SourceError: where the pipe ends without any picture.
        """
        while not self._waiting:
            data = self._read()
            if not data:
                self._finish()
                return None
            self._waiting = self._splitter.feed(data)
        self._picture = self._waiting.pop(0)
        now = time.monotonic()
        self._first = self._first if self._count else now
        self._count += 1
        if self._live:
            return now
        return now - self._first if self._fps is None else (self._count - 1) / self._fps

    def take(self) -> Callable[[], Frame]:
        """The picture, not decoded yet; decoding raises an ImageFileError where it is damaged."""
        return partial(decode_frame, self._picture, f"picture {self._count} on standard input")

    def stop(self) -> None:
        """Make a waiting `grab` answer None."""
        self._stopped = True

    close = stop  # the pipe stays open: it is not ours

    def _read(self) -> bytes:
        while not self._stopped:
            if select.select([self._descriptor], [], [], _TICK)[0]:
                return os.read(self._descriptor, _CHUNK)
        return b""

    def _finish(self) -> None:
        if not self._count and not self._stopped:
            raise SourceError("standard input ended without a JPEG or PNG picture; expected pictures one after another")
        if self._splitter.rest and not self._stopped:
            warnings.warn(f"standard input ended inside picture {self._count + 1}", SourceWarning, stacklevel=2)
