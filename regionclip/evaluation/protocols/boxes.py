"""`eval boxes`: what a tower calls true boxes, among all classes of a set.

The protocol of FG-CLIP (`fgclip2/eval/coco_box_ddp.py` of 360CVGroup/FG-CLIP; paper arXiv:2510.10921): the whole image
in one pass, one embedding a true box, softmax over all classes, top-1 and top-5 over boxes. `PUBLISHED` holds the two
variants that figures were published for: 80 ImageNet templates, lower-cased, with the box text head, the dynamic patch
budget and crowd boxes; and BoxClass-CN, which asks in bare Chinese names. Lower case and text head are the tower's own.

What is true of a federated set beyond the annotated class is not asked: a box has one class here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regionclip.data.intervals import share
from regionclip.detector import Detector
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Recorded, Row, Watch, header_of, record
from regionclip.evaluation.protocols.truth import TrueBox, TrueImage, TrueSet, given_boxes
from regionclip.towers.base import ImageFeatures
from regionclip.words.vocabulary import Vocabulary

PUBLISHED: Mapping[str, tuple[list[str], str, bool]] = {
    "fgclip2": (["en"], "imagenet", True),
    "boxclass-cn": (["zh"], "none", True),
}
"""Languages of the names, templates, and whether crowd boxes are asked."""
TOP = 5
SIZES = (("small", 0.0, 32.0**2), ("medium", 32.0**2, 96.0**2), ("large", 96.0**2, float("inf")))
"""COCO's, by the area in pixels that the file states."""


def name(
    detector: Detector,
    truth: TrueSet,
    words: Mapping[str, Vocabulary],
    folder: Path,
    *,
    crowds: bool,
    watch: Watch,
) -> Recorded:
    """The best labels of all true boxes in each language.

    Args:
        detector: its config says how scores compare (`closed` is the softmax of the protocol).
        truth: the set.
        words: by language, a label for each class in the order of the set.
        folder: of the run.
        crowds: whether crowd boxes are asked too.
        watch: shows the progress.
    """
    ids = [each.id for each in truth.categories]

    def answer(features: ImageFeatures, image: TrueImage) -> list[Row]:
        boxes = _asked(image, crowds)
        regions = detector.regions(features, given_boxes(boxes))
        rows: list[Row] = []
        for language, vocabulary in words.items():
            scores = detector.scores(regions, vocabulary)  # (N, C)
            best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]  # (N, TOP)
            for place in np.flatnonzero(regions.valid):
                rows += [
                    {
                        "image_id": image.id,
                        "annotation_id": boxes[place].id,
                        "language": language,
                        "category_id": ids[label],
                        "bbox": list(boxes[place].xywh),
                        "score": round(float(scores[place, label]), 7),
                    }
                    for label in best[place]
                ]
        return rows

    header = header_of(detector, truth, "boxes", words, crowds=crowds)
    return record(detector, truth, folder, header, answer, watch)


def _asked(image: TrueImage, crowds: bool) -> list[TrueBox]:
    return [box for box in image.boxes if crowds or not box.crowd]


def report(detector: Detector, truth: TrueSet, run: Recorded) -> Report:
    """Top-1 and top-5 of what `name` wrote."""
    crowds = bool(run.header["crowds"])
    boxes = [(image.id, box) for image in truth.images for box in _asked(image, crowds)]
    languages = list(run.header["words"])
    ranks = np.stack([_ranks(boxes, run.rows, language) for language in languages])  # (languages, N)
    area = np.array([box.area for _, box in boxes])  # (N,)
    kind = np.array([box.category for _, box in boxes], int)  # (N,)
    groups = {"all": np.ones(len(boxes), bool)}
    groups |= {name: (area >= low) & (area < high) for name, low, high in SIZES}
    classes = {each.en: kind == each.id for each in truth.categories if (kind == each.id).any()}
    rows = [_row(name, ranks[:, chosen], languages) for name, chosen in groups.items()]
    per_class = [_row(name, ranks[:, chosen], languages) for name, chosen in classes.items()]
    rows.insert(1, _mean_over_classes(per_class, len(boxes)))
    chosen = {name: sets.get(name, "none") for name, sets in run.header["templates"].items()}
    templates = ", ".join(f"{name} {sentences}" for name, sentences in chosen.items())
    notes = notes_of(
        detector.tower.card,
        run,
        f"{len(boxes)} true boxes{' with crowds' * crowds}, {len(truth.categories)} classes, "
        f"mode {detector.config.mode}, templates: {templates}",
        _intervals(ranks, np.array([image for image, _ in boxes], int), languages),
    )
    return Report("boxes", truth.title, notes, {"boxes": rows, "per class": per_class}, run.header)


def _intervals(ranks: NDArray[np.int64], picture: NDArray[np.int64], languages: Sequence[str]) -> str:
    """Top-1 of each language with its interval, from ranks `(languages, N)` and the image `(N,)` of each box."""
    if not len(picture):
        return ""
    of_picture = [picture == each for each in np.unique(picture)]
    said = [
        f"{name} {share([own[each] == 0 for each in of_picture])}" for name, own in zip(languages, ranks, strict=True)
    ]
    return f"top-1 with 95 % interval over images: {', '.join(said)}"


def _ranks(boxes: Sequence[tuple[int, TrueBox]], rows: Sequence[Row], language: str) -> NDArray[np.int64]:
    """`(N,)`: at which place of its rows a box's class stands, from 0; `TOP` where it does not."""
    answers: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        if row["language"] == language:
            answers.setdefault((row["image_id"], row["annotation_id"]), []).append(row["category_id"])
    ranks = []
    for image, box in boxes:
        said = answers.get((image, box.id), [])
        ranks.append(said.index(box.category) if box.category in said else TOP)
    return np.array(ranks, int)


def _row(name: str, ranks: NDArray[np.int64], languages: Sequence[str]) -> dict[str, Any]:
    """Shares of boxes named rightly: ranks are `(languages, n)`."""
    count = ranks.shape[1]
    figures: dict[str, Any] = {"boxes": name, "count": count}
    for language, own in zip(languages, ranks, strict=True):
        for most in (1, TOP):
            figures[f"top-{most} {language}"] = float((own < most).mean()) if count else None
    if len(languages) == 2:
        figures["gap top-1"] = float((ranks[0] == 0).mean() - (ranks[1] == 0).mean()) if count else None
    return figures


def _mean_over_classes(per_class: Sequence[Mapping[str, Any]], count: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"boxes": "mean of classes", "count": count}
    names = [name for name in (per_class[0] if per_class else ()) if name not in figures]
    return figures | {name: float(np.mean([row[name] for row in per_class])) for name in names}
