"""Results of a video as one COCO file, which pycocotools reads."""

import os
import tempfile
from contextlib import suppress
from typing import Any, BinaryIO, cast

from regionclip.formats.growing import append
from regionclip.video.output.result_writer import ResultWriter, place_record, to_bytes, to_json
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary

_PART = 1 << 20
"""Bytes of images that are copied at once."""


class CocoResults(ResultWriter):
    """A frame is an image, a detection an annotation with `score` and `track_id`, a source a video.

    Annotations go to the file as they come, images to one without a name until the end, so that memory does not grow.
    Every entry ends with a comma, and the last comma is taken away: the file is right wherever Ctrl-C stops it.
    """

    _MODE = "w+b"

    def _begin(self) -> None:
        self._images = self._file  # closed with it where the next line fails
        folder = self._new.temporary.parent
        self._images = cast("BinaryIO", tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115
        self._categories: dict[str, dict[str, Any]] = {}
        self._videos: dict[str, int] = {}
        self._image = self._annotation = 0
        self.ask(self._vocabulary)
        info = {"description": "regionclip", **self._asked()}
        self._append(f'{{"info": {to_json(info)},\n"annotations": [\n')

    def ask(self, vocabulary: Vocabulary) -> None:
        """Add the labels that are new to the categories; a category keeps its number."""
        super().ask(vocabulary)
        for label in vocabulary:
            if not label.of:
                self._category(label.name, label.name_zh)

    def _add(self, frame: VideoFrame, found: list[dict[str, Any]]) -> None:
        height, width = frame.image.shape[:2]
        place = place_record(frame)
        self._image += 1
        image = {
            "id": self._image,
            "file_name": f"{place['source']}/{frame.index:06d}.jpg",
            "width": width,
            "height": height,
            "video_id": self._videos.setdefault(place["source"], len(self._videos) + 1),
            "frame_index": frame.index,
            "t_seconds": place["t_seconds"],
            "date_captured": place["utc"],
        }
        before = self._images.seek(0, os.SEEK_END)
        append(self._images, to_bytes(f"{to_json(image)},\n"))
        try:
            self._append("".join(f"{to_json(self._entry(record))},\n" for record in found))
        except OSError:
            self._images.truncate(before)
            raise

    def _entry(self, record: dict[str, Any]) -> dict[str, Any]:
        x1, y1, x2, y2 = record["box"]
        self._annotation += 1
        entry = {
            "id": self._annotation,
            "image_id": self._image,
            "category_id": self._category(record["label"]),
            "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
            "area": round((x2 - x1) * (y2 - y1), 2),
            "iscrowd": 0,
            "score": record["confidence"],
        }
        return entry | ({"track_id": record["tracker_id"]} if "tracker_id" in record else {})

    def _category(self, name: str, name_zh: str | None = None) -> int:
        new = {"id": len(self._categories) + 1, "name": name, "name_zh": name_zh}
        return int(self._categories.setdefault(name, new)["id"])

    def _finish(self) -> None:
        videos = [{"id": number, "name": name} for name, number in self._videos.items()]
        categories = list(self._categories.values())
        _drop_comma(self._file)
        append(self._file, b'],\n"images": [\n')
        self._images.seek(0)
        while part := self._images.read(_PART):
            append(self._file, part)
        _drop_comma(self._file)
        append(self._file, to_bytes(f'],\n"videos": {to_json(videos)},\n"categories": {to_json(categories)}}}\n'))

    def _close_file(self) -> None:
        with suppress(OSError):
            self._images.close()
        super()._close_file()

    def _salvage(self) -> None:
        self._new.discard()  # what is cut short is no JSON


def _drop_comma(file: BinaryIO) -> None:
    """Take away the comma and line end after the last of a list's entries; an empty list has none."""
    file.seek(-2, os.SEEK_END)
    if file.read(2) == b",\n":
        file.seek(-2, os.SEEK_END)
        file.truncate()
