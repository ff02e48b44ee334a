"""`eval lvis` and `ovlvis`: average precision over more than a thousand classes, most of them rare.

Standard AP (Gupta et al. 2019, arXiv:1908.03195; `lvis-api`): the 300 best rows of an image. Fixed AP (Dave et al.
2021, arXiv:2102.01066, section 3): no limit an image but the 10,000 best rows of a class over the set, so that a class
is not pushed out of images by others. Frequencies r, c and f are the file's. OV-LVIS (Gu et al. 2021,
arXiv:2104.13921) calls the rare classes novel, all others base.
"""

from pathlib import Path
from typing import Any

from regionclip.detector import Detector
from regionclip.errors import BoxError
from regionclip.evaluation.protocols.coco import per_class, said_of
from regionclip.evaluation.protocols.federated import Evaluated, best_per_class, best_per_image
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Recorded
from regionclip.evaluation.protocols.truth import TrueSet

PER_IMAGE, PER_CLASS = 300, 10_000
LABELS = 100
"""Best labels of a box that may become rows: suppression among all 1,203 costs more than a tower pass on a GPU."""
_LONG = {"r": "rare", "c": "common", "f": "frequent"}


def check(truth: TrueSet, annotations: Path) -> None:
    """Make sure that the file says how frequent its classes are.

    Raises:
        BoxError: where it does not.
    """
    if wrong := [each.en for each in truth.categories if each.frequency not in _LONG]:
        raise BoxError(
            f"annotations {annotations}: expected `frequency` r, c or f of each category, none of {wrong[0]!r}"
        )


def report(detector: Detector, truth: TrueSet, run: Recorded, *, novel: bool = False) -> Report:
    """Standard and fixed AP of all classes and by frequency; `novel` by OV-LVIS's names in place of these."""
    standard = Evaluated(truth, best_per_image(run.rows, PER_IMAGE), None)
    fixed = Evaluated(truth, best_per_class(run.rows, PER_CLASS), None)
    parts = {name: [each.id for each in truth.categories if each.frequency == key] for key, name in _LONG.items()}
    if novel:
        parts = {"novel (rare)": parts["rare"], "base (common, frequent)": parts["common"] + parts["frequent"]}
    groups: dict[str, list[int] | None] = {"all": None, **parts}
    rows: list[dict[str, Any]] = [
        {"classes": name, "AP": standard.ap(ids), "AP50": standard.ap(ids, iou=0.5), "AP fixed": fixed.ap(ids)}
        for name, ids in groups.items()
    ]
    most = detector.config.max_detections
    return Report(
        "ovlvis" if novel else "lvis",
        truth.title,
        notes_of(
            detector.tower.card,
            run,
            *said_of(detector, truth, run),
            f"standard AP of {PER_IMAGE} rows an image; fixed AP of {PER_CLASS} rows a class; in the file {most} rows "
            f"an image at most, of the {LABELS} best labels of each box",
        ),
        {"classes": rows, "per class": per_class(truth, standard)},
        run.header,
    )
