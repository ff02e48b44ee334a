"""EveryProposer: a costly proposer on some frames of a video only."""

import copy
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proposals.base import Features, Proposals, Proposer, Scoring
from proposals.ranges import expect_least


class _Clock:
    """What copies that are bound to other words share: the frames left until the next look, and their size."""

    def __init__(self) -> None:
        self.left = 0
        self.frame_size: tuple[int, int] | None = None


class EveryProposer(Proposer):
    """Asks a proposer on the first frame and on each `every`-th after it, and gives no boxes in between.

    The boxes are not carried on, since what moves has left them. For what was found to stay in sight, unite it with a
    `TrackedProposer`. A frame of another size is a first frame. It counts frames, so it belongs to one source.

    Args:
        proposer: to be asked.
        every: frames from one answer to the next, at least 1.

    Raises:
        ValueError: for `every` under 1.
    """

    has_memory = True

    def __init__(self, proposer: Proposer, *, every: int = 25) -> None:
        expect_least("every", 1, every=every)
        self._proposer = proposer
        self._every = every
        self._clock = _Clock()
        self.has_objectness = proposer.has_objectness
        self.objectness_weight = proposer.objectness_weight
        self.asks_words = proposer.asks_words

    def reset(self) -> None:
        """Take the next frame for the first."""
        self._clock.left = 0
        self._proposer.reset()

    def fresh(self) -> "EveryProposer":
        """One with a fresh proposer, which counts its own frames."""
        return EveryProposer(self._proposer.fresh(), every=self._every)

    def asking(self, scoring: Scoring) -> "EveryProposer":
        """One whose proposer is bound; it counts the same frames."""
        return self.over(lambda own: own.asking(scoring))

    def over(self, change: Callable[[Proposer], Proposer]) -> "EveryProposer":
        """What `change` makes of the proposer, on the same frames."""
        other = copy.copy(self)
        other._proposer = change(self._proposer)
        return other

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:
        """Hand the live tracks on."""
        self._proposer.update(xyxy, ids)

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR; in between neither the proposer nor the tower runs for them."""
        clock, size = self._clock, (frame.shape[0], frame.shape[1])
        if size != clock.frame_size:
            clock.left, clock.frame_size = 0, size
        if clock.left > 0:
            clock.left -= 1
            return Proposals.empty()
        clock.left = self._every - 1
        return self._proposer(frame, features)
