"""Where events go: a log of JSON lines, pictures in a folder, a webhook (docs/events.md)."""

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import supervision as sv

from regionclip.drawing.picture import annotate
from regionclip.drawing.privacy import blur as blurred
from regionclip.errors import ConfigError, DrawingError, FileError
from regionclip.formats.growing import append, is_at, lock
from regionclip.formats.pictures import write_picture
from regionclip.frames import Frame
from regionclip.sinks.sink import AnyEvent, Sink, as_line, hand_on
from regionclip.sinks.webhook import Webhook
from regionclip.video.rules.watch import Event
from regionclip.video.rules.zones import Box

__all__ = ["AnyEvent", "EventLog", "Sink", "Snapshots", "Webhook", "hand_on"]

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_WAITING = 1000
"""Events that wait for a log that cannot be written."""

_AROUND = 0.15
"""How much of its sides is kept around a box that is cut out."""

_FORBIDDEN = re.compile(r'[\x00-\x20<>:"/\\|?*\x7f]+')


class EventLog(Sink):
    """Appends each event to a file as one line of JSON, UTF-8, at once. One program at a time writes a file.

    Lines that cannot be written, as on a full disk, wait for the next event or the end: the latest thousand of them. A
    file that was moved or removed is made anew, but not its folder: that of a disk that is gone comes back with it.

    Args:
        path: the file; it and its folders are made where they are missing. Where an earlier program stopped within a
            line, the first new event begins a line of its own.

    Raises:
        FileError: where it cannot be written, another program is writing it, or it is no log: another
            file, or UTF-16, as some editors save it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._closed = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._opened()
        except OSError as error:
            raise self._error(error) from error

    def send(self, event: AnyEvent, image: Frame | None = None, rows: sv.Detections | None = None) -> AnyEvent:
        """Write one line, after those that wait.

        Raises:
            FileError: where it cannot be written; it waits then.
        """
        if self._closed:
            raise FileError(f"{self.path} cannot be written: the log is closed")
        line = json.dumps(as_line(event), ensure_ascii=False, allow_nan=False) + "\n"
        # A file name may hold bytes that are no text; they become escapes, and the line stays JSON.
        self._waiting.append(line.encode("utf-8", "backslashreplace"))
        self._write()
        return event

    def close(self) -> None:
        """Write what waits, and close the file.

        Raises:
            FileError: where that cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._write()
        finally:
            self._file.close()

    def _write(self) -> None:
        try:
            if self._waiting and not is_at(self._file, self.path):
                self._file.close()
                self._file = self._opened()
            while self._waiting:
                append(self._file, self._waiting[0])
                self._waiting.popleft()
        except OSError as error:
            self._file.close()  # to be opened anew: the disk may be another one when it is back
            raise self._error(error) from error

    def _opened(self) -> BinaryIO:
        torn = self.path.is_file() and self._is_torn()
        file = self.path.open("ab", buffering=0)
        try:
            lock(file, self.path)
            if torn:
                append(file, b"\n")
        except BaseException:
            file.close()
            raise
        return file

    def _is_torn(self) -> bool:
        """Whether the file ends within a line."""
        with self.path.open("rb") as file:
            begin = file.read(2)
            if begin in _UTF16:
                raise FileError(f"{self.path}: expected a UTF-8 file to append to, got UTF-16: give another name")
            if begin.strip() and not begin.startswith(b"{"):
                raise FileError(f"{self.path}: expected a log of events, got another file: give another name")
            with suppress(OSError):  # an empty file has no last byte
                file.seek(-1, 2)
                return file.read(1) not in (b"\n", b"")
        return False

    def _error(self, error: OSError) -> FileError:
        if isinstance(error, FileError):
            return error
        waits = f"; what waits is not written: {len(self._waiting)} events" if self._closed else ""
        return FileError(f"{self.path} cannot be written: {error.strerror}{waits}")


