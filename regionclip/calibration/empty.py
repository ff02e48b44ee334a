"""Thresholds from footage without targets: everything that passes there is a false alarm.

For each label the lowest threshold is taken that gives no more alarms than asked for, where the footage is long enough
to tell; else one that nothing in the footage reaches, with the bound that this allows. docs/calibration.md says what is
promised.

Letters: C labels, T frames that are kept of a label.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regionclip.calibration.alarms import Alarm, Goal, Unit
from regionclip.calibration.extremes import Tail, count_bounds, dispersion, extremal_index, share_bounds
from regionclip.calibration.peaks import Peaks, frame_peaks
from regionclip.calibration.platt import logits
from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.frames import Frame
from regionclip.words.vocabulary import Vocabulary

FindingStatus = Literal["calibrated", "bound only", "attribute"]

FEWEST = 10
"""Independent alarms that the footage must hold at a threshold that is called calibrated: with ten, the 95 % interval
of their rate reaches from half to nearly twice the measured one."""

_FOR_CLUSTERS, _RARE = 100, 0.02
"""Alarms from which one learns how they cluster, and the share of frames up to which they are rare enough for that.
Where the threshold itself has fewer, it is those of a lower level, as clusters are larger there and not smaller."""

_FOR_TAIL = 60


@dataclass(frozen=True, slots=True)
class FootageLength:
    """How much footage there was.

    Attributes:
        frames: that were looked at, 1 or more.
        hours: they stand for; None without a clock.
    """

    frames: int
    hours: float | None = None

    def amount(self, unit: Unit) -> float:
        """Hours or frames."""
        if unit == "frame":
            return self.frames
        if self.hours is None or self.hours <= 0:
            raise ConfigError(
                "alarms per hour: the pictures have no times; give their frames a second, or ask per frame"
            )
        return self.hours

    @property
    def step(self) -> float:
        """Seconds between frames; 1 without a clock."""
        return 1.0 if self.hours is None else self.hours * 3600 / self.frames


@dataclass(frozen=True, slots=True)
class LabelFinding:
    """What the footage says of one label. Rates are alarms per unit of the goal.

    Attributes:
        label: its name.
        status: `calibrated`: the rate was measured on enough alarms. `bound only`: the footage is too short for the
            rate asked for, and all that is known is `high`. `attribute`: never a detection of its own; left as it was.
        threshold: the new one.
        before: the one in force until now.
        largest: highest confidence seen, 0 where there was none.
        alarms: that the footage gives at the new threshold.
        independent: how many independent ones they count as.
        rate: measured.
        low: of its 95 % interval.
        high: of its 95 % interval; where no alarm was seen, the bound that holds with 95 %.
        effective_frames: frames that count as independent at such values; None where too few values tell.
        needed: hours or frames of footage that the goal needs; at least, where `effective_frames` is None.
        estimate: the threshold at which the fitted tail would meet the goal. A guess about what was not seen.
    """

    label: str
    status: FindingStatus
    threshold: float
    before: float
    largest: float = 0.0
    alarms: int = 0
    independent: float = 0.0
    rate: float = 0.0
    low: float = 0.0
    high: float = 0.0
    effective_frames: float | None = None
    needed: float = 0.0
    estimate: float | None = None


@dataclass(frozen=True, slots=True)
class EmptyCalibration:
    """New thresholds and what is known of them.

    Attributes:
        vocabulary: with the thresholds.
        findings: one for each label, in order.
        together: alarms of all labels together at these thresholds, on this footage; one at a time counts once.
        rate: of these, per unit of the goal.
    """

    vocabulary: Vocabulary
    findings: tuple[LabelFinding, ...]
    together: int
    rate: float


def watch(
    detector: Detector, vocabulary: Vocabulary, shots: Iterable[tuple[float, Frame]], unit: Unit = "hour"
) -> Peaks:
    """Go through footage, one frame at a time; `shots` gives `(seconds, frame)`. Per frame, times are their numbers."""
    peaks = Peaks(len(vocabulary))
    for number, (seconds, frame) in enumerate(shots):
        time = seconds if unit == "hour" else float(number)
        peaks.add(time, frame_peaks(detector, detector.regions(frame, words=vocabulary), vocabulary))
    return peaks


def set_thresholds(
    detector: Detector,
    vocabulary: Vocabulary,
    peaks: Peaks,
    seen: FootageLength,
    goal: Goal,
    alarm: Alarm,
    floor: float = 0.0,
) -> EmptyCalibration:
    """Choose the thresholds of a vocabulary.

    Args:
        detector: that watched the footage.
        vocabulary: the labels it watched for.
        peaks: what it saw.
        seen: how much footage that was.
        goal: for each label.
        alarm: what counts as one; per frame, each frame that passes does.
        floor: no threshold is set lower.

    Raises:
        ConfigError: without frames, or per hour without a clock.
    """
    if peaks.frames == 0:
        raise ConfigError("calibrate: expected footage, got no frames")
    if goal.per == "frame":
        alarm, seen = Alarm(0.0, np.inf), FootageLength(seen.frames)
    before = detector.thresholds(vocabulary)  # (C,)
    findings: list[LabelFinding] = []
    passing: list[NDArray[np.float64]] = []
    for place, label in enumerate(vocabulary):
        if label.of:
            findings.append(LabelFinding(label.name, "attribute", before[place], before[place]))
            continue
        values, times = peaks.of(place)  # (T,), (T,)
        series = _Series(values[values > 0], times[values > 0], seen, goal, alarm)
        finding = series.finding(label.name, float(before[place]), floor)
        findings.append(finding)
        passing.append(times[values.astype(float) >= finding.threshold])
    together = int(alarm.runs(np.unique(np.concatenate([np.zeros(0), *passing])))[1].sum())
    labels = [
        label if label.of else replace(label, threshold=finding.threshold)
        for label, finding in zip(vocabulary, findings, strict=True)
    ]
    new = replace(vocabulary, labels=labels, measured_with=detector.scorer.conditions())
    return EmptyCalibration(new, tuple(findings), together, together / seen.amount(goal.per))


@dataclass(frozen=True, slots=True)
class _Series:
    """The peaks of one label, `(T,)` values above 0 and their `(T,)` rising times."""

    values: NDArray[np.float32]
    times: NDArray[np.float64]
    seen: FootageLength
    goal: Goal
    alarm: Alarm

    def finding(self, label: str, before: float, floor: float) -> LabelFinding:
        allowed = self.goal.rate * self.seen.amount(self.goal.per)
        enough = min(_FOR_CLUSTERS, int(_RARE * self.seen.frames))
        spread = self._spread(max(enough, int(allowed + 1e-9)))
        if allowed >= FEWEST:
            level = self.alarm.lowest_level(self.values, self.times, int(allowed + 1e-9))
            if level is not None and self._at(label, level, before, spread).independent >= FEWEST:
                found = self._at(label, max(level, floor), before, spread)
                return replace(found, status="calibrated" if found.independent >= FEWEST else "bound only")
        # What is reached by nothing; and no lower than what was in force, which the footage says nothing against.
        above = float(np.nextafter(np.float32(self.values.max(initial=0.0)), np.float32(2)))
        threshold = min(1.0, max(above, before, floor))
        return replace(self._at(label, threshold, before, spread), estimate=self._estimate())

    def _at(self, label: str, threshold: float, before: float, spread: tuple[float, float] | None) -> LabelFinding:
        """What is known of a threshold; `spread` as from `_spread`."""
        unit, amount = self.goal.per, self.seen.amount(self.goal.per)
        alarms = int(self.alarm.runs(self._passing(threshold))[1].sum())
        each, index = spread or (1.0, None)
        low, high = (
            share_bounds(alarms, self.seen.frames, each)
            if unit == "frame"
            else (bound / amount for bound in count_bounds(alarms, each))
        )
        return LabelFinding(
            label=label,
            status="bound only",
            threshold=threshold,
            before=before,
            largest=float(self.values.max(initial=0.0)),
            alarms=alarms,
            independent=alarms / each,
            rate=alarms / amount,
            low=low,
            high=high,
            effective_frames=None if index is None else self.seen.frames * index,
            needed=FEWEST * each / self.goal.rate,
        )

    def _passing(self, level: float) -> NDArray[np.float64]:
        return self.times[self.values.astype(float) >= level]

    def _spread(self, count: int) -> tuple[float, float] | None:
        """Dispersion of the highest `count` alarms and extremal index of their frames; None where too few tell."""
        level = self.alarm.lowest_level(self.values, self.times, count)
        passing = self.times[:0] if level is None else self._passing(level)
        starts, alarms = self.alarm.runs(passing)
        if alarms.sum() < FEWEST:
            return None
        step = self.seen.step
        return dispersion(starts / step, alarms), extremal_index(passing / step)

    def _estimate(self) -> float | None:
        """Where a generalised Pareto tail, fitted to the logits of the highest value of each run, meets the goal."""
        level = self.alarm.lowest_level(self.values, self.times, _FOR_TAIL)
        if level is None:
            return None
        high = self.values.astype(float) >= level
        run_of = self.alarm.run_of(self.times[high])
        tops = np.zeros(int(run_of.max()) + 1)
        np.maximum.at(tops, run_of, self.values[high])
        tail = Tail.fit(logits(tops), float(logits(np.array([level]))[0]))
        times = self.goal.rate * self.seen.amount(self.goal.per) / len(tops)
        if tail is None or times >= 1:
            return None
        return float(1 / (1 + np.exp(-tail.exceeded(times))))
