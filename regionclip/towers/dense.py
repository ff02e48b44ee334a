"""DenseTower: what all towers share that pool regions out of one grid of dense features.

A tower that builds on it says four things: how a frame is prepared (`preprocess`), the trunk with its two heads
(`trunk`, `dense`, `whole`), text (`read`, `embed`), and its card.

Letters: B frames, D channels, h x w feature grid, n patches a batch is padded to.
"""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial

import torch

from regionclip.towers.base import Frame, FrameBatch, ImageFeatures, TokenGrid
from regionclip.towers.trunk import M, TrunkTower


class DenseTower(TrunkTower[M]):
    """A `Tower` (regionclip/towers/base.py) whose regions are pooled out of dense features."""

    @abstractmethod
    def dense(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens to features in the space of region phrases, both `(B, n, D)`, not normalised; mask as in `trunk`."""

    @abstractmethod
    def whole(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens `(B, n, D)` to embeddings of whole frames `(B, D)`, not normalised; mask as in `trunk`."""

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        """Features of each frame, computed on first use; the first use of any of them runs the trunk for all."""
        batch = FrameBatch(frames, self.encode_frames)
        return [
            ImageFeatures(frame, partial(batch.take, index), self._dense, self._whole, self.card)
            for index, frame in enumerate(frames)
        ]

    @torch.no_grad()
    def _dense(self, encoded: TokenGrid) -> torch.Tensor:
        return self.dense(encoded.tokens[None].to(self.dtype))[0].float()  # (h*w, D)

    @torch.no_grad()
    def _whole(self, features: ImageFeatures) -> torch.Tensor:
        return self.whole(features.tokens[None].to(self.dtype))[0].float()  # (D,)
