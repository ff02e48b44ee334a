"""Several proposers as one: best first, near repeats gone."""

import numpy as np
import pytest
from candidates import FEATURES
from numpy.typing import NDArray

from proposals.base import Proposals
from proposals.boxes import BoxesProposer
from proposals.grid import GridProposer
from proposals.union import UnionProposer

FRAME = np.zeros((300, 400, 3), np.uint8)

A, NEARLY_A, B = [0.0, 0.0, 100.0, 100.0], [0.0, 0.0, 100.0, 90.0], [200.0, 0.0, 300.0, 100.0]  # A, NEARLY_A: IoU 0.9


class Remembering(BoxesProposer):
    """Boxes that claim a memory."""

    has_memory = True


def proposed(union: UnionProposer, frame: NDArray[np.uint8] = FRAME) -> Proposals:
    return union(frame, FEATURES)


def test_the_surer_of_two_near_boxes_stays_and_the_surest_comes_first() -> None:
    union = UnionProposer(BoxesProposer([A, B], [0.4, 0.9]), BoxesProposer([NEARLY_A], [0.6]))
    proposals = proposed(union)
    assert proposals.xyxy.tolist() == [B, NEARLY_A]
    np.testing.assert_allclose(proposals.objectness, [0.9, 0.6], rtol=1e-6)


def test_of_equals_the_earlier_member_wins() -> None:
    assert proposed(UnionProposer(BoxesProposer([A]), BoxesProposer([NEARLY_A, B]))).xyxy.tolist() == [A, B]
    assert proposed(UnionProposer(BoxesProposer([NEARLY_A]), BoxesProposer([A]))).xyxy.tolist() == [NEARLY_A]


def test_a_hint_does_not_push_out_a_box_that_is_known_to_be_good() -> None:
    """A hint is a box whose objectness means nothing; it stays where nothing better is."""
    hints, good = BoxesProposer([A, B]), BoxesProposer([NEARLY_A], [0.4])
    proposals = proposed(UnionProposer(hints, good))
    assert proposals.xyxy.tolist() == [B, NEARLY_A]
    np.testing.assert_allclose(proposals.objectness, [1, 0.4], rtol=1e-6)


def test_iou_and_number_are_limits() -> None:
    members = BoxesProposer([A, B], [0.4, 0.9]), BoxesProposer([NEARLY_A], [0.6])
    assert proposed(UnionProposer(*members, iou=0.95)).xyxy.tolist() == [B, NEARLY_A, A]
    assert proposed(UnionProposer(*members, iou=0.95, max_proposals=2)).xyxy.tolist() == [B, NEARLY_A]


def test_windows_fill_the_places_that_given_boxes_leave() -> None:
    grid = GridProposer(max_proposals=50)
    proposals = proposed(UnionProposer(grid, BoxesProposer([A, B]), max_proposals=60))
    assert proposals.xyxy[:2].tolist() == [A, B]
    assert len(proposals) > 20


def test_boxes_without_area_are_left_out() -> None:
    boxes = [[np.nan, 0.0, 5.0, 5.0], [9.0, 9.0, 2.0, 12.0], B, [3.0, 3.0, 3.0, 9.0], [0.0, 0.0, np.inf, 5.0]]
    assert proposed(UnionProposer(BoxesProposer(boxes))).xyxy.tolist() == [B]


def test_memory_of_one_is_memory_and_objectness_of_one_is_not_objectness() -> None:
    plain, ranked, remembering = BoxesProposer([A]), BoxesProposer([B], [0.5]), Remembering([A], [0.5])
    assert not UnionProposer(plain, ranked).has_memory
    assert UnionProposer(plain, remembering).has_memory
    assert UnionProposer(ranked, remembering).has_objectness
    assert not UnionProposer(plain, ranked).has_objectness


def test_no_members_are_refused_and_members_without_boxes_are_not() -> None:
    with pytest.raises(ValueError, match="at least one proposer"):
        UnionProposer()
    assert proposed(UnionProposer(BoxesProposer([]), BoxesProposer([B]))).xyxy.tolist() == [B]
