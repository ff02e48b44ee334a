"""FG-CLIP 2's own way from padded pictures to features, on our model: for comparing with what the official code gave.

The product goes through `FGCLIP2Tower`, which prepares frames itself and pools what is clipped to the frame.

Letters: B frames, N boxes, D channels, h x w feature grid, n patches a frame is padded to.
"""

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from heads.pool import roi_align, to_cells
from regionclip.towers.fgclip2 import FGCLIP2Model

Images = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""`(B, n, patch*patch*3)` pixels in -1..1, `(B, n)` mask that is 0 for padding, `(B, 2)` grids."""


def positions(model: FGCLIP2Model, grids: torch.Tensor, length: int) -> torch.Tensor:
    """Learnt positions resized to each grid, `(B, length, D)`; zero in the padding."""
    rows = [model.grid_positions((h, w)) for h, w in grids.tolist()]
    padded = pad_sequence(rows, batch_first=True)
    return torch.nn.functional.pad(padded, (0, 0, 0, length - padded.shape[1]))


def vision_tokens(model: FGCLIP2Model, images: Images) -> torch.Tensor:
    """`(B, n, D)`."""
    pixels, mask, grids = images
    return model.vision_tokens(pixels, positions(model, grids, pixels.shape[1]), mask.bool())


def image_features(model: FGCLIP2Model, images: Images) -> torch.Tensor:
    """`(B, D)`."""
    return model.pooled(vision_tokens(model, images), images[1].bool())


def dense_features(model: FGCLIP2Model, images: Images) -> torch.Tensor:
    """`(B, n, D)`, row-major in the first `h*w` rows of a frame, zero in its padding."""
    return model.dense(vision_tokens(model, images), images[1].bool()) * images[1][..., None]


def region_features(
    dense: torch.Tensor, grids: torch.Tensor, boxes: Sequence[torch.Tensor], sizes: Sequence[tuple[int, int]]
) -> list[torch.Tensor]:
    """One `(N, D)` a frame; as in the official code boxes are not clipped to the frame.

    Args:
        dense: `(B, n, D)`.
        grids: `(B, 2)`.
        boxes: `(N, 4)` xyxy in pixels of each frame.
        sizes: `(H, W)` of each frame.
    """
    return [
        roi_align(tokens[: h * w], (h, w), to_cells(own, size, (h, w)))
        for tokens, (h, w), own, size in zip(dense, grids.tolist(), boxes, sizes, strict=True)
    ]
