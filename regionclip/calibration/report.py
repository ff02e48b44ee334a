"""Calibrations as text and as JSON (docs/formats.md, "Calibration reports")."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from regionclip.calibration.alarms import Alarm, Goal
from regionclip.calibration.empty import EmptyCalibration, FootageLength, LabelFinding
from regionclip.calibration.extremes import LEVEL
from regionclip.calibration.labelled import FOLDS, SPOKEN, LabelledCalibration
from regionclip.formats.tables import as_table
from regionclip.words.calibrated import table_of

SCHEMA = "regionclip.calibration/1"


def empty_table(found: EmptyCalibration, seen: FootageLength, goal: Goal) -> str:
    """The findings as lines of text."""
    unit = "frames" if goal.per == "frame" else "hours"
    hours = "" if seen.hours is None else f", {seen.hours:.3g} hours"
    columns = ("label", "status", "threshold", "seen", f"per {goal.per}", "95 % interval")
    lines = [
        f"{seen.frames} frames{hours}; asked for {goal.rate:g} false alarms per {goal.per} and label",
        as_table(columns, [_cells(finding) for finding in found.findings], indent=2),
    ]
    lines.append(f"all labels together: {found.together} alarms, {found.rate:.3g} per {goal.per}, on this same footage")
    if bounds := [finding for finding in found.findings if finding.status == "bound only"]:
        most = max(finding.needed for finding in bounds)
        count = f"{len(bounds)} labels are" if len(bounds) > 1 else "1 label is"
        lines.append(
            f"{count} not calibrated: {goal.rate:g} per {goal.per} needs at least {most:.4g} {unit} "
            f"of such footage, got {seen.amount(goal.per):.4g}. Such thresholds lie above all that was seen, or at "
            "--floor; with 95 % confidence each raises no more than its bound"
        )
    return "\n".join(lines)


def _cells(finding: LabelFinding) -> tuple[object, ...]:
    head = finding.label, finding.status, f"{finding.threshold:.4f}"
    if finding.status == "attribute":
        return *head, "", "", "left as it was: an attribute raises no alarm of its own"
    measured = *head, finding.alarms, f"{finding.rate:.3g}"
    if finding.status == "calibrated":
        return *measured, f"{finding.low:.3g} to {finding.high:.3g}"
    if finding.alarms and finding.threshold >= 1:
        return *measured, f"at most {finding.high:.3g}; it is sure of something on empty footage: no threshold helps"
    guess = "" if finding.estimate is None else f"; a fitted tail guesses {finding.estimate:.4f} for the rate asked for"
    return *measured, f"at most {finding.high:.3g}{guess}"


def labelled_table(found: LabelledCalibration, beta: float) -> str:
    """The fits as lines of text."""
    cells = []
    for fit in found.fits:
        figures, curve = "left as it was", ""
        if fit.status in ("fitted", "threshold only"):
            figures = f"{fit.f_before:.3f}, {fit.f_after:.3f}"
            curve = "" if fit.curve is None else f"slope {fit.curve.slope:.3f}, intercept {fit.curve.intercept:+.3f}"
        cells.append((fit.label, fit.status, fit.examples, f"{fit.threshold:.4f}", figures, curve))
    columns = ("label", "status", "boxes", "threshold", f"F{beta:g} before, after", "curve")
    lines = [as_table(columns, cells, indent=2)]
    lines.append(
        f"expected calibration error of {len(found.before.chances)} pairs that score {SPOKEN:g} or more: "
        f"{found.error_before} before, {found.error_after} after"
    )
    lines.append(f"figures after are of {FOLDS} folds: no picture is judged by what was fitted to it")
    return "\n".join(lines)


def empty_json(
    found: EmptyCalibration, seen: FootageLength, goal: Goal, alarm: Alarm, footage: Mapping[str, Any]
) -> bytes:
    """The report of a calibration on empty footage; `footage` says where it came from."""
    return _json(
        {
            "made_from": "empty footage",
            "goal": {"false_alarms": goal.rate, "per": goal.per, "of": "each label"},
            "alarm": asdict(alarm) if goal.per == "hour" else "each frame that passes",
            "footage": {**footage, "frames": seen.frames, "hours": seen.hours},
            "confidence": LEVEL,
            "measured_with": table_of(found.vocabulary.measured_with),
            "together": {"alarms": found.together, "rate": found.rate},
            "labels": [asdict(finding) for finding in found.findings],
        }
    )


def labelled_json(found: LabelledCalibration, beta: float, pictures: Mapping[str, Any]) -> bytes:
    """The report of a calibration on labelled pictures; `pictures` says where they came from."""
    return _json(
        {
            "made_from": "labelled pictures",
            "pictures": dict(pictures),
            "beta": beta,
            "folds": FOLDS,
            "confidence": LEVEL,
            "measured_with": table_of(found.vocabulary.measured_with),
            "calibration_error": {
                "pairs": len(found.before.chances),
                "of_score_at_least": SPOKEN,
                "before": asdict(found.error_before),
                "after": asdict(found.error_after),
            },
            "labels": [asdict(fit) | {"curve": table_of(fit.curve)} for fit in found.fits],
        }
    )


def _json(content: dict[str, Any]) -> bytes:
    document = {"schema": SCHEMA, "regionclip": version("regionclip"), **content}
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
