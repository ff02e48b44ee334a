"""Boxes from files: COCO JSON, or `{file: [[x1, y1, x2, y2], ...]}`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import supervision as sv

from regionclip.errors import BoxError
from regionclip.regions import check_boxes


class BoxFile:
    """Boxes of many pictures, found by file name.

    COCO boxes (x y width height) become corners here; `annotation_id` and, where known, `category` come along as
    columns, and `score` as confidence.

    Raises:
        BoxError: where the file is missing, is no JSON, or has neither layout.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BoxError(f"box file {path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise BoxError(f"box file {path} is not valid JSON: {error}") from error
        if not isinstance(content, dict):
            raise BoxError(
                f"box file {path}: expected COCO JSON or {{file: [[x1, y1, x2, y2], ...]}}, "
                f"got a {type(content).__name__}"
            )
        is_coco = "images" in content and "annotations" in content
        try:
            self._boxes = _from_coco(content) if is_coco else _from_mapping(content)
        except (KeyError, TypeError, AttributeError) as error:
            raise BoxError(f"box file {path}: an entry is not as expected in COCO JSON: {error!r}") from error
        except BoxError as error:
            raise BoxError(f"box file {path}: {error}") from error
        self._by_name: dict[str, list[str]] = {}
        for file in self._boxes:
            self._by_name.setdefault(PurePath(file).name, []).append(file)

    def of(self, image: str | Path) -> sv.Detections:
        """Boxes of a picture, by its path as written in the file, else by its bare name.

        Raises:
            BoxError: where the file has no entry for it, or several pictures of that name.
        """
        if str(image) in self._boxes:
            return self._boxes[str(image)]
        same = self._by_name.get(Path(image).name, [])
        fitting = [file for file in same if Path(image).as_posix().endswith("/" + PurePath(file).as_posix())]
        candidates = fitting if len(fitting) == 1 else same
        if len(candidates) == 1:
            return self._boxes[candidates[0]]
        found = f"several: {', '.join(same)}" if same else f"entries for {_few(list(self._boxes))}"
        raise BoxError(
            f"box file {self._path}: expected one entry for {image}, got {found}; a picture without boxes needs an "
            "entry with an empty list"
        )


def _from_mapping(content: Mapping[str, Any]) -> dict[str, sv.Detections]:
    found = {}
    for file, boxes in content.items():
        try:
            found[file] = sv.Detections(xyxy=check_boxes(boxes))
        except BoxError as error:
            raise BoxError(f"{file}: {error}") from error
    return found


def _from_coco(content: Mapping[str, Any]) -> dict[str, sv.Detections]:
    categories = {entry["id"]: entry.get("name", "") for entry in content.get("categories", [])}
    of_image: dict[Any, list[Mapping[str, Any]]] = {entry["id"]: [] for entry in content["images"]}
    for annotation in content["annotations"]:
        if annotation["image_id"] not in of_image:
            raise BoxError(
                f"annotation {annotation.get('id')} is of image {annotation['image_id']}, which is not listed"
            )
        of_image[annotation["image_id"]].append(annotation)
    return {entry["file_name"]: _coco_boxes(of_image[entry["id"]], categories) for entry in content["images"]}


def _coco_boxes(annotations: Sequence[Mapping[str, Any]], categories: Mapping[Any, str]) -> sv.Detections:
    xywh = check_boxes([annotation["bbox"] for annotation in annotations])  # (N, 4)
    scores = [annotation.get("score") for annotation in annotations]
    data: dict[str, Any] = {"annotation_id": np.array([annotation.get("id", -1) for annotation in annotations], int)}
    if categories:
        data["category"] = np.array([categories.get(entry.get("category_id"), "") for entry in annotations], np.str_)
    return sv.Detections(
        xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),  # (N, 4)
        confidence=None if None in scores or not scores else np.array(scores, np.float32),
        data=data,
    )


def _few(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
