"""`eval presence`: is it said that something is there, where it is, and only there?

Of each image and class that the set says anything of, whether some row reaches the threshold. Most pairs are absent
ones, so their false alarms are what is counted: an image, and an hour of a camera whose frames these are. Matthews'
correlation of what is said with what is there weighs both kinds of error (MCC; Chicco & Jurman 2020,
doi:10.1186/s12864-019-6413-7).

pmF1 and cgF1 are formed as SAM 3 forms them (Carion et al. 2025, arXiv:2511.16719): F1 of boxes, counted over all pairs
that are present, averaged over COCO's ten IoU thresholds; cgF1 = 100 pmF1 MCC. Boxes stand in for masks and pairs of
set and class for its noun phrases, so figures compare with each other, not with SAM 3's.

Letters: n pairs, T IoU thresholds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regionclip.detector import Detector
from regionclip.evaluation.protocols.coco import said_of
from regionclip.evaluation.protocols.federated import Evaluated, judged
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Recorded, Row
from regionclip.evaluation.protocols.truth import TrueSet


def report(detector: Detector, truth: TrueSet, run: Recorded, threshold: float, fps: float | None) -> Report:
    """What reaches `threshold`, of all classes and of each; alarms an hour where images are `fps` frames a second."""
    rows = [row for row in judged(truth, run.rows) if row["score"] >= threshold]
    there, said, kind = _pairs(truth, rows)  # (n,) each
    hours = len(truth.images) / fps / 3600 if fps else None
    groups = {"all": np.ones(len(kind), bool)} | {each.en: kind == each.id for each in truth.categories}
    figures = [_figures(name, there[own], said[own], len(truth.images), hours) for name, own in groups.items()]
    f1, mcc = _positive_f1(truth, rows), figures[0]["MCC"]
    figures[0] |= {"pmF1": f1, "cgF1": None if f1 is None or mcc is None else 100 * f1 * mcc}
    notes = notes_of(detector.tower.card, run, *said_of(detector, truth, run), f"threshold {threshold:g}")
    return Report("presence", truth.title, notes, {"classes": figures[:1], "per class": figures[1:]}, run.header)


def _pairs(truth: TrueSet, rows: list[Row]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Of each image and judged class whether it is there, whether that is said, and the class."""
    found = {(row["image_id"], row["category_id"]) for row in rows}
    pairs = [
        (any(box.category == each.id for box in image.boxes), (image.id, each.id) in found, each.id)
        for image in truth.images
        for each in truth.categories
        if image.judges(each.id)
    ]
    there, said, kind = zip(*pairs, strict=True) if pairs else ((), (), ())
    return np.array(there, bool), np.array(said, bool), np.array(kind, int)


def _figures(
    name: str, there: NDArray[np.bool_], said: NDArray[np.bool_], images: int, hours: float | None
) -> dict[str, Any]:
    right, false = int((there & said).sum()), int((~there & said).sum())
    missed, quiet = int((there & ~said).sum()), int((~there & ~said).sum())
    spread = float(right + false) * (right + missed) * (quiet + false) * (quiet + missed)
    return {
        "class": name,
        "present": right + missed,
        "absent": false + quiet,
        "recall": right / (right + missed) if right + missed else None,
        "false alarms": false,
        "an image": false / images,
        "an hour": false / hours if hours else None,
        "MCC": (right * quiet - false * missed) / spread**0.5 if spread else None,
    }


def _positive_f1(truth: TrueSet, rows: list[Row]) -> float | None:
    """Mean over thresholds of F1 over all boxes of pairs that are present; None without any."""
    counts = np.zeros((3, 10))  # (right, false, missed) x (T,)
    for entry in Evaluated(truth, rows, None).images:
        if entry is None or not (true := np.array(entry["gtIgnore"]) == 0).any():
            continue
        matched, ignored = np.array(entry["dtMatches"]) > 0, np.array(entry["dtIgnore"], bool)  # (T, d) each
        missed = (np.array(entry["gtMatches"])[:, true] == 0).sum(1)  # (T,)
        counts += [(matched & ~ignored).sum(1), (~matched & ~ignored).sum(1), missed]
    right, false, missed = counts
    return float((2 * right / (2 * right + false + missed)).mean()) if counts.any() else None
