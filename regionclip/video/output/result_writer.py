"""What the files of results have in common: they grow under a temporary name, and survive exceptions and full disks."""

import json
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from regionclip.answers.records import asked_record, detection_records, readable
from regionclip.detector import Detector
from regionclip.errors import FileError
from regionclip.formats.growing import FrameFile, NewFile, append, is_at
from regionclip.video.sources.base import VideoFrame, utc_text
from regionclip.words.vocabulary import Vocabulary

if TYPE_CHECKING:
    import supervision as sv


class ResultWriter(FrameFile):
    """A file of results that grows frame by frame; made by `open_results`, a context manager.

    What an exception leaves of it, see `FrameFile`. A frame that cannot be written, as on a full disk, is left out as a
    whole, and the next one is tried again. A file that was removed begins anew once its folder is back.

    Args:
        path: of the file to be.
        detector: whose results they are.
        vocabulary: what it is asked.

    Attributes:
        frames: written until now, or since the file was begun anew.
        missing: frames that could not be written.

    Raises:
        FileError: where the file cannot be made, or another program is writing it.
    """

    _MODE = "wb"

    def __init__(self, path: str | Path, detector: Detector, vocabulary: Vocabulary) -> None:
        super().__init__(path)
        self.missing = 0
        self._detector, self._vocabulary = detector, vocabulary
        self._new = NewFile(path)
        try:
            self._open()
        except OSError as error:
            self._new.discard()
            raise self._error(error) from error

    def write(self, frame: VideoFrame, rows: "sv.Detections") -> None:
        """Add a frame and what was found in it.

        Args:
            frame: of a source.
            rows: as a `Detector` gives them, with `tracker_id` or without.

        Raises:
            FileError: where it cannot be written; the file stays open for the next.
        """
        if self._closed:
            raise FileError(f"{self.path} is closed")
        try:
            if not is_at(self._file, self._new.temporary):  # it was removed, maybe with its folder or disk
                self._open_anew()
            self._add(frame, detection_records(rows))
        except OSError as error:
            self.missing += 1
            raise self._error(error) from error
        self.frames += 1

    def ask(self, vocabulary: Vocabulary) -> None:
        """From now on frames are asked for other labels."""
        self._vocabulary = vocabulary

    def close(self) -> None:
        """Finish the file and give it its name. Closing twice is fine.

        Raises:
            FileError: where the end cannot be written, or the file was removed; what is whole without its end is kept.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._finish()
        except OSError as error:
            self._release()
            self._salvage()
            raise self._error(error) from error
        self._release()
        self._new.keep()

    def _asked(self) -> dict[str, Any]:
        """What the file says of tower and words."""
        thresholds = self._detector.thresholds(self._vocabulary)
        return asked_record(self._detector.tower.card, self._vocabulary, thresholds)

    @abstractmethod
    def _begin(self) -> None:
        """Write what stands at the start."""

    @abstractmethod
    def _add(self, frame: VideoFrame, found: list[dict[str, Any]]) -> None:
        """Write a frame, all of it or, where that fails, nothing."""

    def _finish(self) -> None:
        """Write what stands at the end."""

    def _salvage(self) -> None:
        """The end could not be written: keep the part that is whole."""
        self._new.keep() if self.frames else self._new.discard()

    def _release(self) -> None:
        super()._release()
        self._close_file()

    def _close_file(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _open(self) -> None:
        self.frames = 0
        self._file = cast("BinaryIO", self._new.temporary.open(self._MODE, buffering=0))
        try:
            self._begin()
        except OSError:
            self._close_file()
            raise

    def _open_anew(self) -> None:
        self._new.begin_anew()
        self._close_file()
        try:
            self._open()
        except OSError:
            with suppress(OSError):
                self._new.temporary.unlink()
            raise

    def _append(self, text: str) -> None:
        append(self._file, to_bytes(text))

    def _error(self, error: OSError) -> FileError:
        return error if isinstance(error, FileError) else FileError(f"{self.path} cannot be written: {error.strerror}")


def place_record(frame: VideoFrame) -> dict[str, Any]:
    """Where and when a frame was taken, for JSON."""
    return {
        "source": readable(frame.source),
        "index": frame.index,
        "t_seconds": round(frame.t_seconds, 4),
        "utc": None if frame.utc_seconds is None else utc_text(frame.utc_seconds),
    }


def to_json(value: object) -> str:
    """One line of JSON, Chinese readable."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def to_bytes(text: str) -> bytes:
    """UTF-8; what is no valid Unicode becomes an escape, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace")
