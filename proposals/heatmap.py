"""HeatmapProposer: boxes for words that no other proposer knows, from the words' own similarity map.

Letters: C labels, h x w feature grid, H x W frame, N boxes, P peaks.
"""

from dataclasses import KW_ONLY, dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from proposals.base import Features, Proposals, Proposer, Scoring
from proposals.ranges import expect_least, expect_share
from proposals.shortlist import Shortlist

_FINE = 4  # pixels along a cell's side in the map that boxes are cut from


@dataclass(eq=False)
class HeatmapProposer(Proposer):
    """Boxes around the places where a word's score is high on the tower's dense grid.

    Around each peak of each label's score map, the connected parts that reach a share of the peak are taken, for
    several shares: a low one gives the whole of a thing, a high one parts things that touch. The map is interpolated
    before, so that edges fall between cells.

    It knows no words: `asking` binds it to the score maps of those that are looked for, which the detector does for
    every call. Objectness is the mean score of the part, so it says how well the asked words fit there.

    Args:
        scoring: score maps `(C, h, w)` of a frame's features; None for one that is bound later.
        floor: peaks with a lower score give no box, 0..1.
        levels: shares of the peak at which parts are cut, above 0, below 1.
        peaks: most peaks of one label, at least 1.
        max_proposals: most boxes, at least 1.
        nms_iou: of two boxes that overlap more, the one with less objectness goes, 0..1.

    Raises:
        ValueError: for a value outside its range.
    """

    has_objectness = True
    asks_words = True

    scoring: Scoring | None = None
    _: KW_ONLY
    floor: float = 0.3
    levels: tuple[float, ...] = (0.3, 0.5, 0.7)
    peaks: int = 10
    max_proposals: int = 100
    nms_iou: float = 0.7

    def __post_init__(self) -> None:
        expect_share("heatmap", floor=self.floor)
        expect_least("heatmap", 1, peaks=self.peaks)
        if not self.levels or not all(0 < level < 1 for level in self.levels):
            raise ValueError(f"heatmap: expected levels above 0 and below 1, got {self.levels}")
        self._best = Shortlist("heatmap", max_proposals=self.max_proposals, nms_iou=self.nms_iou)

    def asking(self, scoring: Scoring) -> "HeatmapProposer":
        """A copy that looks where `scoring` is high."""
        return replace(self, scoring=scoring)

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, best objectness first.

        Raises:
            ValueError: where it is not bound to words.
        """
        if self.scoring is None:
            raise ValueError("heatmap: no words to look for; bind it with asking(scoring), or call the detector")
        maps = self.scoring(features).float()  # (C, h, w)
        promising = maps[maps.flatten(1).amax(1) >= self.floor] if maps.numel() else maps[:0]  # (c, h, w)
        found = [part for each in promising for part in self._parts(each)]  # (5,) each: a box and its objectness
        table = torch.tensor(found, dtype=torch.float32).reshape(-1, 5)  # (N, 5)
        height, width = features.frame_size
        scale = torch.tensor([width / maps.shape[2], height / maps.shape[1]] * 2) if len(table) else torch.ones(4)
        return self._best(table[:, :4] * scale, table[:, 4], (height, width))

    def _parts(self, scores: torch.Tensor) -> list[tuple[float, float, float, float, float]]:
        """Boxes in cells and their mean scores around the peaks of one label's map `(h, w)`."""
        size = [side * _FINE for side in scores.shape]
        fine = functional.interpolate(scores[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        surface = fine.cpu().numpy()  # (h * 4, w * 4)
        parts = []
        for top, row, column in self._highest(scores):
            for level in self.levels:
                mask = (surface >= level * top).astype(np.uint8)
                _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
                own = labels[row * _FINE + _FINE // 2, column * _FINE + _FINE // 2]
                if own == 0:
                    continue  # a peak so sharp that its own cell's middle falls below the level
                x, y, wide, high = (stats[own, :4] / _FINE).tolist()
                parts.append((x, y, x + wide, y + high, float(surface[labels == own].mean())))
        return list(dict.fromkeys(parts))

    def _highest(self, scores: torch.Tensor) -> list[tuple[float, int, int]]:
        """Score, row and column of the highest cells that no neighbour exceeds, `(P, 3)`; a plateau is one peak."""
        around = functional.max_pool2d(scores[None], 3, stride=1, padding=1)[0]  # (h, w)
        summits = ((scores == around) & (scores >= self.floor)).cpu().numpy().astype(np.uint8)  # (h, w)
        _, labels = cv2.connectedComponents(summits)
        _, first = np.unique(labels, return_index=True)  # the place of each summit's first cell
        rows, columns = np.unravel_index(first[np.flatnonzero(summits.ravel()[first])], labels.shape)  # (P,) each
        tops = [(float(scores[row, column]), int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
        return sorted(tops, key=lambda top: -top[0])[: self.peaks]
