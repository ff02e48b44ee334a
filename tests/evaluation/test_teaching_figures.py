"""The protocol of teaching: what its figures count, and the kinds it shows."""

import numpy as np
import pytest
from toy import ToyTower

from proposals.grid import GridProposer
from regionclip.data.intervals import share_of_lessons
from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.evaluation.accuracy.teaching import evaluate_teaching
from regionclip.scenes.kinds.known import KINDS as TRAINED
from regionclip.scenes.kinds.novel import NOVEL
from regionclip.scenes.language.phrases import KINDS
from regionclip.scenes.render import render_scene


def test_shares_and_their_intervals() -> None:
    good, count = np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[2.0, 1.0], [2.0, 1.0]])
    share = share_of_lessons(good, count)
    assert share.value == pytest.approx(4 / 6)
    assert share.low < share.value < share.high
    sure = share_of_lessons(count, count)
    assert (sure.value, sure.low, sure.high) == (1, 1, 1)


def test_a_tower_that_knows_colours_only_learns_no_kind() -> None:
    det = Detector(ToyTower(), GridProposer(20))
    figures = evaluate_teaching(det, kinds=["trophy"], examples=2, draws=2, scenes=8)
    assert (figures.lessons, figures.labels) == (2, len(KINDS) + 1)
    assert figures.recall.value < 0.9
    with pytest.raises(ConfigError, match="expected 99 scenes with 'trophy'"):
        evaluate_teaching(det, kinds=["trophy"], examples=99, scenes=3)


def test_novel_kinds_are_not_trained_ones_and_fill_their_boxes() -> None:
    assert not set(NOVEL) & set(TRAINED)
    seen = dict.fromkeys(NOVEL, 0)
    for index in range(12):
        for thing in render_scene(3, index, extra=NOVEL).objects:
            if thing.kind in NOVEL:
                seen[thing.kind] += 1
    assert min(seen.values()) >= 3
