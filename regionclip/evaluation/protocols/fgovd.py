"""`eval fgovd`: which of some descriptions that differ in one attribute is a box's?

FG-OVD (Bianchi et al. 2024, arXiv:2311.17518) writes a description of each box and others in which an attribute is
another: colour, material, pattern, transparency. Its files are COCO's; the description is the box's class, the false
ones are `neg_category_ids` of the annotation. As FG-CLIP counts (`fgclip2/eval/fgovd_bbox_roi.py`), the true one must
have the highest cosine, ties in its favour; the hard, medium, easy and trivial sets are a file each.
"""

from pathlib import Path
from typing import Any

import numpy as np

from regionclip.data.intervals import share
from regionclip.detector import Detector
from regionclip.errors import BoxError
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Row, Watch, header_of, record
from regionclip.evaluation.protocols.truth import TrueImage, TrueSet, given_boxes
from regionclip.towers.base import ImageFeatures


def evaluate(detector: Detector, truth: TrueSet, folder: Path, watch: Watch) -> Report:
    """Ask each box with false descriptions for the true one.

    Raises:
        BoxError: where no box has any.
    """
    asked = {image.id: [box for box in image.boxes if box.false] for image in truth.images}
    if not any(asked.values()):
        raise BoxError(f"{truth.identity}: expected `neg_category_ids` of annotations, as FG-OVD has them, got none")
    texts = {each.id: each.en for each in truth.categories}

    def answer(features: ImageFeatures, image: TrueImage) -> list[Row]:
        boxes = asked[image.id]
        regions = detector.regions(features, given_boxes(boxes))
        rows = []
        for box, embedding, valid in zip(boxes, regions.embeddings, regions.valid, strict=True):
            choices = [box.category, *box.false]
            phrases = detector.scorer.phrases.encode([texts[each] for each in choices], "region").numpy()  # (P, D)
            cosines = phrases @ embedding  # (P,)
            best = int(cosines.argmax())  # the first of equals, and the true one is first
            if valid:
                said = {"category_id": choices[best], "bbox": list(box.xywh), "score": round(float(cosines[best]), 7)}
                rows.append({"image_id": image.id, "annotation_id": box.id, **said})
        return rows

    header = header_of(detector, truth, "fgovd", {}, texts=len(texts))
    run = record(detector, truth, folder, header, answer, watch)
    said = {(row["image_id"], row["annotation_id"]): row["category_id"] for row in run.rows}
    hits = [
        np.array([said.get((number, box.id)) == box.category for box in boxes])
        for number, boxes in asked.items()
        if boxes
    ]
    every = [box for boxes in asked.values() for box in boxes]
    figures: dict[str, Any] = {
        "boxes": "all",
        "count": len(every),
        "descriptions": float(np.mean([len(box.false) + 1 for box in every])),
        "top-1": share(hits).value,
        "by chance": float(np.mean([1 / (len(box.false) + 1) for box in every])),
    }
    notes = notes_of(detector.tower.card, run, f"top-1 with 95 % interval over images: {share(hits)}")
    return Report("fgovd", truth.title, notes, {"boxes": [figures]}, run.header)
