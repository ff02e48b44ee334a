"""False alarms as promised? Thresholds from empty rendered scenes, measured on other empty scenes, and what they cost.

`regionclip eval alarms` prints the table. Scenes are independent of each other, so a frame is an alarm or not, and
counts are binomial. How scenes are made empty: `regionclip.evaluation.accuracy.alarm_scenes`.

Letters: C labels, F scenes, M true boxes.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from regionclip.calibration.alarms import Alarm, Goal
from regionclip.calibration.empty import FEWEST, FootageLength, LabelFinding, set_thresholds
from regionclip.calibration.extremes import share_bounds
from regionclip.calibration.peaks import Peaks
from regionclip.data.intervals import Share, share, with_interval
from regionclip.detector import Detector
from regionclip.evaluation.accuracy.alarm_scenes import AlarmPlan, ScenePeaks
from regionclip.formats.tables import as_table

SHARES = (0.01, 0.005)
"""Of frames, that thresholds are asked for."""

RARER = (0.001, 0.0001)
"""Of frames, for which the default footage is too short."""

FACTOR = 1.5
"""A measured rate is as promised where it is within this factor of what was asked for."""

_RESAMPLES = 1000
_CURVE = np.geomspace(0.002, 0.1, 12)
_LIMITS = (0.0015, 0.15)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label at one threshold.

    Attributes:
        finding: what calibration said.
        alarms: scenes of the test on which it passes.
        measured: their share, with an exact 95 % interval.
        kept: share of its true boxes that are still found.
    """

    finding: LabelFinding
    alarms: int
    measured: Share
    kept: Share


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """Figures of one rate that was asked for; None asks for no rate: the thresholds as they were.

    Attributes:
        asked: share of frames on which each label may pass.
        rows: of the labels.
        measured: mean of the labels' shares on the test, of those that are calibrated where a rate was asked for.
        any_label: share of scenes of the test on which some label passes.
        kept: share of all true boxes that are still found.
    """

    asked: float | None
    rows: tuple[LabelRow, ...]
    measured: Share
    any_label: Share
    kept: Share

    @property
    def as_promised(self) -> bool:
        """Whether the measured mean is within the factor of what was asked for."""
        return self.asked is not None and 1 / FACTOR <= self.measured.value / self.asked <= FACTOR


def evaluate_alarms(
    detector: Detector,
    plan: AlarmPlan,
    watched: ScenePeaks,
    rates: Sequence[float | None] = (None, *SHARES, *RARER),
) -> list[AlarmFigures]:
    """Calibrate for each rate on the one set of empty scenes, and measure on the other."""
    peaks = Peaks(len(plan.asked), kept=max(1, plan.calibrate))
    for frame, row in enumerate(watched.calibrate):
        peaks.add(float(frame), row)
    return [_figures(detector, plan, watched, peaks, rate) for rate in rates]


def _figures(
    detector: Detector, plan: AlarmPlan, watched: ScenePeaks, peaks: Peaks, rate: float | None
) -> AlarmFigures:
    words = plan.vocabulary
    goal = Goal(rate or SHARES[0], "frame")
    findings = set_thresholds(detector, words, peaks, FootageLength(peaks.frames), goal, Alarm(0.0, np.inf)).findings
    levels = detector.thresholds(words) if rate is None else np.array([each.threshold for each in findings])  # (C,)
    passed = watched.test.astype(float) >= levels  # (F, C)
    hits = watched.found.astype(float) >= levels[watched.labels]  # (M,)
    rows = tuple(
        LabelRow(
            finding=finding,
            alarms=int(passed[:, place].sum()),
            measured=_exact(int(passed[:, place].sum()), len(passed)),
            kept=_by_scene(hits, watched, watched.labels == place),
        )
        for place, finding in enumerate(findings)
    )
    counted = [place for place, finding in enumerate(findings) if rate is None or finding.status == "calibrated"]
    return AlarmFigures(
        asked=rate,
        rows=rows,
        measured=_mean(passed[:, counted]),
        any_label=_exact(int(passed.any(axis=1).sum()), len(passed)),
        kept=_by_scene(hits, watched, np.ones(len(hits), np.bool_)),
    )


def _exact(count: int, frames: int) -> Share:
    return Share(count / max(frames, 1), *share_bounds(count, frames))


def _mean(passed: NDArray[np.bool_]) -> Share:
    """Mean share over `(F, c)` scenes and labels; interval from drawing scenes anew, as labels may pass together."""
    if passed.size == 0:
        return Share(0.0, 0.0, 1.0)
    frames, labels = passed.shape
    tally = np.bincount(passed.sum(axis=1), minlength=labels + 1) / frames  # (c + 1,), scenes with so many labels
    drawn = np.random.default_rng(0).multinomial(frames, tally, size=_RESAMPLES) / frames  # (resamples, c + 1)
    means = drawn @ np.arange(labels + 1) / labels  # (resamples,)
    return with_interval(passed.mean(), means)


