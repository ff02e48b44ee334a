"""Average precision of rows, by pycocotools, with the rules of federated sets.

As LVIS has it (Gupta et al. 2019, arXiv:1908.03195, section 2.2; the reference is `lvis-api`): rows of classes that an
image was not looked through for are left out of it; where not all objects of a class are annotated, rows that match
none count neither way. On a set that is not federated this is COCO's own evaluation.

Letters: T IoU thresholds, R recall levels, K classes, A areas.
"""

import contextlib
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from regionclip.evaluation.protocols.rows import Row
from regionclip.evaluation.protocols.truth import TrueSet

SIZES = ("all", "small", "medium", "large")
"""COCO's areas: under 32 x 32 pixels, under 96 x 96, and more."""


class Evaluated:
    """Rows matched with truth at COCO's ten IoU thresholds.

    Args:
        truth: the set.
        rows: `image_id, category_id, bbox, score` each.
        most: rows of one class and image that count, the best first; None for all.

    Attributes:
        precision: `(T, R, K, A)`, -1 where a class has no boxes.
        recall: `(T, K, A)`.
        images: what pycocotools matched: an entry for each class and image, of all areas.
    """

    def __init__(self, truth: TrueSet, rows: Iterable[Row], most: int | None = 100) -> None:
        kept = judged(truth, rows)
        limit = most or max(1, len(kept))
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
            run = _Federated(truth, kept, limit)
            run.evaluate()
            run.accumulate()
        self.precision: NDArray[np.float64] = run.eval["precision"][..., -1]
        self.recall: NDArray[np.float64] = run.eval["recall"][..., -1]
        count = len(run.params.imgIds)  # entries stand by class, then by area, then by image
        starts = range(0, len(run.evalImgs), count * len(SIZES))
        self.images = [entry for start in starts for entry in run.evalImgs[start : start + count]]
        self._places = {each: place for place, each in enumerate(run.params.catIds)}

    def ap(self, ids: Sequence[int] | None = None, iou: float | None = None, size: str = "all") -> float | None:
        """Mean average precision of some classes (None for all), at one IoU or over all ten, of one size."""
        return self._mean(self.precision[..., SIZES.index(size)], ids, iou)

    def ar(self, ids: Sequence[int] | None = None, size: str = "all") -> float | None:
        """Mean recall over the thresholds."""
        return self._mean(self.recall[:, None, :, SIZES.index(size)], ids, None)

    def _mean(self, values: NDArray[np.float64], ids: Sequence[int] | None, iou: float | None) -> float | None:
        places = list(self._places.values()) if ids is None else [self._places[each] for each in ids]
        chosen = values[:, :, places] if iou is None else values[[round((iou - 0.5) / 0.05)]][:, :, places]
        known = chosen[chosen > -1]
        return float(known.mean()) if len(known) else None


def judged(truth: TrueSet, rows: Iterable[Row]) -> list[Row]:
    """The rows of which their image says whether they are right."""
    images, ids = {image.id: image for image in truth.images}, {each.id for each in truth.categories}
    return [row for row in rows if row["category_id"] in ids and images[row["image_id"]].judges(row["category_id"])]


def best_per_image(rows: Iterable[Row], most: int) -> list[Row]:
    """The `most` best rows of each image."""
    return _best(rows, "image_id", most)


def best_per_class(rows: Iterable[Row], most: int) -> list[Row]:
    """The `most` best rows of each class over all images."""
    return _best(rows, "category_id", most)


def _best(rows: Iterable[Row], key: str, most: int) -> list[Row]:
    groups: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return [row for group in groups.values() for row in sorted(group, key=lambda each: -each["score"])[:most]]


class _Federated(COCOeval):  # type: ignore[misc] # pycocotools has no types
    def __init__(self, truth: TrueSet, rows: Sequence[Row], most: int) -> None:
        # Numbered anew: pycocotools takes a match with the box of id 0, which some files have, for none.
        boxes = [
            {"id": place, "image_id": image.id, "category_id": box.category, "bbox": list(box.xywh), "area": box.area,
             "iscrowd": int(box.crowd)}
            for place, (image, box) in enumerate(((image, box) for image in truth.images for box in image.boxes), 1)
        ]  # fmt: skip
        found = [
            {"id": place, "image_id": row["image_id"], "category_id": row["category_id"], "bbox": row["bbox"],
             "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0, "score": row["score"]}
            for place, row in enumerate(rows, 1)
        ]  # fmt: skip
        super().__init__(_coco(truth, boxes), _coco(truth, found), "bbox")
        self.params.maxDets = [most]
        self._partial = {image.id: image.partial for image in truth.images}

    def evaluateImg(self, imgId: int, catId: int, aRng: list[float], maxDet: int) -> Any:  # noqa: N802, N803, ANN401
        found = super().evaluateImg(imgId, catId, aRng, maxDet)
        if found is not None and catId in self._partial[imgId]:
            found["dtIgnore"] = np.logical_or(found["dtIgnore"], found["dtMatches"] == 0)
        return found


def _coco(truth: TrueSet, annotations: list[dict[str, Any]]) -> COCO:
    made = COCO()
    made.dataset = {
        "images": [{"id": image.id} for image in truth.images],
        "categories": [{"id": each.id, "name": each.en} for each in truth.categories],
        "annotations": annotations,
    }
    made.createIndex()
    return made
