"""Trainee: the differentiable side of a dense tower, for fine-tuning it.

A tower that can be fine-tuned has a method `trainee()`; inference uses none of this.

Letters: B frames, P phrases, D channels, h x w feature grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import nn

from regionclip.towers.base import Frame, Tower

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


class Trainee(Protocol):
    """A tower's network with functions that keep gradients."""

    @property
    def module(self) -> nn.Module:
        """The network; its state dict has the names of the tower's weight file."""
        ...

    @property
    def image_score(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Log scale and bias between whole frames and captions, parameters of `module`."""
        ...

    @property
    def region_score(self) -> torch.Tensor | None:
        """`(2,)` log scale and bias between regions and phrases, a parameter of `module`; None where there is none."""
        ...

    def encode_frames(self, frames: Sequence[Frame]) -> Encoded:
        """All frames together; each at the grid that the tower gives it."""
        ...

    def encode_texts(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)` float32, not normalised."""
        ...

    def tower(self) -> Tower:
        """A tower on the weights as they are now; it must not be used any more once they change."""
        ...


@runtime_checkable
class TrainableTower(Tower, Protocol):
    """A tower that can be fine-tuned."""

    def trainee(self) -> Trainee:
        """A copy of its network that can be trained; the tower itself stays as it is."""
        ...
