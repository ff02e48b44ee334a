"""Boxes from score maps with planted things."""

import numpy as np
import pytest
import torch
from candidates import Looks

from proposals.heatmap import HeatmapProposer

FRAME, FEATURES = np.zeros((90, 160, 3), np.uint8), Looks((90, 160))


def _planted(*things: tuple[int, int, int, int, float]) -> torch.Tensor:
    """One map `(1, h, w)` with rectangles of cells x1 y1 x2 y2 at a score."""
    maps = torch.zeros(1, 9, 16)
    for x1, y1, x2, y2, score in things:
        maps[0, y1:y2, x1:x2] = score
    return maps


def test_a_planted_thing_gets_its_box_within_half_a_cell() -> None:
    found = HeatmapProposer(lambda features: _planted((3, 2, 9, 6, 0.8)))(FRAME, FEATURES)
    best = np.abs(found.xyxy - np.array([30, 20, 90, 60])).max(axis=1)  # (N,) pixels; a cell has 10
    assert best.min() <= 5
    assert 0.5 < found.objectness[0] <= 0.8


def test_weak_things_beside_strong_ones_have_boxes_of_their_own() -> None:
    maps = _planted((1, 1, 4, 4, 0.95), (10, 4, 15, 8, 0.4))
    found = HeatmapProposer(lambda features: maps)(FRAME, FEATURES)
    for truth in ([10, 10, 40, 40], [100, 40, 150, 80]):
        assert np.abs(found.xyxy - np.array(truth)).max(axis=1).min() <= 5


def test_labels_are_looked_for_apart() -> None:
    maps = torch.cat([_planted((1, 1, 7, 7, 0.9)), _planted((5, 1, 12, 7, 0.9))])  # (2, h, w), overlapping
    found = HeatmapProposer(lambda features: maps)(FRAME, FEATURES)
    for truth in ([10, 10, 70, 70], [50, 10, 120, 70]):
        assert np.abs(found.xyxy - np.array(truth)).max(axis=1).min() <= 5


@pytest.mark.parametrize("maps", [torch.zeros(0, 9, 16), torch.full((2, 9, 16), 0.1)])
def test_nothing_asked_or_nothing_there_gives_no_boxes(maps: torch.Tensor) -> None:
    found = HeatmapProposer(lambda features: maps)(FRAME, FEATURES)
    assert len(found) == 0


def test_without_words_it_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="no words to look for; bind it"):
        HeatmapProposer()(FRAME, FEATURES)
