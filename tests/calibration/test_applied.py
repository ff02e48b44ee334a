"""What a calibrated vocabulary does in a detector: curves on scores, a warning elsewhere, files that come back."""

import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from toy import planted, toy_detector

from heads.classify import PIECE
from heads.platt import platt
from regionclip.errors import CalibrationWarning
from regionclip.words.calibrated import GIVEN_BOXES, Platt
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(0, 0, 64, 64), blue=(96, 32, 160, 96))
BOXES = [[0, 0, 64, 64], [96, 32, 160, 96], [0, 96, 64, 128], [5, 5, 5, 5]]
CURVE = Platt(slope=0.5, intercept=-1.0)
CURVED = Vocabulary([Label("red", calibration=CURVE), "blue"])


detector = partial(toy_detector, 20)


def through(scores: NDArray[Any], curve: Platt) -> NDArray[Any]:
    exact = scores.astype(float)
    return np.asarray(1 / (1 + np.exp(-(curve.slope * np.log(exact / (1 - exact)) + curve.intercept))))


def test_scores_and_detections_go_through_the_curve() -> None:
    det = detector(labels_per_region=0)
    regions = det.regions(FRAME, BOXES)
    plain, curved = det.scores(regions, ["red", "blue"]), det.scores(regions, CURVED)
    assert np.array_equal(curved[:, 1], plain[:, 1])  # bit for bit
    assert np.allclose(curved[:3, 0], through(plain[:3, 0], CURVE), atol=1e-6)
    assert curved[3, 0] == 0  # no area, no score
    found = det(FRAME, replace(CURVED, threshold=0.0), boxes=BOXES)
    assert found.confidence is not None
    red = np.asarray(found.data["class_name"]) == "red"
    assert np.allclose(np.sort(found.confidence[red]), np.sort(curved[:3, 0]))


def test_the_threshold_is_of_what_the_curve_gives() -> None:
    det = detector()
    regions = det.regions(FRAME, [BOXES[0]])
    value = float(det.scores(regions, CURVED)[0, 0])
    for threshold, count in ((value, 1), (float(np.nextafter(np.float32(value), np.float32(1))), 0)):
        words = [Label("red", calibration=CURVE, threshold=threshold)]
        assert len(det.classify(regions, words)) == count


def test_a_curve_depends_on_nothing_else_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.random((301, 83)).astype(np.float32))
    slopes = torch.from_numpy(rng.uniform(0.2, 3, 83))
    intercepts = torch.from_numpy(rng.normal(size=83))
    together = platt(scores, slopes, intercepts)
    assert scores.numel() > 2 * PIECE
    for rows, columns in ((slice(0, 1), slice(0, 1)), (slice(7, 50), slice(3, 20)), (slice(0, 301), slice(82, 83))):
        assert torch.equal(platt(scores[rows, columns], slopes[columns], intercepts[columns]), together[rows, columns])


@given(st.floats(0.05, 20), st.floats(-10, 10))
def test_a_curve_keeps_the_order_and_the_range(slope: float, intercept: float) -> None:
    scores = torch.cat([torch.linspace(0, 1, 501), torch.tensor([1e-30, 1 - 6e-8])]).float().sort().values
    slopes, intercepts = torch.tensor([slope], dtype=torch.float64), torch.tensor([intercept], dtype=torch.float64)
    values = platt(scores[:, None], slopes, intercepts)[:, 0]
    assert bool((values.diff() >= 0).all())
    assert values[0] == 0
    assert values[-1] == 1


def test_curves_of_wrong_shape_are_refused_and_none_is_fine() -> None:
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ValueError, match="C slopes"):
        platt(torch.zeros(3, 2), one, one)
    with pytest.raises(ValueError, match="above 0"):
        platt(torch.zeros(3, 1), -one, one)
    for shape in ((0, 1), (3, 0), (0, 0)):
        empty = torch.ones(shape[1], dtype=torch.float64)
        assert platt(torch.zeros(shape), empty, empty).shape == shape


def test_closed_scores_stay_as_they_are() -> None:
    det = detector(mode="closed")
    regions = det.regions(FRAME, BOXES)
    assert np.array_equal(det.scores(regions, CURVED), det.scores(regions, ["red", "blue"]))


def test_another_tower_or_setting_warns_and_the_same_does_not() -> None:
    det = detector()
    words = Vocabulary(["red"], measured_with=det.scorer.conditions())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        det(FRAME, words)
    with pytest.warns(CalibrationWarning, match="tower: toy-1, now toy-2"):
        detector(revision="toy-2")(FRAME, words)
    with pytest.warns(CalibrationWarning, match="objectness_weight: 0.7, now 0.2"):
        detector(objectness_weight=0.2)(FRAME, words)
    with pytest.warns(CalibrationWarning, match=f"proposer: GridProposer, now {GIVEN_BOXES}"):
        det(FRAME, words, boxes=BOXES)


def test_files_bring_it_back(tmp_path: Path) -> None:
    words = replace(CURVED, measured_with=detector().scorer.conditions(given=True))
    words.save(tmp_path / "v.toml")
    assert Vocabulary.load(tmp_path / "v.toml") == words
    assert "slope = 0.5" in (tmp_path / "v.toml").read_text()
