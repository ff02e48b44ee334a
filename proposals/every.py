"""EveryProposer: a costly proposer on some frames of a video only."""

import copy
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proposals.base import (
    AsksWords,
    Features,
    FollowsTracks,
    Proposals,
    Proposer,
    Remembers,
    Scoring,
    for_another_source,
)


class _Clock:
    """What copies that are bound to other words share: the frames left until the next look, and their size."""

    def __init__(self) -> None:
        self.left = 0
        self.frame_size: tuple[int, int] | None = None


class EveryProposer:
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
        if every < 1:
            raise ValueError(f"every: expected frames of at least 1, got {every}")
        self._proposer = proposer
        self._every = every
        self._clock = _Clock()

    @property
    def has_objectness(self) -> bool:
        """True where the proposer's objectness means something."""
        return self._proposer.has_objectness

    @property
    def asks_words(self) -> bool:
        """True where the proposer has to be bound to words."""
        return isinstance(self._proposer, AsksWords) and self._proposer.asks_words

    def asking(self, scoring: Scoring) -> "EveryProposer":
        """See `AsksWords`; the copy counts the same frames."""
        return self.over(lambda own: own.asking(scoring) if isinstance(own, AsksWords) and own.asks_words else own)

    def reset(self) -> None:
        """Take the next frame for the first."""
        self._clock.left = 0
        if isinstance(self._proposer, Remembers):
            self._proposer.reset()

    def fresh(self) -> "EveryProposer":
        """See `Remembers`."""
        return EveryProposer(for_another_source(self._proposer), every=self._every)

    def over(self, change: Callable[[Proposer], Proposer]) -> "EveryProposer":
        """What `change` makes of the proposer, on the same frames."""
        other = copy.copy(self)
        other._proposer = change(self._proposer)
        return other

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:
        """Hand the live tracks on, where the proposer follows them; see `FollowsTracks`."""
        if isinstance(self._proposer, FollowsTracks):
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
