"""`eval errors`: what is wrong with each row, and what average precision each kind of error costs.

In the manner of TIDE (Bolya et al. 2020, arXiv:2008.08115): rows are matched with true boxes of their class at IoU 0.5,
the best first. A row that matches none is, in this order: `location` (a box of its class at IoU 0.1 to 0.5), `class` (a
box of another class at 0.5), `duplicate` (a box of its class at 0.5, which a better row has), `background` (no box at
0.1), else `both`. A true box that no row matches, nor a location or class error lies on, is `missed`. The cost is the
gain of AP50 when errors of one kind alone are mended: class and location errors become right where their box is free,
else they go; the others go; missed boxes are not asked for. Crowds, and classes an image was not looked through for,
count for nothing.

Letters: d rows and n true boxes of an image.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask

from regionclip.detector import Detector
from regionclip.evaluation.protocols.coco import said_of
from regionclip.evaluation.protocols.federated import judged
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Recorded, Row
from regionclip.evaluation.protocols.truth import TrueBox, TrueImage, TrueSet

KINDS = ("class", "location", "both", "duplicate", "background", "missed")
_NEAR, _FAR = 0.5, 0.1
_MOST = 100
"""Rows of a class and image that are judged, as in COCO."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and what it is: `right` or one of `KINDS`, and the true box it lies on; a missed box has no row."""

    image: int
    row: Row | None
    kind: str
    box: TrueBox | None


def judge(truth: TrueSet, rows: Sequence[Row]) -> list[Judged]:
    """What each row is, and which boxes are missed; rows that lie on crowds are left out."""
    of_image: defaultdict[int, list[Row]] = defaultdict(list)
    for row in sorted(judged(truth, rows), key=lambda each: -each["score"]):
        of_image[row["image_id"]].append(row)
    return [each for image in truth.images for each in _of_image(image, of_image[image.id])]


def _of_image(image: TrueImage, rows: Sequence[Row]) -> Iterator[Judged]:
    count: Counter[int] = Counter()
    rows = [row for row in rows if count.update([row["category_id"]]) or count[row["category_id"]] <= _MOST]
    boxes = sorted(image.boxes, key=lambda box: box.crowd)
    solid = sum(not box.crowd for box in boxes)  # n: crowds stand behind
    ious = _ious(rows, boxes)  # (d, n + crowds)
    same = np.array([[row["category_id"] == box.category for box in boxes] for row in rows], bool).reshape(ious.shape)
    taken = _match((ious * same)[:, :solid])  # (d,) the box of each row, -1 for none
    touched = set(taken.tolist())
    for place, row in enumerate(rows):
        if taken[place] >= 0:
            yield Judged(image.id, row, "right", boxes[taken[place]])
        elif row["category_id"] not in image.partial and (ious * same)[place, solid:].max(initial=0) < _NEAR:
            kind, near = _wrong(ious[place, :solid], same[place, :solid])
            touched |= {near} if kind in ("location", "class") else set()
            yield Judged(image.id, row, kind, None if near is None else boxes[near])
    for place, box in enumerate(boxes[:solid]):
        if place not in touched:
            yield Judged(image.id, None, "missed", box)


def _ious(rows: Sequence[Row], boxes: Sequence[TrueBox]) -> NDArray[np.float64]:
    """`(d, n)`: as COCO has it, the overlap with a crowd is the share of the row that lies in it."""
    if not rows or not boxes:
        return np.zeros((len(rows), len(boxes)))
    crowd = [int(box.crowd) for box in boxes]
    return np.asarray(mask.iou([row["bbox"] for row in rows], [list(box.xywh) for box in boxes], crowd), np.float64)


def _match(ious: NDArray[np.float64]) -> NDArray[np.int64]:
    """`(d,)`: the free box of the row's class that it overlaps most, by `_NEAR` or more; -1 for none."""
    free, taken = np.ones(ious.shape[1], bool), np.full(len(ious), -1)
    for place, row in enumerate(ious):
        if (row * free).max(initial=0) >= _NEAR:
            taken[place] = (row * free).argmax()
            free[taken[place]] = False
    return taken


def _wrong(ious: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[str, int | None]:
    """The kind of a row without a match, from its overlaps `(n,)`, and the box it lies on."""
    own, other = ious * same, ious * ~same  # (n,) each
    best, foreign = own.max(initial=0), other.max(initial=0)
    if _FAR <= best < _NEAR:
        return "location", int(own.argmax())
    if foreign >= _NEAR:
        return "class", int(other.argmax())
    if best >= _NEAR:
        return "duplicate", int(own.argmax())
    return ("background", None) if max(best, foreign) < _FAR else ("both", int(ious.argmax()))


def costs(truth: TrueSet, found: Sequence[Judged]) -> tuple[float | None, dict[str, float | None]]:
    """AP50, and by kind what it gains where the errors of that kind are mended."""
    base = _ap50(truth, found, None)
    mended = {kind: _ap50(truth, found, kind) for kind in KINDS}
    return base, {kind: None if base is None or value is None else value - base for kind, value in mended.items()}


def _ap50(truth: TrueSet, found: Sequence[Judged], mended: str | None) -> float | None:
    """Mean AP50, as COCO's at 101 recall levels, where errors of the kind `mended` are set right."""
    asked = Counter(box.category for image in truth.images for box in image.boxes if not box.crowd)
    taken = {each.box.id for each in found if each.kind == "right" and each.box}
    hits: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for each in sorted(found, key=lambda one: -one.row["score"] if one.row else 0.0):
        if each.row is None:
            assert each.box is not None
            asked[each.box.category] -= mended == "missed"
        elif each.kind != mended:
            hits[each.row["category_id"]].append((each.row["score"], each.kind == "right"))
        elif each.box is not None and mended in ("class", "location") and each.box.id not in taken:
            taken.add(each.box.id)
            hits[each.box.category].append((each.row["score"], True))
    values = [_average_precision(hits[kind], count) for kind, count in asked.items() if count > 0]
    return float(np.mean(values)) if values else None


def _average_precision(hits: Sequence[tuple[float, bool]], count: int) -> float:
    right = np.array([hit for _, hit in hits], float)  # in order of score
    recall, precision = right.cumsum() / count, right.cumsum() / np.arange(1, len(right) + 1)
    ceiling = np.maximum.accumulate(precision[::-1])[::-1] if len(right) else precision
    places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(ceiling, 0.0)[places].mean())


def report(detector: Detector, truth: TrueSet, run: Recorded, found: Sequence[Judged], threshold: float) -> Report:
    """How many errors of each kind reach the threshold, what all of a kind cost, and which classes are confused."""
    base, gains = costs(truth, found)
    shown = [each for each in found if each.row is None or each.row["score"] >= threshold]
    count = Counter(each.kind for each in shown)
    rows = [{"error": kind, "rows": count[kind], "dAP50": gains[kind]} for kind in KINDS]
    names = {each.id: each.en for each in truth.categories}
    pairs = Counter(
        (names[each.box.category], names[each.row["category_id"]])
        for each in shown
        if each.kind == "class" and each.row and each.box
    )
    confused: list[dict[str, Any]] = [
        {"true": true, "taken for": said, "rows": most} for (true, said), most in pairs.most_common(10)
    ]
    notes = notes_of(
        detector.tower.card,
        run,
        *said_of(detector, truth, run),
        f"AP50 {'-' if base is None else f'{base:.3f}'}; {count['right']} rows of {threshold:g} or more are right",
    )
    return Report("errors", truth.title, notes, {"error": rows, "true": confused}, run.header)
