"""Several proposers at once."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torchvision.ops import nms

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


class UnionProposer:
    """The boxes of several proposers, best objectness first, without those that nearly repeat a better one.

    Boxes that are not finite or have no area are left out. Its objectness means something only if that of
    every member does; it ranks the boxes in any case, and members given earlier win where it is equal. Of boxes that
    overlap, one whose objectness means something stays before one whose does not: a hint shows where, not how exactly.

    Args:
        *proposers: the members, at least one.
        iou: intersection over union in 0..1; of two boxes that overlap more, the one with less objectness
            goes.
        max_proposals: most boxes, at least 1.

    Raises:
        ValueError: If there is no member or a value lies outside its range.
    """

    def __init__(self, *proposers: Proposer, iou: float = 0.7, max_proposals: int = 300) -> None:
        if not proposers:
            raise ValueError("union: expected at least one proposer, got none")
        if not 0 <= iou <= 1 or max_proposals < 1:
            raise ValueError(f"union: expected iou in 0..1 and max_proposals of at least 1, got {iou}, {max_proposals}")
        self._proposers = proposers
        self._iou = iou
        self._max_proposals = max_proposals

    @property
    def has_memory(self) -> bool:
        """True where any member remembers earlier frames."""
        return any(proposer.has_memory for proposer in self._proposers)

    @property
    def has_objectness(self) -> bool:
        """True where every member's objectness means something."""
        return all(proposer.has_objectness for proposer in self._proposers)

    @property
    def asks_words(self) -> bool:
        """True where any member has to be bound to words."""
        return any(_asks(proposer) for proposer in self._proposers)

    def asking(self, scoring: Scoring) -> "UnionProposer":
        """See `AsksWords`: the members that look for words are bound, the others stay the same."""
        return self.over(
            lambda member: member.asking(scoring) if isinstance(member, AsksWords) and _asks(member) else member
        )

    def reset(self) -> None:
        """Have every member with memory start again."""
        for proposer in self._proposers:
            if isinstance(proposer, Remembers):
                proposer.reset()

    def fresh(self) -> "UnionProposer":
        """See `Remembers`."""
        return self.over(for_another_source)

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:
        """Hand the live tracks to the members that follow them; see `FollowsTracks`."""
        for proposer in self._proposers:
            if isinstance(proposer, FollowsTracks):
                proposer.update(xyxy, ids)

    def over(self, change: Callable[[Proposer], Proposer]) -> "UnionProposer":
        """The union of what `change` makes of each member."""
        return UnionProposer(*map(change, self._proposers), iou=self._iou, max_proposals=self._max_proposals)

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Propose boxes for `frame`, `(H, W, 3)` uint8 BGR."""
        parts = [proposer(frame, features) for proposer in self._proposers]
        xyxy = np.concatenate([part.xyxy for part in parts])  # (N, 4)
        objectness = np.concatenate([part.objectness for part in parts])  # (N,)
        usable = np.isfinite(xyxy).all(axis=1) & (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)  # (N,)
        says = [proposer.has_objectness for proposer in self._proposers]
        hint = ~np.repeat(np.array(says, np.bool_), [len(part) for part in parts])  # (N,)
        ranked = np.flatnonzero(usable)[np.lexsort((-objectness[usable], hint[usable]))]  # (n,)
        # Falling ranks stand for objectness, so that equals keep their order in NMS.
        ranks = torch.arange(len(ranked), 0, -1, dtype=torch.float64)  # (n,)
        kept = nms(torch.from_numpy(xyxy[ranked]).double(), ranks, self._iou)  # (k,)
        left = ranked[kept.numpy()]  # (k,)
        best = left[np.argsort(-objectness[left], kind="stable")][: self._max_proposals]
        return Proposals(xyxy[best], objectness[best])


def _asks(proposer: Proposer) -> bool:
    return isinstance(proposer, AsksWords) and proposer.asks_words
