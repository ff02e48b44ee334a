"""`eval coco` and `ovcoco`: average precision of what is found.

COCO (Lin et al. 2014, arXiv:1405.0312) as pycocotools computes it: at most 100 rows a class and image, ten IoU
thresholds. OV-COCO (Bansal et al. 2018, arXiv:1804.04340; generalised setting) asks all 65 classes of its split at once
and reports AP50 of the 17 novel and the 48 base ones. No tower here was trained on the base classes' boxes: base and
novel differ in their words alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from regionclip.detector import Detector
from regionclip.errors import PromptError
from regionclip.evaluation.protocols.federated import SIZES, Evaluated
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Answer, Recorded, Row, Watch, header_of, record
from regionclip.evaluation.protocols.truth import COCO, TrueImage, TrueSet, given_boxes
from regionclip.towers.base import ImageFeatures
from regionclip.words.vocabulary import Vocabulary

BoxesFrom = Literal["truth", "proposals"]
SETTINGS: dict[str, Any] = {"threshold": 0.0, "labels_per_region": 0, "unknown": False, "max_detections": 300}
"""Of a detector whose rows are ranked, not thresholded: every label of every box may come out, the best 300 do."""


def find(
    detector: Detector, truth: TrueSet, vocabulary: Vocabulary, folder: Path, *, boxes: BoxesFrom, watch: Watch
) -> Recorded:
    """Rows of all images: the classes of the set in boxes of the proposer, or in the true boxes without crowds.

    Args:
        detector: made with `SETTINGS`.
        truth: the set.
        vocabulary: a label for each class, in the order of the set.
        folder: of the run.
        boxes: whose.
        watch: shows the progress.
    """
    header = header_of(detector, truth, "find", {"words": vocabulary}, boxes=boxes)
    return record(detector, truth, folder, header, _finder(detector, truth, vocabulary, boxes), watch)


def _finder(detector: Detector, truth: TrueSet, vocabulary: Vocabulary, boxes: BoxesFrom) -> Answer:
    ids = [each.id for each in truth.categories]

    def answer(features: ImageFeatures, image: TrueImage) -> list[Row]:
        given = given_boxes([box for box in image.boxes if not box.crowd]) if boxes == "truth" else None
        found = detector.classify(detector.regions(features, given, words=vocabulary), vocabulary)
        confidence = [] if found.confidence is None else found.confidence.tolist()
        labels = [] if found.class_id is None else found.class_id.tolist()
        return [
            {
                "image_id": image.id,
                "category_id": ids[label],
                "bbox": [round(side, 3) for side in (x1, y1, x2 - x1, y2 - y1)],
                "score": round(score, 7),
            }
            for (x1, y1, x2, y2), score, label in zip(found.xyxy.tolist(), confidence, labels, strict=True)
        ]

    return answer


def report(detector: Detector, truth: TrueSet, run: Recorded) -> Report:
    """COCO's twelve figures but for recall of fewer than 100 rows, and AP of each class."""
    found = Evaluated(truth, run.rows)
    figures = {"AP": found.ap(), "AP50": found.ap(iou=0.5), "AP75": found.ap(iou=0.75)}
    figures |= {f"AP {size}": found.ap(size=size) for size in SIZES[1:]}
    figures |= {"AR@100": found.ar()} | {f"AR@100 {size}": found.ar(size=size) for size in SIZES[1:]}
    return Report(
        "coco",
        truth.title,
        notes_of(detector.tower.card, run, *said_of(detector, truth, run)),
        {"classes": [{"classes": "all", **figures}], "per class": per_class(truth, found)},
        run.header,
    )


def split_of(truth: TrueSet) -> dict[str, list[int]]:
    """Ids of the classes of OV-COCO's split, `base` and `novel`.

    Raises:
        PromptError: where the set lacks one of the 65.
    """
    try:
        return {part: [each.id for each in truth.named(names)] for part, names in COCO["ovcoco"].items()}
    except PromptError as error:
        raise PromptError(f"ovcoco: expected the 65 classes of its split (48 base, 17 novel): {error}") from error


def ov_report(detector: Detector, truth: TrueSet, run: Recorded) -> Report:
    """AP50 of novel, base and all classes, all asked together; the set has the classes of the split alone."""
    split, found = split_of(truth), Evaluated(truth, run.rows)
    parts = {"novel": split["novel"], "base": split["base"], "all": None}
    rows = [{"classes": name, "AP50": found.ap(ids, iou=0.5), "AP": found.ap(ids)} for name, ids in parts.items()]
    return Report(
        "ovcoco",
        truth.title,
        notes_of(detector.tower.card, run, *said_of(detector, truth, run)),
        {"classes": rows, "per class": per_class(truth, found)},
        run.header,
    )


def per_class(truth: TrueSet, found: Evaluated) -> list[dict[str, Any]]:
    """AP and AP50 of each class that has boxes, and how many."""
    count = {each.id: 0 for each in truth.categories}
    for image in truth.images:
        for box in image.boxes:
            count[box.category] += not box.crowd
    return [
        {"class": each.en, "boxes": count[each.id], "AP": found.ap([each.id]), "AP50": found.ap([each.id], iou=0.5)}
        for each in truth.categories
        if count[each.id]
    ]


def said_of(detector: Detector, truth: TrueSet, run: Recorded) -> Sequence[str]:
    """Lines on boxes, words and labels of the set."""
    boxes = "true boxes" if run.header["boxes"] == "truth" else f"boxes of {type(detector.proposer).__name__}"
    federated = "federated: rows of classes that an image was not looked through for are left out"
    return f"{boxes}, {len(truth.categories)} classes asked", federated if truth.is_federated else ""
