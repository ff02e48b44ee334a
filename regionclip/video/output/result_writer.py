"""What the files of results have in common: they grow under a temporary name and survive exceptions."""

import json
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from regionclip.answers.records import detection_records, readable
from regionclip.detector import Detector
from regionclip.errors import FileError
from regionclip.formats.files import NewFile
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary

if TYPE_CHECKING:
    import supervision as sv


class ResultWriter(ABC):
    """A file of results that grows frame by frame; made by `open_results`, a context manager.

    It has a temporary name until it is closed. Leaving the `with` block by an exception, Ctrl-C among them, finishes it
    with what was done; where that is nothing, nothing is left.

    Args:
        path: of the file to be.
        detector: whose results they are.
        vocabulary: what it is asked.

    Raises:
        FileError: where the file cannot be made.
    """

    _MODE = "wb"

    def __init__(self, path: str | Path, detector: Detector, vocabulary: Vocabulary) -> None:
        self.path = Path(path)
        self._detector = detector
        self._new = NewFile(path)
        try:
            self._file: IO[bytes] = self._new.temporary.open(self._MODE)
        except OSError as error:
            raise FileError(f"{path} cannot be written: {error.strerror or error}") from error
        self._whole = self._frames = 0
        self._begin(vocabulary)

    def write(self, frame: VideoFrame, rows: "sv.Detections") -> None:
        """Add a frame and what was found in it.

        Args:
            frame: of a source.
            rows: as a `Detector` gives them, with `tracker_id` or without.

        Raises:
            FileError: where it cannot be written, as on a full disk. The file is then closed; JSON Lines and tables
                keep what was written before.
        """
        if self._file.closed:
            raise FileError(f"{self.path} is closed")
        self._add(frame, detection_records(rows))
        self._frames += 1

    def ask(self, vocabulary: Vocabulary) -> None:  # noqa: B027 - a row of a table names its label itself
        """From now on frames are asked for other labels."""

    def close(self) -> None:
        """Finish the file and give it its name. Closing twice is fine.

        Raises:
            FileError: where the end cannot be written.
        """
        if not self._file.closed:
            self._finish()
            self._file.close()
            self._new.keep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif self._frames or self._file.closed:
            try:
                self.close()
            except FileError as late:
                error.add_note(str(late))
        else:
            self._discard()

    @abstractmethod
    def _begin(self, vocabulary: Vocabulary) -> None: ...

    @abstractmethod
    def _add(self, frame: VideoFrame, found: list[dict[str, Any]]) -> None: ...

    def _finish(self) -> None:  # noqa: B027 - JSON Lines have no end
        """Write what stands at the end."""

    def _discard(self) -> None:
        with suppress(OSError):
            self._file.close()
        self._new.discard()

    def _salvage(self) -> None:
        """After a failure: keep the part that is whole."""
        with suppress(OSError):  # a pipe cannot be cut
            os.truncate(self._new.temporary, self._whole)
        self._new.keep()

    def _append(self, text: str) -> None:
        """Write and flush; all of it or, where that fails, nothing."""
        data = to_bytes(text)
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error
        self._whole += len(data)

    def _failed(self, error: OSError) -> FileError:
        with suppress(OSError):  # what is still in its buffer does not fit either
            self._file.close()
        if self._frames:
            self._salvage()
        else:
            self._discard()
        return FileError(f"{self.path} cannot be written on: {error.strerror}")


def place_record(frame: VideoFrame) -> dict[str, Any]:
    """Where and when a frame was taken, for JSON."""
    utc = None
    if frame.utc_seconds is not None:
        utc = datetime.fromtimestamp(frame.utc_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "source": readable(frame.source),
        "index": frame.index,
        "t_seconds": round(frame.t_seconds, 4),
        "utc": utc,
    }


def to_json(value: object) -> str:
    """One line of JSON, Chinese readable."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def to_bytes(text: str) -> bytes:
    """UTF-8; what is no valid Unicode becomes an escape, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace")
