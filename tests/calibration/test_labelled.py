"""Curves and thresholds from labelled pictures, on scores of planted slope and intercept."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from toy import planted, toy_detector

from regionclip.answers.regions import Regions
from regionclip.calibration.judged import Answered, TruePicture, answer, best_threshold, f_beta
from regionclip.calibration.labelled import calibrate_labelled, read_truths
from regionclip.calibration.platt import fit_platt
from regionclip.calibration.reliability import (
    BINS,
    ScoredPairs,
    diagram,
    error_with_interval,
    expected_calibration_error,
)
from regionclip.calibration.report import labelled_json, labelled_table
from regionclip.errors import BoxError
from regionclip.words.calibrated import Platt
from regionclip.words.vocabulary import Label, Vocabulary

WORDS = Vocabulary(["red", "blue"])


detector = partial(toy_detector, 30)


def sigmoid(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-values)), float)


def planted_scores(
    rng: np.random.Generator, count: int, slope: float, intercept: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores, and answers that are right with chance `sigmoid(slope * logit(score) + intercept)`."""
    logits = rng.normal(-1, 2.5, count)
    return sigmoid(logits).astype(np.float32), rng.random(count) < sigmoid(slope * logits + intercept)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -1.0), (2.5, 2.0), (0.2, 0.5)])
def test_the_planted_curve_is_found(slope: float, intercept: float) -> None:
    curve = fit_platt(*planted_scores(np.random.default_rng(1), 40_000, slope, intercept))
    assert curve is not None
    assert curve.slope == pytest.approx(slope, rel=0.06)
    assert curve.intercept == pytest.approx(intercept, abs=0.08)


def test_no_curve_without_enough_of_both_or_where_scores_mislead() -> None:
    rng = np.random.default_rng(2)
    scores, answers = planted_scores(rng, 1000, 1.0, 0.0)
    assert fit_platt(scores, np.zeros(1000, np.bool_)) is None
    assert fit_platt(scores, np.arange(1000) < 9) is None
    assert fit_platt(1 - scores, answers) is None
    assert fit_platt(np.zeros(0, np.float32), np.zeros(0, np.bool_)) is None


def test_a_perfect_separation_stays_finite() -> None:
    """Softened answers keep the curve from becoming a step; saturated scores are no trouble."""
    scores = np.repeat(np.array([0.0, 1.0], np.float32), 50)
    curve = fit_platt(scores, scores > 0.5)
    assert curve is not None
    assert 0 < curve.slope < 1
    assert curve.intercept == pytest.approx(0, abs=1e-6)


def independent_error(chances: NDArray[Any], answers: NDArray[Any]) -> float:
    """The error computed another way: groups of one size, one by one."""
    order = np.argsort(chances, kind="stable")
    groups = np.array_split(order, BINS)
    return float(sum(abs(chances[g].sum() - answers[g].sum()) for g in groups if len(g)) / len(chances))


def test_the_error_is_that_of_another_computation() -> None:
    rng = np.random.default_rng(3)
    chances, answers = rng.random(BINS * 70), rng.random(BINS * 70) < 0.3
    pairs = ScoredPairs(chances, answers, np.arange(len(chances)))
    assert expected_calibration_error(pairs) == pytest.approx(independent_error(chances, answers), abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200))
def test_the_error_of_anything_is_a_share(rows: list[tuple[float, bool]]) -> None:
    pairs = ScoredPairs(np.array([s for s, _ in rows]), np.array([a for _, a in rows]), np.zeros(len(rows), int))
    assert 0 <= expected_calibration_error(pairs) <= 1


