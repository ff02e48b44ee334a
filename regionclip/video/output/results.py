"""Results beside a video, frame by frame: JSON Lines, a table, or COCO (docs/video_output.md)."""

import csv
import io
from contextlib import suppress
from pathlib import Path
from typing import Any

from regionclip.answers.detections import OWN_COLUMNS
from regionclip.detector import Detector
from regionclip.video.output.result_writer import ResultWriter, place_record, to_json
from regionclip.video.output.results_coco import CocoResults
from regionclip.video.output.suffixes import RESULTS, check_results
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary

SCHEMA = "regionclip.frames/1"
"""Of the JSON Lines. Grows by new keys only; a key that changes its meaning raises the number."""

COLUMNS = (
    *("source", "index", "t_seconds", "utc", "tracker_id", "label", "label_id", "confidence"),
    *("x1", "y1", "x2", "y2", *(name for name in OWN_COLUMNS if name != "class_name")),
)
"""Of the table; those of groups, attributes and tracks come after them."""


def open_results(path: str | Path, detector: Detector, vocabulary: Vocabulary) -> ResultWriter:
    """A file of what is found in each frame of a video.

    Args:
        path: `.jsonl` for one frame a line, `.csv` for one detection a row, `.json` for COCO.
        detector: whose results they are.
        vocabulary: what it is asked.

    Raises:
        ConfigError: for another suffix.
        FileError: where the file cannot be made.
    """
    return dict(zip(RESULTS, _WRITERS, strict=True))[check_results(path)](path, detector, vocabulary)


class JsonLines(ResultWriter):
    """One frame a line; the first line says what is asked, and so does another where the words change."""

    def ask(self, vocabulary: Vocabulary) -> None:
        """Write a line of the new labels; where that fails, together with the next frame."""
        super().ask(vocabulary)
        with suppress(OSError):
            self._add_line()

    def _begin(self) -> None:
        self._announced: Vocabulary | None = None
        self._add_line()

    def _add(self, frame: VideoFrame, found: list[dict[str, Any]]) -> None:
        height, width = frame.image.shape[:2]
        record = {**place_record(frame), "width": width, "height": height, "detections": found}
        self._add_line(to_json(record) + "\n")

    def _add_line(self, line: str = "") -> None:
        """Write a line, after one that says what is asked where that is new."""
        vocabulary = self._vocabulary
        if vocabulary is not self._announced:
            line = to_json({"schema": SCHEMA, **self._asked()}) + "\n" + line
        self._append(line)
        self._announced = vocabulary


class Table(ResultWriter):
    """One detection a row. The first row decides which columns there are besides ours."""

    def _begin(self) -> None:
        self._columns: list[str] = []

    def _add(self, frame: VideoFrame, found: list[dict[str, Any]]) -> None:
        rows = [_flat(frame, record) for record in found]
        if not rows:
            return
        columns = self._columns or [*COLUMNS, *(name for name in rows[0] if name not in COLUMNS)]
        text = _csv([[row.get(name) for name in columns] for row in rows])
        self._append(text if self._columns else _heading(columns) + text)
        self._columns = columns

    def _finish(self) -> None:
        if not self._columns:
            self._append(_heading(list(COLUMNS)))


def _heading(columns: list[str]) -> str:
    return "\ufeff" + _csv([columns])  # without this mark Excel reads Chinese in another encoding


def _flat(frame: VideoFrame, record: dict[str, Any]) -> dict[str, Any]:
    """A detection with the time and place of its frame."""
    own = {name: value for name, value in record.items() if name not in ("box", "data")}
    corners = dict(zip(("x1", "y1", "x2", "y2"), record["box"], strict=True))
    others = record.get("data", {}).items()
    plain = {name: to_json(value) if isinstance(value, list) else value for name, value in others}
    return {**plain, **place_record(frame), **own, **corners}


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


_WRITERS: tuple[type[ResultWriter], ...] = (JsonLines, Table, CocoResults)
"""Of `RESULTS`, in order."""
