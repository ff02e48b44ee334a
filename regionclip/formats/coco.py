"""Boxes from files: COCO JSON, or `{file: [[x1, y1, x2, y2], ...]}`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from regionclip.boxes import GivenBoxes, check_boxes
from regionclip.errors import BoxError, few


class BoxFile:
    """Boxes of many pictures, found by file name.

    COCO boxes (x y width height) become corners here; `annotation_id` and, where known, `category` come along as
    columns, and `score` as objectness.

    Raises:
        BoxError: where the file is missing, is no JSON, or has neither layout.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            content = json.loads(self._path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise BoxError(f"box file {path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise BoxError(f"box file {path} is not valid JSON: {error}") from error
        if not isinstance(content, dict):
            raise BoxError(
                f"box file {path}: expected COCO JSON or {{file: [[x1, y1, x2, y2], ...]}}, "
                f"got a {type(content).__name__}"
            )
        try:
            is_coco = isinstance(content.get("images"), list) or "annotations" in content
            self._boxes = _from_coco(content) if is_coco else _from_mapping(content)
        except BoxError as error:
            raise BoxError(f"box file {path}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BoxError(f"box file {path}: an entry is not as expected in COCO JSON: {error!r}") from error

    def of(self, image: str | Path) -> GivenBoxes:
        """Boxes of a picture: the entry whose name is the picture's path, or the end of it.

        Raises:
            BoxError: where the file has no entry for it, or several.
        """
        if str(image) in self._boxes:
            return self._boxes[str(image)]
        parts = Path(image).absolute().parts
        fitting = [file for file in self._boxes if (end := PurePath(file).parts) and parts[-len(end) :] == end]
        if len(fitting) == 1:
            return self._boxes[fitting[0]]
        found = f"several: {', '.join(fitting)}" if fitting else f"entries for {few(self._boxes, 3)}"
        raise BoxError(
            f"box file {self._path}: expected one entry for {image}, got {found}; a picture without boxes needs an "
            "entry with an empty list"
        )


def _from_mapping(content: Mapping[str, Any]) -> dict[str, GivenBoxes]:
    found = {}
    for file, boxes in content.items():
        if not isinstance(boxes, list) or any(not isinstance(box, list) or len(box) != 4 for box in boxes):
            raise BoxError(f"{file}: expected a list of [x1, y1, x2, y2]")
        xyxy = check_boxes(boxes)  # (N, 4)
        found[file] = GivenBoxes(xyxy, np.ones(len(xyxy), np.float32))
    return found


def _from_coco(content: Mapping[str, Any]) -> dict[str, GivenBoxes]:
    if not isinstance(content.get("annotations"), list):
        raise BoxError("expected COCO JSON with a list of annotations beside its images, got none")
    categories = {entry["id"]: str(entry.get("name", "")) for entry in content.get("categories", [])}
    of_image: dict[Any, list[Mapping[str, Any]]] = {entry["id"]: [] for entry in content["images"]}
    for annotation in content["annotations"]:
        if annotation["image_id"] not in of_image:
            raise BoxError(
                f"annotation {annotation.get('id')} is of image {annotation['image_id']}, which is not listed"
            )
        of_image[annotation["image_id"]].append(annotation)
    found = {}
    for entry in content["images"]:
        file = str(entry["file_name"])
        if file in found:
            raise BoxError(f"{file} is listed twice among the images")
        found[file] = _coco_boxes(of_image[entry["id"]], categories)
    return found


def _coco_boxes(annotations: Sequence[Mapping[str, Any]], categories: Mapping[Any, str]) -> GivenBoxes:
    for annotation in annotations:
        if len(annotation["bbox"]) != 4:
            raise BoxError(f"annotation {annotation.get('id')}: expected a bbox of x y width height")
    xywh = check_boxes([annotation["bbox"] for annotation in annotations])  # (N, 4)
    ids = [annotation.get("id", -1) for annotation in annotations]
    data: dict[str, Any] = {"annotation_id": np.array(ids, int)}
    if categories:
        data["category"] = np.array([categories.get(entry.get("category_id"), "") for entry in annotations], np.str_)
    return GivenBoxes(
        xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),  # (N, 4)
        objectness=np.array([annotation.get("score", 1.0) for annotation in annotations], np.float32),
        data=data,
    )
