"""TrunkTower: what all towers share: a trunk that turns frames into grids of tokens, a text side, a card.

Letters: B frames, P phrases, D channels, h x w feature grid, n patches a batch is padded to.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

import torch
from torch.nn import Module
from torch.nn.functional import normalize

from regionclip.towers.base import Frame, ImageFeatures, Target, TokenGrid
from regionclip.towers.card import TowerCard
from regionclip.towers.preprocess import budget_grid

M = TypeVar("M", bound=Module)
Grid = tuple[int, int]
"""`(h, w)`."""


@dataclass(frozen=True, slots=True, eq=False)
class TrunkPass:
    """Frames that went through the trunk together.

    Attributes:
        places: which of the given frames they are, B of them.
        grids: grid of each.
        tokens: `(B, n, D)`; the first `h*w` of a row are the frame's own.
        mask: `(B, n)` bool, False for padding; None where nothing is padded.
    """

    places: list[int]
    grids: list[Grid]
    tokens: torch.Tensor
    mask: torch.Tensor | None

    def unpadded(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Of a batch `(B, n, D)` each frame's own `(h*w, D)`."""
        return [row[: h * w] for row, (h, w) in zip(batch, self.grids, strict=True)]


class TrunkTower(ABC, Generic[M]):
    """A `Tower` (regionclip/towers/base.py); how a region gets its embedding is for subclasses to say.

    Args:
        model: the network, in evaluation mode; its weights must not change any more.
        card: what is fixed about the tower.
    """

    pads: bool = False
    """Whether frames of unequal grids go through the trunk together, padded; otherwise those of one grid do."""

    def __init__(self, model: M, card: TowerCard) -> None:
        self.model = model
        self.card = card

    def under(self, **changes: Any) -> Self:
        """The same weights under a changed card: another patch budget or region mode."""
        other = copy(self)
        other.card = replace(self.card, **changes)
        return other

    @abstractmethod
    def preprocess(self, frame: Frame) -> torch.Tensor:
        """What the trunk gets of one frame: resized to `grid_of(frame)`, in the tower's own layout."""

    @abstractmethod
    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """Run the trunk once, with gradients where they are on.

        Args:
            inputs: what `preprocess` made of B frames; of one shape unless the tower pads.
            grids: of each frame.
            mask: `(B, n)` bool, False for padding; None where nothing is padded.

        Returns:
            `(B, n, D)` tokens, row-major.
        """

    @abstractmethod
    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        """Features of each frame, computed on first use. Frames given together are encoded together."""

    @abstractmethod
    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        """Ids of the tokens that are read of `phrase`, end token included, and how many it would need."""

    @abstractmethod
    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(D,)` of the ids that `read` gave, not normalised."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Number format that is computed in; what comes out is float32."""
        return next(self.model.parameters()).dtype

    @property
    def placement(self) -> str:
        """Device and dtype in words, as `cpu, float32`."""
        return f"{self.device}, {str(self.dtype).removeprefix('torch.')}"

    def grid_of(self, frame: Frame) -> Grid:
        """Grid of a frame under the card's budget."""
        return budget_grid((frame.shape[0], frame.shape[1]), self.card.patch, self.card.budget)

    @torch.no_grad()
    def encode_frames(self, frames: Sequence[Frame]) -> list[TokenGrid]:
        """Run the trunk on frames together."""
        encoded: dict[int, TokenGrid] = {}
        for each in self.trunk_passes(frames):
            rows = each.unpadded(each.tokens.float())
            # Copied out, or each frame would keep the whole batch alive.
            rows = [row.clone() for row in rows] if len(rows) > 1 else rows
            encoded |= zip(each.places, map(TokenGrid, rows, each.grids), strict=True)
        return [encoded[index] for index in range(len(frames))]

    def trunk_passes(self, frames: Sequence[Frame]) -> Iterator[TrunkPass]:
        """Run the trunk on all frames, as many together as can be; with gradients where they are on."""
        for places, grids in self.groups(frames):
            mask = patch_mask(grids, self.device)
            tokens = self.trunk([self.preprocess(frames[index]) for index in places], grids, mask)
            yield TrunkPass(places, grids, tokens, mask)

    def groups(self, frames: Sequence[Frame]) -> Iterator[tuple[list[int], list[Grid]]]:
        """Which of the frames go through the trunk together, and the grid of each."""
        grids = [self.grid_of(frame) for frame in frames]
        groups = [None if self.pads else grid for grid in grids]
        for group in dict.fromkeys(groups):
            places = [index for index, own in enumerate(groups) if own == group]
            yield places, [grids[index] for index in places]

    @torch.no_grad()
    def encode_text(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings on the CPU, each phrase encoded alone (bit-identical in any list)."""
        raw = (self.embed(self.token_ids(phrase, target), target).float() for phrase in phrases)  # (D,) each
        rows = [normalize(row, dim=-1, eps=1e-12).cpu() for row in raw]
        return torch.stack(rows) if rows else torch.zeros(0, self.card.width)

    def count_tokens(self, phrase: str, target: Target) -> tuple[int, int]:
        """Tokens that `phrase` needs, end token included, and how many of them the tower reads."""
        ids, needed = self.read(phrase, target)
        return needed, len(ids)

    def token_ids(self, phrase: str, target: Target) -> list[int]:
        """Ids of the tokens that are read of `phrase`, padding left out."""
        return self.read(phrase, target)[0]


def patch_mask(grids: Sequence[Grid], device: torch.device) -> torch.Tensor | None:
    """Which patches of frames padded to the largest grid are their own, `(B, n)` bool.

    None where all are: attention is faster without a mask.
    """
    counts = [h * w for h, w in grids]
    if min(counts) == max(counts):
        return None
    return torch.arange(max(counts), device=device) < torch.tensor(counts, device=device)[:, None]
