"""A dense tower of which only what it must say is written."""

import torch

from regionclip.towers.base import Frame, Target
from regionclip.towers.card import Score, TowerCard
from regionclip.towers.dense import DenseTower
from regionclip.towers.preprocess import patchify, read_budget, resize_frame
from regionclip.towers.trunk import Grid


class ThirdTower(DenseTower[torch.nn.ModuleDict]):
    """Preprocessing, trunk and heads, text, a card: nothing else is asked of a dense tower."""

    def __init__(self, dtype: torch.dtype, budget: object = 32) -> None:
        torch.manual_seed(2)
        sizes = {"trunk": (3 * 8 * 8, 16), "dense": (16, 16), "whole": (16, 16), "region": (16, 16), "image": (16, 16)}
        layers: dict[str, torch.nn.Module] = {name: torch.nn.Linear(*size) for name, size in sizes.items()}
        model = torch.nn.ModuleDict({**layers, "letters": torch.nn.Embedding(64, 16)}).to(dtype)
        budgets, score = (16, 32, 64), Score(10.0, -5.0)
        card = TowerCard(
            name="third", revision="sha256:0123456789abcdef", licence="Apache-2.0", languages=("en", "zh"),
            region_mode="dense", width=16, text="Read to 12 letters.", region_score=score, image_score=score,
            threshold=0.5, patch=8, budgets=budgets, budget=read_budget(budget, budgets),
        )  # fmt: skip
        super().__init__(model, card)

    def preprocess(self, frame: Frame) -> torch.Tensor:
        h, w = self.grid_of(frame)
        return patchify(resize_frame(frame, (h * 8, w * 8)), 8)

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        tokens: torch.Tensor = self.model["trunk"](torch.stack(inputs).to(self.dtype))
        return tokens.tanh()

    def dense(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        dense: torch.Tensor = self.model["dense"](tokens)
        return dense

    def whole(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        whole: torch.Tensor = self.model["whole"](tokens.mean(1))
        return whole

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        return [*(ord(letter) % 63 + 1 for letter in phrase[:11]), 0], len(phrase) + 1

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        features: torch.Tensor = self.model[target](self.model["letters"](torch.tensor(ids)).mean(0))
        return features
