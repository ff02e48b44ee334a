"""Which rows come out: thresholds, exclusive groups, overlap, unknown, order."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from overlapping import BOXES, scenes
from torchvision.ops import box_iou

from heads.select import UNKNOWN, Rules, Selected, select

ALL = Rules(nms="none", max_detections=None)


def rows(selected: Selected) -> list[tuple[int, int]]:
    return list(zip(selected.region.tolist(), selected.label.tolist(), strict=True))


def picked(scores: list[list[float]], rules: Rules, *, groups: list[int] | None = None) -> list[tuple[int, int]]:
    values = torch.tensor(scores)
    return rows(
        select(
            BOXES[: len(scores)],
            values,
            rules,
            thresholds=torch.full((values.shape[1],), 0.3),
            groups=None if groups is None else torch.tensor(groups),
        )
    )


def test_rows_reach_their_own_labels_threshold_and_come_most_confident_first() -> None:
    scores = torch.tensor([[0.5, 0.2], [0.4, 0.9], [0.1, 0.3]])
    selected = select(BOXES, scores, ALL, thresholds=torch.tensor([0.45, 0.3], dtype=torch.float64))
    # float32 0.3 is a little above 0.3, so it reaches the threshold.
    assert rows(selected) == [(1, 1), (0, 0), (2, 1)]
    torch.testing.assert_close(selected.confidence, torch.tensor([0.9, 0.5, 0.3]))
    assert torch.equal(selected.score, selected.confidence)


def test_the_threshold_holds_for_the_confidence_that_is_printed() -> None:
    scores, objectness = torch.tensor([[0.64], [0.64], [0.64]]), torch.tensor([1.0, 0.25, 0.0])
    rules = replace(ALL, weight=0.5)
    selected = select(BOXES, scores, rules, thresholds=torch.tensor([0.39]), objectness=objectness)
    assert rows(selected) == [(0, 0), (1, 0)]
    torch.testing.assert_close(selected.confidence, torch.tensor([0.8, 0.4]))
    torch.testing.assert_close(selected.score, torch.tensor([0.64, 0.64]))
    assert rows(select(BOXES, scores, rules, thresholds=torch.tensor([0.41]), objectness=objectness)) == [(0, 0)]


TWO, THREE = Rules(nms="none", max_detections=2, unknown=True), Rules(nms="none", max_detections=3, unknown=True)
PAIR, FOUR = [0, 0, -1], [0, 0, -1, 1]
"""Groups: labels 0 and 1 are of one, label 3 of another."""


@pytest.mark.parametrize(
    ("scores", "rules", "groups", "expected"),
    [
        # equals come in order of region, then label
        ([[0.5, 0.5, 0.4], [0.5, 0.4, 0.5]], ALL, None, [(0, 0), (0, 1), (1, 0), (1, 2), (0, 2), (1, 1)]),
        # whose overlap suppresses
        ([[0.6, 0.0], [0.7, 0.5], [0.5, 0.0]], Rules(), None, [(1, 0), (1, 1), (2, 0)]),
        ([[0.6, 0.8], [0.7, 0.5], [0.5, 0.6]], Rules(nms="agnostic"), None, [(0, 1), (2, 1)]),
        ([[0.6, 0.0, 0.4], [0.0, 0.7, 0.0]], Rules(nms="group"), PAIR, [(1, 1), (0, 2)]),
        ([[0.6, 0.0, 0.4], [0.0, 0.7, 0.0]], Rules(nms="class"), PAIR, [(1, 1), (0, 0), (0, 2)]),
        ([[0.9, 0.0, 0.0], [0.0, 0.8, 0.7]], Rules(nms="group"), [0, 1, -1], [(0, 0), (1, 1), (1, 2)]),
        # an overlap just as large as allowed
        ([[0.6], [0.7]], Rules(iou=0.9), None, [(1, 0), (0, 0)]),
        ([[0.6], [0.7]], Rules(iou=0.89), None, [(1, 0)]),
        ([[0.6, 0.5]], Rules(nms="agnostic", iou=1.0), None, [(0, 0), (0, 1)]),
        # the best label of a group stays, of equals the first
        ([[0.8, 0.9, 0.7, 0.6]], ALL, FOUR, [(0, 1), (0, 2), (0, 3)]),
        ([[0.8, 0.8, 0.0, 0.0]], ALL, FOUR, [(0, 0)]),
        # the best labels that pass, and the most confident rows
        ([[0.9, 0.8, 0.8, 0.1], [0.1, 0.4, 0.1, 0.1]], replace(ALL, top_k=2), None, [(0, 0), (0, 1), (1, 1)]),
        ([[0.9, 0.8, 0.8], [0.1, 0.4, 0.1]], replace(ALL, top_k=9), None, [(0, 0), (0, 1), (0, 2), (1, 1)]),
        ([[0.5], [0.9], [0.7]], Rules(nms="none", max_detections=2), None, [(1, 0), (2, 0)]),
        # unknown rows suppress each other, and never take the place of named ones
        ([[0.2], [0.1], [0.4]], Rules(unknown=True), None, [(1, UNKNOWN), (2, 0)]),
        ([[0.8], [0.7]], Rules(unknown=True), None, [(0, 0)]),
        ([[0.4], [0.35], [0.0]], TWO, None, [(0, 0), (1, 0)]),
        ([[0.4], [0.35], [0.0]], THREE, None, [(2, UNKNOWN), (0, 0), (1, 0)]),
    ],
)
def test_which_rows_are_picked(
    scores: list[list[float]], rules: Rules, groups: list[int] | None, expected: list[tuple[int, int]]
) -> None:
    assert picked(scores, rules, groups=groups) == expected


def test_a_groups_second_best_does_not_step_in_for_a_best_below_its_threshold() -> None:
    selected = select(
        BOXES[:1],
        torch.tensor([[0.5, 0.45]]),
        ALL,
        thresholds=torch.tensor([0.6, 0.4]),
        groups=torch.tensor([0, 0]),
    )
    assert rows(selected) == []


def test_a_region_that_no_label_fits_comes_out_as_unknown_when_asked() -> None:
    scores = torch.tensor([[0.5, 0.0], [0.0, 0.9], [0.1, 0.2]])
    thresholds = torch.tensor([0.3, 0.3])
    assert rows(select(BOXES, scores, ALL, thresholds=thresholds)) == [(1, 1), (0, 0)]
    selected = select(BOXES, scores, replace(ALL, unknown=True), thresholds=thresholds)
    assert rows(selected) == [(1, 1), (2, UNKNOWN), (0, 0)]
    torch.testing.assert_close(selected.confidence, torch.tensor([0.9, 0.8, 0.5]))


def test_a_named_row_suppresses_an_unknown_one_and_never_the_other_way() -> None:
    # Region 1 is surer to be unknown (0.9) than region 0 is of its label (0.35), and overlaps it.
    scores = [[0.35], [0.1], [0.2]]
    for mode in ("class", "agnostic", "group"):
        assert picked(scores, Rules(nms=mode, unknown=True)) == [(2, UNKNOWN), (0, 0)]
    assert picked(scores, Rules(nms="none", unknown=True)) == [(1, UNKNOWN), (2, UNKNOWN), (0, 0)]


def test_invalid_regions_never_come_out() -> None:
    nan, inf = float("nan"), float("inf")
    boxes = torch.tensor(
        [[nan, 0, 5, 5], [0, 0, inf, 5], [5, 5, 1, 9], [3, 3, 3, 9], [0, 0, 9, 9], [20, 0, 29, 9]],
        dtype=torch.float32,
    )
    valid = torch.tensor([True, True, True, True, False, True])
    for score in (0.0, 0.9):
        for mode in ("class", "none"):
            selected = select(
                boxes,
                torch.full((6, 2), score),
                Rules(nms=mode, unknown=True),
                thresholds=torch.full((2,), 0.5),
                valid=valid,
            )
            assert set(selected.region.tolist()) == {5}


def test_unknown_is_weighed_with_objectness_like_a_score() -> None:
    rules = replace(ALL, unknown=True, weight=0.5)
    objectness = torch.tensor([0.25, 1.0, 0.81])
    selected = select(BOXES, torch.zeros(3, 1), rules, thresholds=torch.tensor([0.5]), objectness=objectness)
    assert rows(selected) == [(1, UNKNOWN), (2, UNKNOWN), (0, UNKNOWN)]
    torch.testing.assert_close(selected.confidence, torch.tensor([1.0, 0.9, 0.5]))
    torch.testing.assert_close(selected.score, torch.ones(3))


@pytest.mark.parametrize("mode", ["class", "agnostic", "group", "none"])
@pytest.mark.parametrize(("regions", "labels"), [(0, 3), (3, 0), (0, 0)])
def test_no_regions_or_no_labels_give_empty_rows_of_the_same_types(regions: int, labels: int, mode: str) -> None:
    for unknown in (False, True):
        selected = select(
            BOXES[:regions],
            torch.zeros(regions, labels),
            Rules(nms=mode, unknown=unknown, top_k=1),  # type: ignore[arg-type]
            thresholds=torch.full((labels,), 0.5),
            groups=torch.zeros(labels, dtype=torch.long),
        )
        assert selected.region.dtype == selected.label.dtype == torch.long
        assert selected.confidence.dtype == selected.score.dtype == torch.float32
        if not unknown:
            assert len(selected) == 0
        elif mode == "none":
            assert rows(selected) == [(region, UNKNOWN) for region in range(regions)]


@settings(max_examples=200, deadline=None)
@given(scenes(), st.sampled_from(["class", "agnostic"]), st.booleans())
def test_what_comes_out_is_what_one_would_pick_by_hand(
    scene: tuple[torch.Tensor, ...], mode: str, unknown: bool
) -> None:
    boxes, scores, thresholds, _ = scene
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)  # (N,)
    selected = select(boxes, scores, Rules(nms=mode, unknown=unknown), thresholds=thresholds)  # type: ignore[arg-type]
    overlap = box_iou(boxes.double(), boxes.double())
    fits = (scores >= thresholds) & (areas > 0)[:, None]

    # By hand: best first, each row unless a kept one of its kind overlaps it too much.
    kept: list[tuple[int, int]] = []
    candidates = [(n, c) for n in range(len(boxes)) for c in range(scores.shape[1]) if fits[n, c]]
    for n, c in sorted(candidates, key=lambda row: (-float(scores[row]), row)):
        if not any(overlap[n, m] > 0.5 and (mode == "agnostic" or c == d) for m, d in kept):
            kept.append((n, c))
    named = {n for n, _ in kept}
    unknown_rows: list[int] = []
    if unknown:
        unlabelled = [n for n in range(len(boxes)) if areas[n] > 0 and not fits[n].any()]
        for n in sorted(unlabelled, key=lambda n: (float(scores[n].max()), n)):
            if not any(overlap[n, m] > 0.5 for m in [*named, *unknown_rows]):
                unknown_rows.append(n)
    assert sorted(rows(selected)) == sorted([*kept, *((n, UNKNOWN) for n in unknown_rows)])
    assert selected.confidence.tolist() == sorted(selected.confidence.tolist(), reverse=True)


def test_many_labels_on_a_large_frame_do_not_blur_the_overlap() -> None:
    # The same two boxes for each of 450 labels. Shifted apart by label in float32, sides of 10.02 and 5.02 pixels
    # would become 10 and 5, and their IoU of 0.501 the 0.5 that is allowed.
    boxes = torch.tensor([[7990.0, 5990.0, 8000.02, 6000.0], [7990.0, 5990.0, 7995.02, 6000.0]])
    assert 0.5 < float(box_iou(boxes[:1].double(), boxes[1:].double())) < 0.502
    scores = torch.tensor([[0.9], [0.8]]).expand(2, 450)
    selected = select(boxes, scores, Rules(max_detections=None), thresholds=torch.full((450,), 0.5))
    assert rows(selected) == [(0, label) for label in range(450)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nms": "classwise"}, "nms to be class, agnostic, group or none, got 'classwise'"),
        ({"iou": 1.5}, r"iou in 0\.\.1, got 1\.5"),
        ({"iou": float("nan")}, r"iou in 0\.\.1"),
        ({"weight": -0.1}, r"weight in 0\.\.1"),
        ({"top_k": 0}, "top_k of at least 1, or None"),
        ({"max_detections": 0}, "max_detections of at least 1"),
    ],
)
def test_rules_out_of_range_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(Rules(), **change)  # type: ignore[arg-type]


def test_arguments_that_do_not_fit_are_named() -> None:
    scores, thresholds = torch.zeros(3, 2), torch.zeros(2)
    with pytest.raises(ValueError, match=r"got \(2, 4\) and \(3, 2\)"):
        select(BOXES[:2], scores, ALL, thresholds=thresholds)
    with pytest.raises(ValueError, match="each of 2 labels"):
        select(BOXES, scores, ALL, thresholds=torch.zeros(3))
    with pytest.raises(ValueError, match=r"thresholds in 0\.\.1, got \[0\.5, 1\.5\]"):
        select(BOXES, scores, ALL, thresholds=torch.tensor([0.5, 1.5]))
    with pytest.raises(ValueError, match=r"objectness of shape \(3,\), got None"):
        select(BOXES, scores, replace(ALL, weight=0.5), thresholds=thresholds)
    with pytest.raises(ValueError, match=r"objectness of shape \(3,\), got \(2,\)"):
        select(BOXES, scores, replace(ALL, weight=0.5), thresholds=thresholds, objectness=torch.ones(2))
