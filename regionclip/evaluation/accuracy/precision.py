"""COCO average precision and recall of boxes, by pycocotools.

Letters: N true boxes, M found boxes, C labels.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from regionclip.data.intervals import Share, with_interval
from regionclip.data.overlaps import overlaps
from regionclip.scenes.language.phrases import KINDS
from regionclip.scenes.stage import SceneObject, boxes_of

_RESAMPLES = 100  # each is a run of pycocotools over all pictures
_TOP = 5  # labels of one box that go into the average precision

TrueBoxes = tuple[NDArray[np.float32], NDArray[np.int64]]
"""True boxes `(N, 4)` xyxy in frame pixels and their classes `(N,)`."""
FoundBoxes = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Found boxes `(M, 4)` and their confidence for each class `(M, C)`."""


def truth_of(objects: Sequence[SceneObject]) -> TrueBoxes:
    """Boxes and kinds of what a scene shows; the classes are `KINDS`."""
    return boxes_of(objects), np.array([KINDS.index(item.kind) for item in objects], np.int64)


@dataclass(frozen=True, slots=True)
class Precision:
    """COCO average precision over IoU .5 to .95, at .5 and at .75, with intervals over pictures."""

    ap: Share
    ap50: Share
    ap75: Share


def average_precision(truths: Sequence[TrueBoxes], found: Sequence[FoundBoxes], classes: Sequence[str]) -> Precision:
    """AP of all boxes and their five best labels; intervals from drawing whole pictures anew (bootstrap)."""
    annotations: list[dict[str, object]] = []
    rows: list[list[float]] = []
    for image, ((true_boxes, kinds), (boxes, scores)) in enumerate(zip(truths, found, strict=True), 1):
        for box, kind in zip(true_boxes, kinds, strict=True):
            wide, high = float(box[2] - box[0]), float(box[3] - box[1])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(kind) + 1,
                    "bbox": [float(box[0]), float(box[1]), wide, high],
                    "area": wide * high,
                    "iscrowd": 0,
                }
            )
        for box, row in zip(boxes, scores, strict=True):
            for kind in np.argsort(-row)[:_TOP]:
                rows.append([image, box[0], box[1], box[2] - box[0], box[3] - box[1], row[kind], kind + 1])
    if not rows or not annotations:
        return Precision(*(Share(0.0, 0.0, 0.0),) * 3)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        return _coco(annotations, np.array(rows, np.float64), len(truths), classes)


def covered(boxes: NDArray[np.float32], proposals: NDArray[np.float32], iou: float = 0.5) -> NDArray[np.bool_]:
    """`(N,)`: which true boxes a proposal overlaps by `iou` or more."""
    return np.asarray(overlaps(boxes, proposals).max(axis=1, initial=0) >= iou)


def _coco(
    annotations: list[dict[str, object]], rows: NDArray[np.float64], images: int, classes: Sequence[str]
) -> Precision:
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": i + 1} for i in range(images)],
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(classes)],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
    evaluation.params.areaRng, evaluation.params.areaRngLbl = evaluation.params.areaRng[:1], ["all"]
    evaluation.params.maxDets = evaluation.params.maxDets[-1:]  # recall of fewer boxes is not asked for
    evaluation.evaluate()
    matches = list(evaluation.evalImgs)  # by class, then by picture
    rng = np.random.default_rng(0)
    value = _of_pictures(evaluation, matches, np.arange(images))  # (3,)
    again = [_of_pictures(evaluation, matches, rng.integers(images, size=images)) for _ in range(_RESAMPLES)]
    return Precision(*(with_interval(*each) for each in zip(value, np.transpose(again), strict=True)))


def _of_pictures(evaluation: COCOeval, matches: list[object], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """AP over IoU .5 to .95, at .5 and at .75 of the drawn pictures; one may be drawn several times: `(3,)`."""
    images = len(evaluation.params.imgIds)
    classes = len(matches) // images
    evaluation.evalImgs = [matches[kind * images + image] for kind in range(classes) for image in drawn]
    evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0, -1]  # (IoU thresholds, recalls, classes)
    known = np.where(precision < 0, np.nan, precision)  # -1 marks a class that no drawn picture shows
    return np.array([np.nanmean(known), np.nanmean(known[0]), np.nanmean(known[5])])
