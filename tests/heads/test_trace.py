"""What selection writes down of its decisions is what it did, and writing changes nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from overlapping import BOXES, scenes
from torchvision.ops import box_iou

from heads.select import UNKNOWN, Rules, Selected, select
from heads.trace import Fate, Trace


def traced(scores: list[list[float]], rules: Rules, groups: list[int] | None = None) -> Trace:
    trace, values = Trace(), torch.tensor(scores)
    select(
        BOXES[: len(scores)],
        values,
        rules,
        thresholds=torch.full((values.shape[1],), 0.3),
        groups=None if groups is None else torch.tensor(groups),
        trace=trace,
    )
    return trace


def rival(trace: Trace, region: int, label: int) -> tuple[int, int]:
    return int(trace.rival_region[region, label]), int(trace.rival_label[region, label])


def test_each_rule_leaves_its_mark() -> None:
    trace = traced([[0.9, 0.5, 0.7, 0.2]], Rules(nms="none", top_k=1), groups=[0, 0, -1, -1])
    assert trace.fate.tolist() == [[Fate.KEPT, Fate.GROUP, Fate.TOP_K, Fate.THRESHOLD, Fate.NAMED]]
    assert rival(trace, 0, 1) == rival(trace, 0, 2) == (0, 0)
    assert rival(trace, 0, 3) == (-1, -1)


def test_a_loser_of_its_group_names_the_best_even_where_that_is_below_its_threshold() -> None:
    trace = traced([[0.1, 0.2]], Rules(), groups=[0, 0])
    assert trace.fate.tolist() == [[Fate.GROUP, Fate.THRESHOLD, Fate.OFF]]
    assert rival(trace, 0, 0) == (0, 1)


def test_suppression_names_the_row_and_the_overlap() -> None:
    trace = traced([[0.6, 0.0], [0.7, 0.5], [0.4, 0.0]], Rules(nms="agnostic"))
    assert trace.fate[:, 0].tolist() == [Fate.OVERLAP, Fate.KEPT, Fate.KEPT]
    assert rival(trace, 0, 0) == (1, 0)
    assert float(trace.iou[0, 0]) == pytest.approx(0.9)
    assert trace.fate[1, 1] == Fate.OVERLAP  # by the better label of its own region
    assert rival(trace, 1, 1) == (1, 0)
    assert float(trace.iou[1, 1]) == 1


def test_a_row_suppressed_by_a_suppressed_one_does_not_count() -> None:
    """Box 2 overlaps 1 only, and 1 goes because of 0: so 2 stays."""
    boxes = torch.tensor([[0.0, 0.0, 100.0, 100.0], [30.0, 0.0, 130.0, 100.0], [60.0, 0.0, 160.0, 100.0]])
    trace = Trace()
    scores = torch.tensor([[0.9], [0.8], [0.7]])
    select(boxes, scores, Rules(iou=0.5), thresholds=torch.tensor([0.3]), trace=trace)
    assert trace.fate[:, 0].tolist() == [Fate.KEPT, Fate.OVERLAP, Fate.KEPT]
    assert rival(trace, 1, 0) == (0, 0)


def test_too_many_rows() -> None:
    trace = traced([[0.5], [0.9], [0.7]], Rules(nms="none", max_detections=2))
    assert trace.fate[:, 0].tolist() == [Fate.MOST, Fate.KEPT, Fate.KEPT]


def test_unknown_is_the_last_column() -> None:
    trace = traced([[0.35], [0.1], [0.2]], Rules(unknown=True))
    assert trace.fate[:, UNKNOWN].tolist() == [Fate.NAMED, Fate.OVERLAP, Fate.KEPT]
    assert rival(trace, 1, UNKNOWN) == (0, 0)
    torch.testing.assert_close(trace.confidence[:, UNKNOWN], torch.tensor([0.65, 0.9, 0.8]))
    among = traced([[0.2], [0.1]], Rules(unknown=True))
    assert among.fate[:, UNKNOWN].tolist() == [Fate.OVERLAP, Fate.KEPT]
    assert rival(among, 0, UNKNOWN) == (1, UNKNOWN)
    full = traced([[0.4], [0.1], [0.2]], Rules(nms="none", unknown=True, max_detections=2))
    assert full.fate[:, UNKNOWN].tolist() == [Fate.NAMED, Fate.KEPT, Fate.MOST]


def test_boxes_without_area() -> None:
    boxes = torch.tensor([[5.0, 5.0, 5.0, 9.0], [0.0, 0.0, 9.0, 9.0]])
    trace = Trace()
    select(boxes, torch.ones(2, 1), Rules(unknown=True), thresholds=torch.tensor([0.5]), trace=trace)
    assert trace.fate.tolist() == [[Fate.INVALID] * 2, [Fate.KEPT, Fate.NAMED]]


@pytest.mark.parametrize(("regions", "labels"), [(0, 2), (2, 0), (0, 0)])
def test_nothing_has_the_shape_of_something(regions: int, labels: int) -> None:
    trace = Trace()
    scores, thresholds = torch.zeros(regions, labels), torch.zeros(labels)
    select(BOXES[:regions], scores, Rules(unknown=True, nms="none"), thresholds=thresholds, trace=trace)
    assert trace.fate.shape == trace.confidence.shape == trace.rival_region.shape == (regions, labels + 1)
    assert (trace.fate[:, UNKNOWN] == (Fate.NAMED if labels else Fate.KEPT)).all()


def category(label: int, groups: torch.Tensor, mode: str) -> int:
    if mode == "agnostic" or label == UNKNOWN:
        return 0
    return 100 + int(groups[label]) if mode == "group" and groups[label] >= 0 else label


@settings(max_examples=300, deadline=None)
@given(
    scenes(),
    st.sampled_from(["class", "agnostic", "group", "none"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
)
def test_every_reason_is_true(
    scene: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor],
    mode: str,
    top_k: int | None,
    most: int | None,
    unknown: bool,
) -> None:
    boxes, scores, thresholds, groups = scene
    rules = Rules(nms=mode, top_k=top_k, max_detections=most, unknown=unknown)  # type: ignore[arg-type]
    trace = Trace()
    plain = select(boxes, scores, rules, thresholds=thresholds, groups=groups)
    rows = select(boxes, scores, rules, thresholds=thresholds, groups=groups, trace=trace)
    assert_same(plain, rows)
    out = set(map(tuple, rows.pairs.tolist()))
    overlap = box_iou(boxes.double(), boxes.double())
    for n in range(len(boxes)):
        for c in [*range(scores.shape[1]), UNKNOWN]:
            fate, (m, d) = Fate(int(trace.fate[n, c])), rival(trace, n, c)
            own = float(trace.confidence[n, c])
            assert (fate == Fate.KEPT) == ((n, c) in out)
            if fate == Fate.THRESHOLD:
                assert own < float(thresholds[c])
            elif fate == Fate.GROUP:
                assert m == n
                assert groups[d] == groups[c]
                assert (float(scores[n, d]), -d) > (own, -c)
            elif fate == Fate.TOP_K:
                assert m == n
                assert (float(scores[n, d]), -d) > (own, -c)
            elif fate == Fate.OVERLAP:
                assert float(overlap[n, m]) > 0.5
                assert trace.iou[n, c] == pytest.approx(float(overlap[n, m]))
                assert trace.fate[m, d] in (Fate.KEPT, Fate.MOST)
                better = (float(trace.confidence[m, d]), -m, -d) > (own, -n, -c)
                assert better or (c == UNKNOWN and d != UNKNOWN)
                assert c == UNKNOWN or category(c, groups, mode) == category(d, groups, mode)
            elif fate == Fate.MOST:
                assert len(rows) == most
                named = rows.confidence[rows.label >= 0]
                assert c == UNKNOWN or own <= float(named.min())
            elif fate == Fate.INVALID:
                assert boxes[n, 0] == boxes[n, 2]
            elif fate != Fate.KEPT:
                assert c == UNKNOWN


def assert_same(first: Selected, second: Selected) -> None:
    assert first.pairs.tolist() == second.pairs.tolist()
    assert first.confidence.tolist() == second.confidence.tolist()
