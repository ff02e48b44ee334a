"""A proposer of one's own, as docs/proposals.md writes it: a class with `__call__`, and `reset` where it remembers."""

import cv2
import numpy as np
import pytest
from candidates import FEATURES
from numpy.typing import NDArray
from toy import ToyTower, planted

from proposals.base import Features
from proposals.every import EveryProposer
from proposals.union import UnionProposer
from regionclip import Detector, Proposals, Proposer


class Bright(Proposer):
    """What is bright."""

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        mask = (frame.max(axis=2) > 200).astype(np.uint8)
        x, y, w, h = cv2.connectedComponentsWithStats(mask)[2][1:, :4].T
        return Proposals(np.stack([x, y, x + w, y + h], axis=1).astype(np.float32), np.ones(len(x), np.float32))


class Changed(Bright):
    """What is bright, where the frame is not the one before."""

    has_memory = True

    def __init__(self) -> None:
        self.before: list[NDArray[np.uint8]] = []

    def reset(self) -> None:
        self.before = []

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        same = any(np.array_equal(frame, before) for before in self.before)
        self.before[:] = [frame]
        return Proposals.empty() if same else super().__call__(frame, features)


class Stubborn(Changed):
    """Remembers, and cannot forget."""

    reset = Proposer.reset


RED = (16, 16, 64, 64)
FRAME = planted(red=RED)


def test_a_class_with_a_call_alone_is_a_proposer() -> None:
    proposer = Bright()
    found = Detector(ToyTower(), proposer)(FRAME, ["red", "blue"])
    assert found.xyxy.tolist() == [list(RED)]
    assert list(found.data["class_name"]) == ["red"]
    assert (proposer.has_memory, proposer.has_objectness, proposer.asks_words) == (False, False, False)
    assert proposer.fresh() is proposer
    assert proposer.asking(lambda features: features.tokens) is proposer
    proposer.reset()
    proposer.update([[0, 0, 1, 1]], [1])


def test_one_without_a_call_cannot_be_made() -> None:
    class Silent(Proposer):
        pass

    with pytest.raises(TypeError, match="__call__"):
        Silent()  # type: ignore[abstract]


def test_one_with_memory_writes_reset_and_has_fresh() -> None:
    proposer = UnionProposer(EveryProposer(Changed(), every=1))
    assert [len(proposer(FRAME, FEATURES)) for _ in range(2)] == [1, 0]
    other = proposer.fresh()
    assert [len(other(FRAME, FEATURES)) for _ in range(2)] == [1, 0]
    assert len(proposer(FRAME, FEATURES)) == 0
    proposer.reset()
    assert len(proposer(FRAME, FEATURES)) == 1
    assert len(other(FRAME, FEATURES)) == 0


def test_memory_that_cannot_be_forgotten_is_not_shared() -> None:
    with pytest.raises(ValueError, match="Stubborn remembers earlier frames and has no `reset`"):
        UnionProposer(Stubborn()).fresh()
