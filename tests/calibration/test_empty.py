"""Thresholds from empty footage, on series of known truth: the target is hit, and no more is said than is known."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_extremes import moving_maxima
from toy import planted, toy_detector

from regionclip.calibration.alarms import Alarm, Goal
from regionclip.calibration.empty import EmptyCalibration, FootageLength, LabelFinding, set_thresholds, watch
from regionclip.calibration.extremes import share_bounds
from regionclip.calibration.peaks import Peaks, confidences
from regionclip.calibration.report import empty_json, empty_table
from regionclip.errors import ConfigError
from regionclip.words.vocabulary import Label, Vocabulary

FRAMES = Alarm(0.0, np.inf)
INCIDENT = Alarm(gap=5.0, repeat=60.0)
WORDS = Vocabulary(["red", Label("blue", threshold=0.3)])


detector = partial(toy_detector, 20)


def peaks_of(*series: NDArray[Any], times: NDArray[Any] | None = None) -> Peaks:
    peaks = Peaks(len(series))
    for frame, row in enumerate(np.stack(series, axis=1).astype(np.float32)):
        peaks.add(float(frame) if times is None else float(times[frame]), row)
    return peaks


def calibrated(series: NDArray[Any], goal: Goal, seen: FootageLength | None = None, **more: Any) -> LabelFinding:  # noqa: ANN401
    times = None if seen is None else np.arange(len(series)) * seen.step
    found = set_thresholds(
        detector(),
        Vocabulary(["red"]),
        peaks_of(series, times=times),
        seen or FootageLength(len(series)),
        goal,
        more.pop("alarm", INCIDENT),
        **more,
    )
    return found.findings[0]


@pytest.mark.parametrize("rate", [0.005, 0.01])
def test_the_share_asked_for_is_hit(rate: float) -> None:
    """Beta(8, 2) scores: over many runs the true share is that asked for, and its interval holds it as stated."""
    rng = np.random.default_rng(5)
    reference = np.sort(rng.beta(8, 2, 1_000_000))
    truths: list[float] = []
    held = 0
    for _ in range(60):
        finding = calibrated(rng.beta(8, 2, 5000), Goal(rate, "frame"))
        assert finding.status == "calibrated"
        truth = 1 - float(np.searchsorted(reference, finding.threshold)) / len(reference)
        truths.append(truth)
        held += int(finding.low <= truth <= finding.high)
        assert finding.alarms == round(5000 * rate)
    assert np.mean(truths) == pytest.approx(rate, rel=0.05)
    assert 0.75 < np.median(np.array(truths) / rate) < 1.1  # the side of fewer alarms
    assert held / 60 > 0.9
    inside = np.mean((np.array(truths) > rate / 1.5) & (np.array(truths) < rate * 1.5))
    assert inside > 0.9


def test_incidents_and_not_frames_are_counted() -> None:
    """Bursts of 20 frames: counted frame by frame the threshold would be far too high."""
    rng = np.random.default_rng(2)
    series = moving_maxima(rng, 36_000, 20)
    series = series / (1 + series)
    seen = FootageLength(36_000, 10.0)  # one a second
    finding = calibrated(series, Goal(4.0, "hour"), seen)
    assert finding.status == "calibrated"
    assert 30 <= finding.alarms <= 40
    passing = int((series.astype(np.float32) >= finding.threshold).sum())
    assert passing > 10 * finding.alarms
    assert finding.effective_frames == pytest.approx(36_000 / 20, rel=0.5)
    assert finding.low < 4.0 < finding.high
    fresh = moving_maxima(rng, 360_000, 20)
    measured = INCIDENT.runs(np.flatnonzero(fresh / (1 + fresh) >= finding.threshold).astype(float))[1].sum() / 100
    assert finding.low <= measured <= finding.high


def test_clustered_frames_are_not_taken_for_independent_ones() -> None:
    """1 % of 5,000 frames are 50, but in bursts of 25 they are two events: nothing is calibrated on these."""
    series = moving_maxima(np.random.default_rng(4), 5000, 25)
    finding = calibrated(series / (1 + series), Goal(0.01, "frame"))
    assert finding.status == "bound only"
    assert finding.alarms == 0
    assert finding.effective_frames is not None
    assert finding.effective_frames < 1000
    assert finding.high > 5 * share_bounds(0, 5000)[1]
    assert finding.needed > 5000


def test_a_rate_beyond_the_footage_is_a_bound_and_never_called_calibrated() -> None:
    series = np.random.default_rng(6).beta(2, 8, 20_000)
    seen = FootageLength(20_000, 20_000 / 3600)
    finding = calibrated(series, Goal(0.1, "hour"), seen)
    assert finding.status == "bound only"
    assert finding.threshold >= 0.5  # what was in force, as nothing reached it
    assert (finding.alarms, finding.rate, finding.low) == (0, 0.0, 0.0)
    assert finding.high == pytest.approx(-np.log(0.05) / seen.amount("hour"), rel=0.7)
    assert finding.needed >= 100
    assert finding.estimate is not None
    assert float(series.max()) < finding.estimate <= 1
    high = calibrated(0.5 + series / 2, Goal(0.1, "hour"), seen)
    assert high.threshold > high.largest  # just above what was seen
    assert high.threshold == pytest.approx(high.largest, abs=1e-6)


def test_the_bound_holds() -> None:
    """Just above the largest of n: the true share is below the bound in 95 % of repetitions."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(200):
        finding = calibrated(0.5 + rng.random(500) / 2, Goal(1e-4, "frame"))
        held += 2 * (1 - finding.threshold) <= finding.high
    assert held / 200 > 0.92


