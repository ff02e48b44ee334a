"""Each check finds the tower that breaks its promise, and no other promise is broken by it."""

import numpy as np
import pytest
import torch
from third_tower import ThirdTower

from regionclip.evaluation.certainty.conformance import CHECKS, conformance
from regionclip.towers.base import Frame, Target
from regionclip.towers.trunk import Grid


class Company(ThirdTower):
    """What is encoded together is mixed."""

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        tokens = super().trunk(inputs, grids, mask)
        return tokens + 0.1 * (len(inputs) - 1)


class Restless(ThirdTower):
    """Not the same twice, by a little."""

    passes = 0

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        self.passes += 1
        return super().trunk(inputs, grids, mask) + 1e-6 * self.passes


class Mirrored(ThirdTower):
    """Sees right for left."""

    def preprocess(self, frame: Frame) -> torch.Tensor:
        return super().preprocess(np.ascontiguousarray(frame[:, ::-1]))


class Broken(ThirdTower):
    """Features that are no numbers."""

    def whole(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return super().whole(tokens, mask) / 0


class OneHead(ThirdTower):
    """Says regions as it says pictures."""

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        return super().embed(ids, "image")


class Mute(ThirdTower):
    """Every text is one."""

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        return super().embed([1], target)


class Endless(ThirdTower):
    """Says that it reads to the end."""

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        ids, _ = super().read(phrase, target)
        return ids, len(ids)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (ThirdTower, set()),
        (Company, {"frames together"}),
        (Restless, {"same bits"}),
        (Mirrored, {"position"}),
        (Broken, {"shapes", "frames together"}),
        (OneHead, {"phrases"}),
        (Mute, {"phrases", "languages"}),
        (Endless, {"padding"}),
    ],
)
def test_each_check_finds_what_breaks_its_promise(kind: type[ThirdTower], broken: set[str]) -> None:
    checks = conformance(kind(torch.float32))
    assert [check.name for check in checks] == list(CHECKS)
    assert {check.name: check.detail for check in checks if not check.passed}.keys() == broken
    assert all(bool(check.detail) != check.passed for check in checks)


def test_a_card_that_lacks_something_is_told() -> None:
    tower = ThirdTower(torch.float32).under(licence="", revision="1.0", width=17)
    told = {check.name: check.detail for check in conformance(tower) if not check.passed}
    assert told["card"] == "licence of the card: ''; revision of the card: '1.0'"
    assert "regions of <features of 160x90" in told["shapes"]
    assert set(told) == {"card", "shapes"}
