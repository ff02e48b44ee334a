"""Proposers that stand beside others on a video: now and then, and where tracks were seen."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.every import EveryProposer
from proposals.heatmap import HeatmapProposer
from proposals.tracked import TrackedProposer
from proposals.union import UnionProposer

FRAME = np.zeros((90, 160, 3), np.uint8)


class Pixels:
    """Features of a frame whose tower must not run."""

    frame_size = (90, 160)

    @property
    def tokens(self) -> torch.Tensor:
        raise AssertionError("the tower ran")

    @property
    def grid(self) -> tuple[int, int]:
        raise AssertionError("the tower ran")


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
    assert [len(proposer(FRAME, Pixels())) for _ in range(7)] == [1, 0, 0, 1, 0, 0, 1]
    assert inner.calls == 3
    assert proposer.has_objectness


def test_copies_bound_to_words_count_frames_together() -> None:
    maps = torch.zeros(1, 9, 16)  # (C, h, w)
    maps[0, 2:5, 3:9] = 0.9
    union = UnionProposer(TrackedProposer(), EveryProposer(HeatmapProposer(), every=2))
    assert union.asks_words
    found = [len(union.asking(lambda features: maps)(FRAME, Pixels())) > 0 for _ in range(4)]
    assert found == [True, False, True, False]


def test_a_union_without_word_proposers_asks_nothing() -> None:
    assert not UnionProposer(One(), EveryProposer(One())).asks_words


def test_tracks_stay_proposed_until_they_have_not_been_seen_for_long() -> None:
    proposer = TrackedProposer(keep=3)
    assert len(proposer(FRAME, Pixels())) == 0
    proposer.update([[10, 20, 30, 60], [50, 20, 70, 60]], [7, 8])
    assert len(proposer(FRAME, Pixels())) == 2
    proposer.update([[12, 20, 32, 60]], [7])
    seen = proposer(FRAME, Pixels())
    np.testing.assert_array_equal(seen.xyxy, [[12, 20, 32, 60], [50, 20, 70, 60]])  # the latest seen first
    assert seen.objectness[0] == 1 > seen.objectness[1] > 0
    assert len(proposer(FRAME, Pixels())) == 2
    assert len(proposer(FRAME, Pixels())) == 1  # 8 was not seen for three frames
    assert len(proposer(FRAME, Pixels())) == 0


def test_boxes_that_are_no_track_yet_are_left_out_and_those_outside_cut() -> None:
    proposer = TrackedProposer()
    proposer.update([[10, 20, 30, 60], [150, 80, 200, 100], [300, 300, 310, 310]], [-1, 4, 5])
    np.testing.assert_array_equal(proposer(FRAME, Pixels()).xyxy, [[150, 80, 160, 90]])
    proposer.reset()
    assert proposer(FRAME, Pixels()).xyxy.shape == (0, 4)


def test_tracks_without_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="got 0 for 1 boxes"):
        TrackedProposer().update([[1, 2, 3, 4]], [])


def test_tracks_of_one_source_are_not_proposed_in_another() -> None:
    first = TrackedProposer()
    first.update([[10, 10, 50, 50]], [1])
    second = first.fresh()
    second.update([[100, 50, 150, 90]], [1])
    np.testing.assert_array_equal(first(FRAME, Pixels()).xyxy, [[10, 10, 50, 50]])
    np.testing.assert_array_equal(second(FRAME, Pixels()).xyxy, [[100, 50, 150, 90]])


def test_a_union_hands_tracks_to_those_that_follow_them() -> None:
    tracked = TrackedProposer()
    union = UnionProposer(One(), EveryProposer(tracked, every=1))
    union.update([[100, 20, 120, 60]], [1])
    assert len(union(FRAME, Pixels())) == 2
    union.reset()
    assert len(union(FRAME, Pixels())) == 1