def test_a_label_that_never_fires() -> None:
    finding = calibrated(np.zeros(3000), Goal(0.01, "frame"))
    assert (finding.status, finding.threshold, finding.largest) == ("bound only", 0.5, 0.0)
    assert finding.high == pytest.approx(1 - 0.05 ** (1 / 3000))
    assert finding.estimate is None


def test_a_label_that_always_fires_cannot_be_silenced_and_is_not_calibrated() -> None:
    seen = FootageLength(3600, 10.0)  # one in ten seconds
    sure = calibrated(np.ones(3600), Goal(2.0, "hour"), seen, alarm=Alarm(15.0, 60.0))
    assert (sure.status, sure.threshold) == ("bound only", 1.0)
    assert sure.rate == pytest.approx(60, rel=0.01)  # an alarm a minute, not one in all
    steady = calibrated(np.full(3600, 0.9), Goal(2.0, "hour"), seen, alarm=Alarm(15.0, 60.0))
    assert steady.status == "bound only"
    assert 0.9 < steady.threshold < 0.9001
    assert steady.alarms == 0


def test_one_frame() -> None:
    finding = calibrated(np.array([0.7]), Goal(0.01, "frame"))
    assert finding.status == "bound only"
    assert 0.7 < finding.threshold < 0.7001
    assert finding.high == pytest.approx(0.95)
    assert finding.effective_frames is None


def test_no_frames_and_no_clock_are_refused() -> None:
    with pytest.raises(ConfigError, match="no frames"):
        set_thresholds(detector(), WORDS, Peaks(2), FootageLength(0), Goal(0.01, "frame"), INCIDENT)
    with pytest.raises(ConfigError, match="no times"):
        set_thresholds(detector(), WORDS, peaks_of(*np.zeros((2, 3))), FootageLength(3), Goal(1.0, "hour"), INCIDENT)


@pytest.mark.parametrize(("rate", "per"), [(0.0, "hour"), (-1.0, "hour"), (float("inf"), "hour"), (1.0, "frame")])
def test_rates_that_cannot_be(rate: float, per: Any) -> None:  # noqa: ANN401
    with pytest.raises(ConfigError, match="alarms per"):
        Goal(rate, per)


def test_no_labels() -> None:
    peaks = Peaks(0)
    for frame in range(3):
        peaks.add(frame, np.zeros(0, np.float32))
    found = set_thresholds(detector(), Vocabulary(), peaks, FootageLength(3), Goal(0.1, "frame"), INCIDENT)
    assert found.findings == ()
    assert found.together == 0