def test_whole_pictures_are_drawn_anew() -> None:
    """Pairs of one picture agree with each other: five pictures know less than their thousand pairs seem to."""
    rng = np.random.default_rng(4)
    right = rng.random(40) < 0.5
    chances, answers = np.full(4000, 0.5), np.repeat(right, 100)
    together = error_with_interval(ScoredPairs(chances, answers, np.repeat(np.arange(40), 100)))
    apart = error_with_interval(ScoredPairs(chances, answers, np.arange(4000)))
    assert together.high - together.low > 2 * (apart.high - apart.low)
    nothing = error_with_interval(ScoredPairs(np.zeros(0), np.zeros(0, np.bool_), np.zeros(0, int)))
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30),
    st.integers(0, 5),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_no_threshold_is_better(rows: list[tuple[int, bool]], missed: int, beta: float) -> None:
    confidence, hits = np.array([v / 10 for v, _ in rows]), np.array([h for _, h in rows])
    examples = int(hits.sum()) + missed
    best = best_threshold(confidence, hits, examples, beta)
    if not hits.any():
        assert best is None
        return

    def value(threshold: float) -> float:
        high = confidence >= threshold
        precision, recall = hits[high].sum() / max(high.sum(), 1), hits[high].sum() / examples
        return float((1 + beta**2) * precision * recall / max(beta**2 * precision + recall, 1e-12))

    assert best is not None
    assert value(best) == pytest.approx(max(value(v) for v in confidence), abs=1e-9)
    high = confidence >= best
    counts = np.array([hits[high].sum(), high.sum()], float)
    assert value(best) == pytest.approx(f_beta(counts, examples, beta), abs=1e-9)


def made_answers(rng: np.random.Generator, pictures: int, slope: float, intercept: float) -> list[Answered]:
    """Pictures of 40 given regions whose label "red" is right as planted; "blue" is never shown."""
    made = []
    for _ in range(pictures):
        scores, right = planted_scores(rng, 40, slope, intercept)
        corners = np.arange(40, dtype=np.float32)[:, None] * 20
        boxes = np.concatenate([corners, corners, corners + 10, corners + 10], axis=1)
        regions = Regions(
            boxes, np.ones(40, np.float32), np.zeros((40, 0), np.float32), np.ones(40, np.bool_), (900, 900), "toy-1"
        )
        truth = TruePicture("unused.jpg", boxes, np.where(right, 0, -1))
        both = np.stack([scores, np.full(40, 0.01, np.float32)], axis=1)
        made.append(Answered(regions, both, np.stack([right, np.zeros(40, np.bool_)], axis=1), truth))
    return made


def test_a_planted_miscalibration_is_taken_away() -> None:
    answered = made_answers(np.random.default_rng(5), 60, 0.5, -1.5)
    found = calibrate_labelled(detector(), WORDS, answered)
    red, blue = found.fits
    assert red.curve is not None
    assert (red.status, blue.status) == ("fitted", "no examples")
    assert red.curve.slope == pytest.approx(0.5, rel=0.2)
    assert red.curve.intercept == pytest.approx(-1.5, rel=0.2)
    assert found.error_before.value > 0.2
    assert found.error_after.value < 0.06
    assert found.error_after.high < found.error_before.low
    assert red.f_after > red.f_before
    assert (blue.curve, blue.threshold) == (None, 0.5)
    assert next(iter(found.vocabulary)).calibration == red.curve
    assert found.vocabulary.measured_with == detector().scorer.conditions(given=True)
    again = calibrate_labelled(detector(), found.vocabulary, answered)  # old curves are not fitted upon
    assert again.fits[0].curve == red.curve
    assert list(found.vocabulary)[1] == list(WORDS)[1]  # without examples it is left as it was
    text = labelled_table(found, 1.0)
    assert "no examples" in text
    assert "before" in text
    assert b"calibration_error" in labelled_json(found, 1.0, {"annotations": "a.json"})
    assert diagram({"before": found.before, "after": found.after}, "red").startswith(b"\x89PNG")


def test_attributes_and_labels_without_examples_are_left_as_they_were() -> None:
    curved = Label("blue", threshold=0.4, calibration=Platt(slope=0.5, intercept=0.1))
    words = Vocabulary(["red", curved, Label("striped", of="red")])
    made = [
        replace(
            each,
            scores=np.pad(each.scores, ((0, 0), (0, 1))),
            right=np.pad(each.right, ((0, 0), (0, 1))),
        )
        for each in made_answers(np.random.default_rng(5), 20, 0.5, -1.5)
    ]
    found = calibrate_labelled(detector(), words, made)
    assert [fit.status for fit in found.fits] == ["fitted", "no examples", "attribute"]
    assert list(found.vocabulary)[1:] == list(words)[1:]
    assert labelled_table(found, 1.0).count("left as it was") == 2


