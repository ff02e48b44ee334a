"""Several proposers at once."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from proposals.base import Features, Proposals, Proposer, Scoring
from proposals.ranges import expect_least, expect_share
from proposals.shortlist import nms, usable


class UnionProposer(Proposer):
    """The boxes of several proposers, best objectness first, without those that nearly repeat a better one.

    Boxes that are not finite or have no area are left out. Its objectness means something only if that of
    every member does, and weighs as little as the lightest of them; it ranks the boxes in any case, and members given
    earlier win where it is equal. Of boxes that overlap, one whose objectness means something stays before one whose
    does not: a hint shows where, not how exactly.

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
        expect_share("union", iou=iou)
        expect_least("union", 1, max_proposals=max_proposals)
        self._proposers = proposers
        self._iou = iou
        self._max_proposals = max_proposals
        self.has_memory = any(proposer.has_memory for proposer in proposers)
        self.has_objectness = all(proposer.has_objectness for proposer in proposers)
        self.objectness_weight = min(proposer.objectness_weight for proposer in proposers)
        self.asks_words = any(proposer.asks_words for proposer in proposers)

    def reset(self) -> None:
        """Have every member start again."""
        for proposer in self._proposers:
            proposer.reset()

    def fresh(self) -> Proposer:
        """The union of fresh members; itself where none remembers."""
        return self.over(lambda member: member.fresh()) if self.has_memory else self

    def asking(self, scoring: Scoring) -> "UnionProposer":
        """The members that look for words are bound, the others stay the same."""
        return self.over(lambda member: member.asking(scoring))

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:
        """Hand the live tracks to every member."""
        for proposer in self._proposers:
            proposer.update(xyxy, ids)

    def over(self, change: Callable[[Proposer], Proposer]) -> "UnionProposer":
        """The union of what `change` makes of each member."""
        return UnionProposer(*map(change, self._proposers), iou=self._iou, max_proposals=self._max_proposals)

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Propose boxes for `frame`, `(H, W, 3)` uint8 BGR."""
        parts = [proposer(frame, features) for proposer in self._proposers]
        xyxy = np.concatenate([part.xyxy for part in parts])  # (N, 4)
        objectness = np.concatenate([part.objectness for part in parts])  # (N,)
        good = usable(xyxy)  # (N,)
        says = [proposer.has_objectness for proposer in self._proposers]
        hint = ~np.repeat(np.array(says, np.bool_), [len(part) for part in parts])  # (N,)
        ranked = np.flatnonzero(good)[np.lexsort((-objectness[good], hint[good]))]  # (n,)
        kept = nms(torch.from_numpy(xyxy[ranked]).double(), self._iou)  # (k,)
        left = ranked[kept.numpy()]  # (k,)
        best = left[np.argsort(-objectness[left], kind="stable")][: self._max_proposals]
        return Proposals(xyxy[best], objectness[best])
