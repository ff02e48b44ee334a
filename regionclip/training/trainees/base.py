"""Trainee: the differentiable side of a dense tower, for fine-tuning it. Inference uses none of this.

Letters: B frames, P phrases, D channels, h x w feature grid.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import torch
from torch.nn import Module

from regionclip.towers.base import Frame
from regionclip.towers.dense import DenseTower

M = TypeVar("M", bound=Module)

TextUse = Literal["region", "short", "long"]
"""What a text is: a phrase for a region, a short caption or a long one of the whole frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Frames with their gradients, float32, nothing normalised.

    Attributes:
        whole: `(B, D)` features of whole frames.
        dense: one `(h*w, D)` tensor a frame, row-major, in the space of region phrases.
        grids: `(h, w)` of each frame.
    """

    whole: torch.Tensor
    dense: tuple[torch.Tensor, ...]
    grids: tuple[tuple[int, int], ...]


class Trainee(ABC, Generic[M]):
    """A copy of a tower's network that can be trained; the tower itself stays as it is.

    Args:
        tower: whose network is copied.

    Attributes:
        module: the copy; its state dict has the names of the tower's weight file.
    """

    def __init__(self, tower: DenseTower[M]) -> None:
        self.module = copy.deepcopy(tower.model).requires_grad_(True)
        self._card = tower.card

    @property
    @abstractmethod
    def image_score(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Log scale and bias between whole frames and captions, parameters of `module`."""

    @property
    @abstractmethod
    def region_score(self) -> torch.Tensor | None:
        """`(2,)` log scale and bias between regions and phrases, a parameter of `module`; None where there is none."""

    @abstractmethod
    def tower(self) -> DenseTower[M]:
        """A tower on the weights as they are now; it must not be used any more once they change."""

    def encode_frames(self, frames: Sequence[Frame]) -> Encoded:
        """All frames, as many together as the tower can; each at the grid that the tower gives it."""
        tower = self.tower()
        whole: dict[int, torch.Tensor] = {}
        dense: dict[int, torch.Tensor] = {}
        for each in tower.trunk_passes(frames):
            whole |= zip(each.places, tower.whole(each.tokens, each.mask).float(), strict=True)
            dense |= zip(each.places, each.unpadded(tower.dense(each.tokens, each.mask).float()), strict=True)
        order = range(len(frames))
        grids = tuple(tower.grid_of(frame) for frame in frames)
        return Encoded(torch.stack([whole[i] for i in order]), tuple(dense[i] for i in order), grids)

    def encode_texts(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)` float32, not normalised."""
        if not texts:
            return torch.zeros(0, self._card.width, device=self.image_score[0].device)
        return self._embed(texts, use).float()

    @abstractmethod
    def _embed(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)` of one text or more."""
