"""`eval calibration`: are the scores that users get what they say?

Expected calibration error in equal-mass bins, and a reliability diagram (`regionclip.calibration.reliability` names the
sources), of the five best labels of each true box that score 0.05 or more. A box has one class here; every other label
counts as wrong.
"""

from collections.abc import Sequence

import numpy as np

from regionclip.calibration.labelled import SPOKEN
from regionclip.calibration.reliability import ScoredPairs, diagram, error_with_interval
from regionclip.detector import Detector
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Recorded, Row
from regionclip.evaluation.protocols.truth import TrueSet


def report(detector: Detector, truth: TrueSet, run: Recorded) -> tuple[Report, bytes]:
    """The error in each language of rows that `boxes.name` wrote, and the diagram as PNG."""
    own = {box.id: box.category for image in truth.images for box in image.boxes}
    series = {
        language: _pairs([row for row in run.rows if row["language"] == language and row["score"] >= SPOKEN], own)
        for language in run.header["words"]
    }
    rows = []
    for language, pairs in series.items():
        error, some = error_with_interval(pairs), len(pairs.chances) > 0
        figures = {
            "ECE": error.value,
            "low": error.low,
            "high": error.high,
            "mean score": pairs.chances.mean() if some else 0.0,
            "right": pairs.answers.mean() if some else 0.0,
        }
        rows.append(
            {
                "language": language,
                "pairs": len(pairs.chances),
                **{name: float(value) if some else None for name, value in figures.items()},
            }
        )
    notes = notes_of(detector.tower.card, run, f"scores of {SPOKEN:g} or more, mode {detector.config.mode}")
    return Report("calibration", truth.title, notes, {"language": rows}, run.header), diagram(series, truth.identity)


def _pairs(rows: Sequence[Row], own: dict[int, int]) -> ScoredPairs:
    return ScoredPairs(
        np.array([row["score"] for row in rows], np.float64),
        np.array([own[row["annotation_id"]] == row["category_id"] for row in rows], bool),
        np.array([row["image_id"] for row in rows], np.int64),
    )