class Snapshots(Sink):
    """Writes two JPEG files for each incident that begins: the thing cut out, and the whole frame with its box.

    They are named by time, rule and incident; what is handed on has their names in `pictures`. Incidents without a box
    (`absent`) have the whole frame only. A folder that was removed is not made again: that of a disk that is gone comes
    back with it.

    Args:
        folder: is made where it is missing.
        blur: `class_name` of what is hidden in both, as `["face", "车牌"]`; `send` then needs the frame's rows.

    Raises:
        ConfigError: where `blur` is one string.
        FileError: where the folder cannot be made.
    """

    def __init__(self, folder: str | Path, *, blur: Sequence[str] = ()) -> None:
        if isinstance(blur, str):
            raise ConfigError(f"snapshots: blur: expected a list of names, got the string {blur!r}")
        self.folder, self._blur = Path(folder), tuple(blur)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self.folder} cannot be made: {error.strerror}") from error
        self._failure = ""

    def send(self, event: AnyEvent, image: Frame | None = None, rows: sv.Detections | None = None) -> AnyEvent:
        """Write the pictures of an incident that begins; all else goes through.

        Raises:
            ConfigError: where something is to be hidden and there are no rows to find it by.
            FileError: where they cannot be written, and none is left; also for what has no pictures, until others were
                written: it tells nothing of the disk.
        """
        if not isinstance(event, Event) or event.phase != "start" or image is None:
            if self._failure:
                raise FileError(self._failure)
            return event
        if self._blur:
            if rows is None:
                raise ConfigError("snapshots: blur: expected the rows of the frame, got none: nothing could be hidden")
            image = blurred(image, rows, self._blur)
        pictures = {"frame": image if event.box is None else _marked(image, event, event.box)}
        if event.box is not None and (cut := _cut(image, event.box)).size:
            pictures = {"crop": cut, **pictures}
        names = {what: self.folder / f"{_stem(event)}-{what}.jpg" for what in pictures}
        self._write({names[what]: picture for what, picture in pictures.items()})
        return replace(event, pictures=tuple(map(str, names.values())))

    def close(self) -> None:
        """Nothing: every picture is written at once."""

    def _write(self, pictures: Mapping[Path, Frame]) -> None:
        try:
            if not self.folder.is_dir():
                raise FileError("the folder is gone")
            for path, picture in pictures.items():
                write_picture(path, picture)
        except FileError as error:
            for path in pictures:
                with suppress(OSError):
                    path.unlink()
            # Of the folder, not of one picture: the same text for each, so that it is reported once.
            self._failure = f"{self.folder} cannot be written: {getattr(error.__cause__, 'strerror', None) or error}"
            raise FileError(self._failure) from error
        self._failure = ""


def _stem(event: Event) -> str:
    """`20261122T210407.250Z-rule-incident`, as a file may be named anywhere."""
    time = str(event.to_dict()["time"] or f"{event.t_seconds:010.3f}s")
    rule = _FORBIDDEN.sub("_", event.rule).encode("utf-8", "replace")[:120].decode("utf-8", "ignore")
    return f"{re.sub('[:-]', '', time)}-{rule}-{event.incident}"


def _marked(image: Frame, event: Event, box: Box) -> Frame:
    """The frame with the box of an event."""
    row = sv.Detections(
        xyxy=np.array([box], np.float32),
        class_id=np.zeros(1, int),
        confidence=None if event.confidence is None else np.array([event.confidence], np.float32),
        tracker_id=np.array(event.tracks, int) if len(event.tracks) == 1 else None,
        data={"class_name": np.array([event.label or event.rule])},
    )
    try:
        return annotate(image, row)
    except DrawingError:  # no font for Chinese on this machine: the box alone is better than no picture
        canvas = image.copy()
        left, top, right, bottom = (round(side) for side in box)
        return np.asarray(cv2.rectangle(canvas, (left, top), (right, bottom), (40, 40, 198), 2), np.uint8)


def _cut(image: Frame, box: Box) -> Frame:
    """What is in a box and a little around it; empty where that is outside the frame."""
    height, width = image.shape[:2]
    aside, above = _AROUND * (box[2] - box[0]), _AROUND * (box[3] - box[1])
    left, top = max(0, int(box[0] - aside)), max(0, int(box[1] - above))
    right, bottom = min(width, int(box[2] + aside) + 1), min(height, int(box[3] + above) + 1)
    return image[top : max(top, bottom), left : max(left, right)]
