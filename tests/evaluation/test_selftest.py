import numpy as np
import pytest
import torch
from toy import ToyTower

from proposals.boxes import BoxesProposer
from regionclip.detector import Detector
from regionclip.evaluation.accuracy.selftest import self_test
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
        (ColourBlindTower(), {"words, English", "words, Chinese"}),
    ],
)
def test_the_self_test_finds_what_is_wrong(tower: ToyTower, failed: set[str]) -> None:
    checks = self_test(Detector(tower, NONE))
    assert [check.name for check in checks] == ["position", "words, English", "words, Chinese"]
    assert {check.name for check in checks if not check.passed} == failed
