"""Proposers that stand beside others on a video: now and then, and where tracks were seen."""

import numpy as np
import pytest
import torch
from candidates import Looks
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.every import EveryProposer
from proposals.heatmap import HeatmapProposer
from proposals.tracked import TrackedProposer
from proposals.union import UnionProposer

FRAME, PIXELS = np.zeros((90, 160, 3), np.uint8), Looks((90, 160))


class One(Proposer):
    """Always the same box; counts its calls."""

    has_objectness = True
    calls = 0

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        self.calls += 1
        return Proposals(np.array([[1, 2, 30, 40]], np.float32), np.array([0.5], np.float32))


def test_every_asks_on_the_first_frame_and_each_nth_after() -> None:
    inner = One()
    proposer = EveryProposer(inner, every=3)
    assert [len(proposer(FRAME, PIXELS)) for _ in range(7)] == [1, 0, 0, 1, 0, 0, 1]
    assert inner.calls == 3
    assert proposer.has_objectness


def test_copies_bound_to_words_count_frames_together() -> None:
    maps = torch.zeros(1, 9, 16)  # (C, h, w)
    maps[0, 2:5, 3:9] = 0.9
    union = UnionProposer(TrackedProposer(), EveryProposer(HeatmapProposer(), every=2))
    assert union.asks_words
    found = [len(union.asking(lambda features: maps)(FRAME, PIXELS)) > 0 for _ in range(4)]
    assert found == [True, False, True, False]


def test_tracks_stay_proposed_until_they_have_not_been_seen_for_long() -> None:
    proposer = TrackedProposer(keep=3)
    assert len(proposer(FRAME, PIXELS)) == 0
    proposer.update([[10, 20, 30, 60], [50, 20, 70, 60]], [7, 8])
    assert len(proposer(FRAME, PIXELS)) == 2
    proposer.update([[12, 20, 32, 60]], [7])
    seen = proposer(FRAME, PIXELS)
    np.testing.assert_array_equal(seen.xyxy, [[12, 20, 32, 60], [50, 20, 70, 60]])  # the latest seen first
    assert seen.objectness[0] == 1 > seen.objectness[1] > 0
    assert len(proposer(FRAME, PIXELS)) == 2
    assert len(proposer(FRAME, PIXELS)) == 1  # 8 was not seen for three frames
    assert len(proposer(FRAME, PIXELS)) == 0


def test_boxes_that_are_no_track_yet_are_left_out_and_those_outside_cut() -> None:
    proposer = TrackedProposer()
    proposer.update([[10, 20, 30, 60], [150, 80, 200, 100], [300, 300, 310, 310]], [-1, 4, 5])
    np.testing.assert_array_equal(proposer(FRAME, PIXELS).xyxy, [[150, 80, 160, 90]])
    proposer.reset()
    assert proposer(FRAME, PIXELS).xyxy.shape == (0, 4)


def test_tracks_without_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="got 0 for 1 boxes"):
        TrackedProposer().update([[1, 2, 3, 4]], [])


def test_a_union_hands_tracks_to_those_that_follow_them() -> None:
    tracked = TrackedProposer()
    union = UnionProposer(One(), EveryProposer(tracked, every=1))
    union.update([[100, 20, 120, 60]], [1])
    assert len(union(FRAME, PIXELS)) == 2
    union.reset()
    assert len(union(FRAME, PIXELS)) == 1
