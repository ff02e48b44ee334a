"""Pictures with what was found in them, as a set to train any detector on (docs/datasets.md)."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import supervision as sv
from PIL import ExifTags, Image

from regionclip.drawing.sheet import Tile, around, contact_sheet
from regionclip.errors import FileError
from regionclip.formats.pictures import picture_suffix, write_picture
from regionclip.frames import Frame, read_frame
from regionclip.words.vocabulary import Vocabulary

DatasetFormat = Literal["coco", "yolo", "voc"]
_READ_EVERYWHERE = {".jpg", ".jpeg", ".png"}
_REVIEWED = 30
"""Things on a sheet for review."""


class AutoLabels:
    """Pictures and their rows, gathered; then written whole.

    Args:
        vocabulary: what was asked for: the classes are its labels without attributes, in order.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._classes = [vocabulary.names[place] for place in vocabulary.plain]
        self._place = {label: place for place, label in enumerate(vocabulary.plain)}
        self._found: dict[Path, sv.Detections] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, picture: Path, rows: sv.Detections) -> None:
        """Take what was found in a picture; also nothing. `unknown` is left out."""
        assert rows.class_id is not None
        self._found[picture] = rows[rows.class_id >= 0]  # type: ignore[assignment]

    def write(self, folder: Path, form: DatasetFormat) -> None:
        """Write pictures and annotations; the folder has its name once it is whole.

        Raises:
            FileError: where it cannot be written, or is there already with something in it.
        """
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - `.` has no name of its own
        part = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            (part / "images").mkdir(parents=True)
            names = {str(self._copy(picture, part / "images")): rows for picture, rows in self._found.items()}
            bare = {name: self._bare(rows) for name, rows in names.items()}
            _annotate(sv.DetectionDataset(self._classes, list(bare), bare), part, form)
            with suppress(FileNotFoundError):
                folder.rmdir()
            part.rename(folder)
        except OSError as error:
            raise FileError(f"{folder} cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def least_certain(self) -> list[tuple[float, Path, int]]:
        """Margin, picture and number of the rows with the smallest margins, the smallest first."""
        rows = [
            (float(found.data["margin"][row]), picture, row)
            for picture, found in self._found.items()
            for row in range(len(found))
        ]
        return sorted(rows)[:_REVIEWED]

    def doubtful(self) -> Frame:
        """A sheet `(H, W, 3)` of the least certain rows: those to look at first."""
        return contact_sheet({"": [self._tile(picture, row) for _, picture, row in self.least_certain()]})

    def _tile(self, picture: Path, row: int) -> Tile:
        found = self._found[picture]
        assert found.confidence is not None
        said = {name: found.data[name][row] for name in ("class_name", "margin", "runner_up")}
        sure = f"{found.confidence[row]:.2f}, margin {said['margin']:.2f}"
        rival = f"next: {said['runner_up']}" if said["runner_up"] else ""
        lines = filter(None, (str(said["class_name"]), sure, rival, picture.name))
        return Tile(around(read_frame(picture), found.xyxy[row].tolist()), tuple(lines))

    def _copy(self, picture: Path, folder: Path) -> Path:
        """The picture under a name that no other has, upright, as a format that everything reads."""
        with Image.open(picture) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        plain = picture.suffix.lower() in _READ_EVERYWHERE and not turned
        suffix = picture.suffix if plain else picture_suffix(picture)
        taken, stem, count = {path.stem.lower() for path in folder.iterdir()}, picture.stem, 1
        while stem.lower() in taken:
            count += 1
            stem = f"{picture.stem}-{count}"
        path = folder / f"{stem}{suffix}"
        if plain:
            shutil.copyfile(picture, path)
        else:
            write_picture(path, read_frame(picture))
        return path

    def _bare(self, rows: sv.Detections) -> sv.Detections:
        """Boxes and classes, all that these formats hold."""
        assert rows.class_id is not None
        ids = [self._place[int(label)] for label in rows.class_id]
        return sv.Detections(xyxy=rows.xyxy, class_id=np.array(ids, np.int64))


def _annotate(dataset: sv.DetectionDataset, folder: Path, form: DatasetFormat) -> None:
    if form == "coco":
        dataset.as_coco(annotations_path=str(folder / "annotations.json"))
    elif form == "voc":
        dataset.as_pascal_voc(annotations_directory_path=str(folder / "annotations"))
    else:
        file = folder / "data.yaml"
        dataset.as_yolo(annotations_directory_path=str(folder / "labels"), data_yaml_path=str(file))
        with file.open("a", encoding="utf-8") as text:
            text.write("train: images\nval: images\n")  # without these most trainers refuse it
