"""What `heads.select` decided of every label on every region, and why: written down while it decides.

Letters: N regions, C labels, n rows, K of them that stayed.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import torch

from heads.overlap import box_iou


class Fate(IntEnum):
    """What became of one label on one region: the first rule that took it away."""

    KEPT = 0
    """It came out."""
    INVALID = 1
    """The box has no area inside the frame, or is not finite."""
    GROUP = 2
    """Another label of its exclusive group is better on this region."""
    THRESHOLD = 3
    """Its confidence is below its threshold."""
    TOP_K = 4
    """As many labels as a region may keep are better on this region."""
    OVERLAP = 5
    """A better row overlaps it too much."""
    MOST = 6
    """As many rows as may come out are more confident, or, for `unknown`, named."""
    NAMED = 7
    """Of `unknown` only: a label fits the region, whether or not it then came out."""
    OFF = 8
    """Of `unknown` only: it was not asked for."""


def _nothing() -> torch.Tensor:
    return torch.zeros(0, 1)


@dataclass(slots=True, eq=False)
class Trace:
    """Made empty, given to `select`, and filled by it. The last column, which -1 points at, is that of `unknown`.

    Attributes:
        fate: `(N, C + 1)` long, a `Fate` each.
        confidence: `(N, C + 1)` float32 in 0..1, what was compared with the threshold.
        rival_region: `(N, C + 1)` long, region of the row that took it away (the best where there are several), -1
            where no single row did.
        rival_label: `(N, C + 1)` long, label of that row; -1 is `unknown` where `rival_region` is not -1.
        iou: `(N, C + 1)` float64 in 0..1, overlap with that row; 0 where overlap was not the reason.
    """

    fate: torch.Tensor = field(default_factory=_nothing)
    confidence: torch.Tensor = field(default_factory=_nothing)
    rival_region: torch.Tensor = field(default_factory=_nothing)
    rival_label: torch.Tensor = field(default_factory=_nothing)
    iou: torch.Tensor = field(default_factory=_nothing)

    def start(self, confidence: torch.Tensor, unknown: torch.Tensor, usable: torch.Tensor) -> None:
        """Begin: `(N, C)` confidences of the labels, `(N, 1)` of `unknown`, and `(N,)` bool, False for no area."""
        self.confidence = torch.cat([confidence, unknown], dim=1)  # (N, C + 1)
        self.fate = torch.full_like(self.confidence, int(Fate.KEPT), dtype=torch.long)
        self.fate[~usable] = int(Fate.INVALID)
        self.rival_region = torch.full_like(self.fate, -1)
        self.rival_label = torch.full_like(self.fate, -1)
        self.iou = torch.zeros_like(self.confidence, dtype=torch.float64)

    def gone(self, mask: torch.Tensor, fate: Fate, better: torch.Tensor | None = None) -> None:
        """Note what a rule takes away that no earlier rule took.

        Args:
            mask: `(N, C)` bool, what the rule forbids.
            fate: that rule.
            better: `(N, C)` long, the label of the same region that was preferred; None where none is the reason.
        """
        region, label = (mask & (self.fate[:, :-1] == Fate.KEPT)).nonzero(as_tuple=True)  # (n,), (n,)
        self.fate[region, label] = int(fate)
        if better is not None:
            self.rival_region[region, label] = region
            self.rival_label[region, label] = better[region, label]

    def unlabelled(self, mask: torch.Tensor, *, asked: bool) -> None:
        """Note which regions, `(N,)` bool, have no label that fits, and whether `unknown` was asked for."""
        column = self.fate[:, -1]  # (N,) a view
        column[~mask & (column == Fate.KEPT)] = int(Fate.NAMED)
        if not asked:
            column[mask & (column == Fate.KEPT)] = int(Fate.OFF)

    def cut(self, rows: torch.Tensor) -> None:
        """Note rows `(n, 2)`, region and label, for which there was no room."""
        self.fate[rows[:, 0], rows[:, 1]] = int(Fate.MOST)

    def overlapped(
        self, boxes: torch.Tensor, rows: torch.Tensor, stayed: torch.Tensor, category: torch.Tensor, iou: float
    ) -> None:
        """Note rows that a better one of their category suppressed.

        Args:
            boxes: `(N, 4)` xyxy.
            rows: `(n, 2)` long, region and label of each row, best first.
            stayed: `(K,)` long, places of the rows that stayed.
            category: `(n,)` long.
            iou: overlap above which a row goes.
        """
        is_kept = torch.zeros(len(rows), dtype=torch.bool, device=rows.device).index_fill_(0, stayed, True)  # (n,)
        for each in torch.unique(category[~is_kept]):
            places = (category == each).nonzero().flatten()
            went, kept = places[~is_kept[places]], places[is_kept[places]]  # (g,), (k,)
            overlap = box_iou(boxes[rows[went, 0]].double(), boxes[rows[kept, 0]].double())  # (g, k)
            overlap = torch.where(kept < went[:, None], overlap, -1.0)
            above = overlap > iou  # (g, k)
            # The first that overlaps enough did it; an overlap just at the limit may miss it here by rounding.
            first = torch.where(above.any(dim=1), above.int().argmax(dim=1), overlap.argmax(dim=1))  # (g,)
            region, label = rows[went].unbind(dim=1)  # (g,), (g,)
            self.fate[region, label] = int(Fate.OVERLAP)
            self.rival_region[region, label] = rows[kept[first], 0]
            self.rival_label[region, label] = rows[kept[first], 1]
            self.iou[region, label] = overlap.gather(1, first[:, None])[:, 0]
