"""Given boxes come back as they were given."""

import numpy as np
import pytest
from candidates import FEATURES

from proposals.base import Proposer
from proposals.boxes import BoxesProposer

FRAME = np.zeros((4, 4, 3), np.uint8)


def test_boxes_come_back_in_order_invalid_ones_included() -> None:
    given = [[3.0, 1.0, 9.0, 4.0], [np.nan, 0.0, 1.0, 1.0], [5.0, 5.0, 2.0, 2.0]]
    proposer: Proposer = BoxesProposer(given)
    proposals = proposer(FRAME, FEATURES)
    np.testing.assert_array_equal(proposals.xyxy, np.array(given, np.float32))
    assert proposals.xyxy.dtype == proposals.objectness.dtype == np.float32
    assert proposals.objectness.tolist() == [1.0, 1.0, 1.0]
    assert not proposer.has_objectness


def test_given_objectness_means_something() -> None:
    proposer = BoxesProposer([[0, 0, 1, 1], [1, 1, 2, 2]], [0.25, 1])
    assert proposer(FRAME, FEATURES).objectness.tolist() == [0.25, 1.0]
    assert proposer.has_objectness


@pytest.mark.parametrize("empty", [[], np.zeros((0, 4)), np.zeros((0, 4), np.int64)])
def test_no_boxes_have_the_types_of_many(empty: list[list[float]]) -> None:
    proposals = BoxesProposer(empty)(FRAME, FEATURES)
    assert proposals.xyxy.shape == (0, 4)
    assert proposals.xyxy.dtype == proposals.objectness.dtype == np.float32
    assert BoxesProposer(empty, [])(FRAME, FEATURES).objectness.shape == (0,)


def test_neither_the_callers_array_nor_an_answer_changes_the_next_answer() -> None:
    given = np.array([[0.0, 0.0, 2.0, 2.0]], np.float32)
    proposer = BoxesProposer(given)
    given[:] = 7
    proposer(FRAME, FEATURES).xyxy[:] = 8
    assert proposer(FRAME, FEATURES).xyxy.tolist() == [[0.0, 0.0, 2.0, 2.0]]


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"shape \(N, 4\), got \(1, 5\)"):
        BoxesProposer([[0, 0, 1, 1, 0.5]])
    with pytest.raises(ValueError, match=r"shape \(N, 4\), got \(4,\)"):
        BoxesProposer([0, 0, 1, 1])
    with pytest.raises(ValueError, match="expected 1 objectness values"):
        BoxesProposer([[0, 0, 1, 1]], [0.5, 0.5])
    for wrong in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"objectness in 0\.\.1"):
            BoxesProposer([[0, 0, 1, 1]], [wrong])