def test_the_floor_holds() -> None:
    series = np.random.default_rng(1).random(5000) / 10
    free = calibrated(series, Goal(0.01, "frame"))
    assert (free.status, free.alarms) == ("calibrated", 50)
    assert free.threshold < 0.1
    few = calibrated(series, Goal(0.01, "frame"), floor=0.0999)  # still reached, by fewer than a rate is told from
    assert (few.status, few.threshold) == ("bound only", 0.0999)
    assert 0 < few.alarms < 10
    assert few.high < 0.01
    none = calibrated(series, Goal(0.01, "frame"), floor=0.2)
    assert (none.status, none.threshold, none.alarms) == ("bound only", 0.2, 0)


def test_memory_stays_and_the_highest_stay_in_it() -> None:
    rng = np.random.default_rng(3)
    series = rng.random((2, 30_000)).astype(np.float32)
    small, large = Peaks(2, kept=500), Peaks(2)
    for frame in range(series.shape[1]):
        small.add(float(frame), series[:, frame])
        large.add(float(frame), series[:, frame])
    assert small.frames == 30_000
    for label in range(2):
        values, times = small.of(label)
        assert len(values) == 500
        assert np.array_equal(values, series[label][times.astype(int)])
        assert set(values.tolist()) == set(np.sort(series[label])[-500:].tolist())
        for allowed in (10, 300):
            assert FRAMES.lowest_level(*small.of(label), allowed) == FRAMES.lowest_level(*large.of(label), allowed)
    assert (FRAMES.lowest_level(*small.of(0), 10_000) or 0) >= (FRAMES.lowest_level(*large.of(0), 10_000) or 0)


def test_peaks_are_what_a_detection_would_have_to_beat() -> None:
    """Whatever comes out at a threshold has a peak that reaches it, in groups and with attributes too."""
    frame = planted(red=(0, 0, 64, 64), blue=(96, 32, 160, 96))
    words = Vocabulary(
        [Label("red", group="hue"), Label("blue", group="hue"), Label("green"), Label("grey", of="green")]
    )
    det = detector(labels_per_region=0, nms="none", threshold=0.0)
    regions = det.regions(frame)
    compared = confidences(det, regions, words)
    assert compared.shape == (len(regions), 4)
    assert not compared[:, 3].any()  # an attribute is no detection
    assert (np.minimum(compared[:, 0], compared[:, 1]) == 0).all()  # one of a group
    found = det.classify(regions, words)
    assert found.confidence is not None
    assert found.class_id is not None
    for label in range(3):
        rows = found.confidence[found.class_id == label]
        assert rows.max(initial=0.0) == compared[:, label].max(initial=0.0)


def test_footage_is_watched_and_a_new_vocabulary_made() -> None:
    shots = [(0.1 * index, planted(red=(0, 0, 64, 64)) if index == 7 else planted()) for index in range(40)]
    det = detector()
    peaks = watch(det, WORDS, shots)
    seen, goal = FootageLength(40, 4 / 3600), Goal(1.0, "hour")
    found = set_thresholds(det, WORDS, peaks, seen, goal, INCIDENT)
    red, blue = found.findings
    assert red.largest > 0.9 > blue.largest
    assert [label.threshold for label in found.vocabulary] == [red.threshold, blue.threshold]
    assert blue.threshold == 0.3  # its own threshold was in force
    assert found.vocabulary.measured_with == det.scorer.conditions()
    assert next(iter(WORDS)).threshold is None  # the old one is as it was
    assert len(det(planted(red=(0, 0, 64, 64)), found.vocabulary)) == 0
    assert found.together == 0
    text = empty_table(found, seen, goal)
    assert "bound only" in text
    assert "not calibrated" in text
    assert "10" in text.splitlines()[-1]  # hours that are needed
    assert b"regionclip.calibration/1" in empty_json(found, seen, goal, INCIDENT, {"sources": ["yard.mp4"]})


def test_attributes_are_left_as_they_are() -> None:
    words = Vocabulary(["red", Label("blue", of="red", threshold=0.7)])
    found: EmptyCalibration = set_thresholds(
        detector(),
        words,
        peaks_of(np.linspace(0, 1, 50), np.zeros(50)),
        FootageLength(50),
        Goal(0.01, "frame"),
        INCIDENT,
    )
    assert [finding.status for finding in found.findings] == ["bound only", "attribute"]
    assert list(found.vocabulary)[1].threshold == 0.7