def test_a_score_that_says_what_it_is_stays_so() -> None:
    found = calibrate_labelled(detector(), WORDS, made_answers(np.random.default_rng(6), 60, 1.0, 0.0))
    assert found.error_before.low < 0.03
    assert found.error_after.value < found.error_before.value + 0.02


def pictures(folder: Path, count: int) -> Path:
    """A COCO file of frames with a red and a blue square, and a green one that no label names."""
    rng = np.random.default_rng(0)
    notes: dict[str, list[dict[str, Any]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 5, "name": "RED"}, {"id": 6, "name": "thing"}, {"id": 7, "name": "azure"}],
    }
    for number in range(count):
        x = int(rng.integers(0, 3)) * 32
        squares = {"red": (x, 0, x + 64, 64), "blue": (128, 64, 192, 128), "green": (0, 64, 64, 128)}
        cv2.imwrite(str(folder / f"{number}.png"), planted(128, 192, **squares))
        notes["images"].append({"id": number, "file_name": f"{number}.png"})
        for category, (x1, y1, x2, y2) in zip((5, 7, 6), squares.values(), strict=True):
            notes["annotations"].append(
                {
                    "image_id": number,
                    "category_id": category,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "id": len(notes["annotations"]),
                }
            )
    path = folder / "notes.json"
    path.write_text(json.dumps(notes))
    return path


@pytest.mark.parametrize("true_boxes", [True, False])
def test_pictures_are_read_and_answered(tmp_path: Path, true_boxes: bool) -> None:
    words = Vocabulary(["red", Label("blue", ["blue", "azure"])])
    truths = read_truths(pictures(tmp_path, 12), tmp_path, words)
    assert [truth.labels.tolist() for truth in truths] == [[0, 1, -1]] * 12
    det = toy_detector(60)
    answered = [answer(det, words, truth, true_boxes=true_boxes) for truth in truths]
    if true_boxes:
        assert np.array_equal(answered[0].right, [[True, False], [False, True], [False, False]])
    found = calibrate_labelled(det, words, answered)
    red, blue = found.fits
    assert (red.examples, blue.examples) == (12, 12)
    assert red.f_after > 0.9
    assert 0 < red.threshold < 1
    rows = det(truths[0].frame, found.vocabulary, boxes=truths[0].xyxy if true_boxes else None)
    assert set(np.asarray(rows.data["class_name"]).tolist()) == {"red", "blue"}


def test_what_cannot_be_calibrated(tmp_path: Path) -> None:
    words = Vocabulary(["giraffe"])
    truths = read_truths(pictures(tmp_path, 6), tmp_path, words)
    answered = [answer(detector(), words, truth) for truth in truths]
    with pytest.raises(BoxError, match="no true box is of a label"):
        calibrate_labelled(detector(), words, answered)
    with pytest.raises(BoxError, match="at least 5 pictures"):
        calibrate_labelled(detector(), words, answered[:4])


def test_pictures_without_boxes_and_without_regions() -> None:
    made = made_answers(np.random.default_rng(7), 20, 1.0, 0.0)
    none = np.zeros((0, 4), np.float32)
    empty = replace(
        made[0],
        regions=Regions(none, none[:, 0], none[:, :0], np.zeros(0, np.bool_), (9, 9), "toy-1"),
        scores=np.zeros((0, 2), np.float32),
        right=np.zeros((0, 2), np.bool_),
        truth=TruePicture("unused.jpg", none, np.zeros(0, int)),
    )
    found = calibrate_labelled(detector(), WORDS, [*made, empty])
    assert found.fits[0].curve == calibrate_labelled(detector(), WORDS, made).fits[0].curve
    assert isinstance(found.fits[0].curve, Platt)