def _by_scene(hits: NDArray[np.bool_], watched: ScenePeaks, chosen: NDArray[np.bool_]) -> Share:
    scenes = watched.scenes[chosen]
    return (
        share([hits[chosen][scenes == scene] for scene in np.unique(scenes)]) if len(scenes) else Share(0.0, 0.0, 1.0)
    )


def table(figures: Sequence[AlarmFigures], plan: AlarmPlan) -> str:
    """The figures as lines of text."""
    lines = [
        f"{len(plan.asked)} labels asked for; thresholds from {plan.calibrate} empty scenes, measured on {plan.test} "
        f"others; {plan.targets} scenes with targets; 95 % intervals"
    ]
    for each in figures:
        lines += ["", *_block(each, plan)]
    return "\n".join(lines)


_COLUMNS = ("label", "threshold", "alarms", "share", "95 % interval", "recall", "")


def _block(figures: AlarmFigures, plan: AlarmPlan) -> list[str]:
    bounds = [row for row in figures.rows if row.finding.status == "bound only"]
    asked = figures.asked
    if asked is None:
        head = "thresholds as they were"
    elif len(bounds) == len(figures.rows):
        head = f"asked for {asked:.4%} of frames: no label is calibrated"
    else:
        ratio = figures.measured.value / asked
        verdict = "within" if figures.as_promised else "NOT within"
        head = (
            f"asked for {asked:.4%} of frames: {len(figures.rows) - len(bounds)} labels calibrated, measured "
            f"{figures.measured.value:.4%} [{figures.measured.low:.4%}, {figures.measured.high:.4%}], "
            f"{ratio:.2f} times, {verdict} a factor {FACTOR:g}"
        )
    lines = [
        head,
        f"  some label passes on {figures.any_label.value:.3%} of empty scenes; recall of targets {figures.kept}",
        as_table(_COLUMNS, [_row(row, asked) for row in figures.rows], indent=2),
    ]
    if asked is not None and bounds:
        needed = max(row.finding.needed for row in bounds)
        most = max(row.finding.high for row in bounds)
        lines.append(
            f"  {len(bounds)} labels not calibrated: {asked:.4%} needs at least {needed:,.0f} independent frames "
            f"({needed / 3600:,.1f} hours at one a second), got {plan.calibrate:,}. With 95 % confidence each passes "
            f"on at most {most:.4%} of frames"
        )
    return lines


def _row(row: LabelRow, asked: float | None) -> tuple[object, ...]:
    finding = row.finding
    level = finding.before if asked is None else finding.threshold
    interval = f"{row.measured.low:.3%} to {row.measured.high:.3%}"
    note = f"bound only: at most {finding.high:.3%}" if asked is not None and finding.status == "bound only" else ""
    share, recall = f"{row.measured.value:.3%}", f"{row.kept.value:.3f}"
    return finding.label, f"{level:.4f}", row.alarms, share, interval, recall, note


def draw(detector: Detector, plan: AlarmPlan, watched: ScenePeaks) -> bytes:
    """A PNG: the share of frames asked for against the share measured, and against the recall that is left."""
    rates = [float(rate) for rate in _CURVE if rate * plan.calibrate >= FEWEST]
    figures = evaluate_alarms(detector, plan, watched, rates)
    before = evaluate_alarms(detector, plan, watched, [None])[0]
    figure = Figure(figsize=(11, 5), dpi=110)
    left, right = figure.subplots(1, 2)
    _draw_rates(left, rates, figures)
    right.plot(rates, [each.kept.value for each in figures], "o-", color="tab:blue", label="calibrated thresholds")
    right.fill_between(
        rates, [each.kept.low for each in figures], [each.kept.high for each in figures], color="tab:blue", alpha=0.2
    )
    right.axhline(
        before.kept.value,
        color="0.4",
        linestyle="--",
        label=f"thresholds as they were (pass on {before.measured.value:.2%} of empty frames)",
    )
    right.set(xlabel="share of frames asked for, each label", ylabel="recall of targets")
    right.set(xlim=_LIMITS, ylim=(0, 1), xscale="log")
    right.grid(alpha=0.3)
    right.legend(loc="lower right", fontsize=9)
    figure.suptitle(f"Thresholds from {plan.calibrate:,} empty scenes, measured on {plan.test:,} others")
    figure.tight_layout()
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _draw_rates(axes: Axes, rates: Sequence[float], figures: Sequence[AlarmFigures]) -> None:
    across = np.array(rates)
    axes.fill_between(across, across / FACTOR, across * FACTOR, color="0.85", label=f"within a factor {FACTOR:g}")
    axes.plot(across, across, color="0.5", linewidth=1)
    dots = [
        (rate, row.measured.value)
        for rate, each in zip(rates, figures, strict=True)
        for row in each.rows
        if row.finding.status == "calibrated"
    ]
    if dots:
        axes.plot(*zip(*dots, strict=True), ".", color="tab:orange", alpha=0.6, label="each calibrated label")
    axes.plot(rates, [each.measured.value for each in figures], "o-", color="tab:blue", label="mean of these")
    axes.set(xlabel="share of frames asked for, each label", ylabel="share measured")
    axes.set(xlim=_LIMITS, ylim=_LIMITS, xscale="log", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=9)
