from dataclasses import replace

import numpy as np
import pytest
import torch
from toy import ToyTower

from proposals.boxes import BoxesProposer
from regionclip.detector import Detector
from regionclip.evaluation.certainty.conformance import position
from regionclip.evaluation.certainty.selftest import word_checks
from regionclip.towers.base import Frame, Target, TokenGrid

NONE = BoxesProposer(np.zeros((0, 4), np.float32))


class MirroredTower(ToyTower):
    """Gives its tokens from right to left, as a tower with swapped axes or flipped rows would."""

    def _encode(self, frame: Frame) -> TokenGrid:
        encoded = super()._encode(frame)
        h, w = encoded.grid
        return TokenGrid(encoded.tokens.reshape(h, w, -1).flip(1).reshape(h * w, -1), encoded.grid)


class ColourBlindTower(ToyTower):
    """Takes every phrase for red."""

    def encode_text(self, phrases: list[str], target: Target) -> torch.Tensor:  # type: ignore[override]
        return super().encode_text(["red"] * len(phrases), target)


@pytest.mark.parametrize(
    ("tower", "failed"),
    [
        (ToyTower(), set()),
        (MirroredTower(), {"position", "words, English", "words, Chinese"}),
        (ColourBlindTower(), {"words, English", "words, Chinese", "translation"}),
    ],
)
def test_the_self_test_finds_what_is_wrong(tower: ToyTower, failed: set[str]) -> None:
    checks = word_checks(Detector(tower, NONE))
    assert [check.name for check in checks] == ["words, English", "words, Chinese", "translation"]
    wrong = {check.name for check in checks if check.passed is False}
    assert wrong | ({"position"} if list(position(tower)) else set()) == failed


def test_languages_that_a_tower_does_not_read_are_not_checked() -> None:
    tower = ToyTower()
    tower.card = replace(tower.card, languages=("zh",))
    assert [check.passed for check in word_checks(Detector(tower, NONE))] == [None, True, None]
