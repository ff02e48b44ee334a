"""Boxes in frame pixels to one vector each: exact RoIAlign written as a matrix product.

Letters: N boxes, D channels, h x w feature grid, H x W frame, L cells of one axis, K samples of one axis.

RoIAlign as in Mask R-CNN (He et al. 2017, arXiv:1703.06870), one bin, adaptive sampling, half-cell offset:
the mean of bilinear samples on a regular lattice in the box. The lattice is a product of two axes, and so is
each sample's weight on a cell; one `(N, h*w)` matrix of averaged weights times the tokens is therefore the
whole operation, at a cost that does not grow with the box.
"""

import torch

BLOCK = 64
"""Rows of one matrix product. All products have this shape, so a box's bits do not depend on other boxes."""

MIN_SIDE = 0.01
"""Pixels. A thinner box has no area: its sides may meet in float32 on the way to the feature grid."""


def clip_to_frame(boxes: torch.Tensor, frame_size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Clip boxes to the frame and say which of them are left with an area.

    Args:
        boxes: `(N, 4)` float32 xyxy in frame pixels; NaN, infinite, inverted and outside boxes are allowed.
        frame_size: `(H, W)` in pixels.

    Returns:
        `(N, 4)` clipped boxes in the given order, zeros where invalid, and `(N,)` bool: True where the box is
        finite and both sides inside the frame are longer than `MIN_SIDE`.
    """
    _check_boxes(boxes)
    height, width = frame_size
    limit = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)  # (4,)
    finite = torch.isfinite(boxes).all(dim=1)  # (N,)
    clipped = torch.minimum(torch.nan_to_num(boxes).clamp(min=0), limit)  # (N, 4)
    sides = clipped[:, 2:] - clipped[:, :2]  # (N, 2)
    valid = finite & (sides > MIN_SIDE).all(dim=1)  # (N,)
    return torch.where(valid[:, None], clipped, torch.zeros_like(clipped)), valid


def to_cells(boxes: torch.Tensor, frame_size: tuple[int, int], grid: tuple[int, int]) -> torch.Tensor:
    """Map pixels to feature cells; the only place where this is done. Does not clip.

    The order of arithmetic is part of the contract: `(x / W) * w` in double precision, then float32.
    Multiplying by `w / W` in float32 makes a full-frame box one sample longer for one frame size in twenty.

    Args:
        boxes: `(N, 4)` xyxy in frame pixels.
        frame_size: `(H, W)` in pixels.
        grid: `(h, w)` cells.

    Returns:
        `(N, 4)` float32 xyxy in cells; a whole frame is `0 0 w h`.
    """
    _check_boxes(boxes)
    height, width = frame_size
    rows, columns = grid
    pixels = torch.tensor([width, height, width, height], dtype=torch.float64, device=boxes.device)  # (4,)
    cells = torch.tensor([columns, rows, columns, rows], dtype=torch.float64, device=boxes.device)  # (4,)
    return (boxes.double() / pixels * cells).float()  # (N, 4)


def roi_align(tokens: torch.Tensor, grid: tuple[int, int], boxes: torch.Tensor) -> torch.Tensor:
    """Pool one vector a box, like torchvision's `roi_align(output_size=1, sampling_ratio=-1, aligned=True)`.

    Differentiable in `tokens`. A box's vector is bit-identical whatever other boxes are given with it. Memory
    is bounded by `N * (2 * max(h, w) + 8)` samples, however large a box is: samples that cannot reach the map
    are counted but not made. Exact as long as box sides are below 2**20 cells.

    Args:
        tokens: `(h*w, D)` row-major; half precision is computed in float32.
        grid: `(h, w)` cells.
        boxes: `(N, 4)` xyxy in cells, not clipped: samples more than one cell outside count as zero vectors.

    Returns:
        `(N, D)` float32 (float64 for float64 tokens), on the device of `tokens`. Exact zeros for boxes that
        are without area, inverted, fully outside or not finite.

    Raises:
        ValueError: If `tokens` do not fill the grid, or `boxes` are not `(N, 4)`.
    """
    _check_boxes(boxes)
    rows, columns = grid
    if tokens.ndim != 2 or len(tokens) != rows * columns:
        raise ValueError(
            f"roi_align: expected tokens of shape ({rows * columns}, D) for a grid of {rows} x {columns}, "
            f"got {tuple(tokens.shape)}"
        )
    dtype = torch.float64 if tokens.dtype == torch.float64 else torch.float32
    tokens = tokens.to(dtype)
    # Weights are summed on the CPU, where scatter-adds have a fixed order; they are small beside the tokens.
    corners = boxes.detach().to("cpu", dtype)  # (N, 4)
    across = _axis_weights(corners[:, 0], corners[:, 2], columns)  # (N, w)
    down = _axis_weights(corners[:, 1], corners[:, 3], rows)  # (N, h)
    pooled = [tokens.new_zeros(0, tokens.shape[1])]
    for start in range(0, len(boxes), BLOCK):
        part = slice(start, start + BLOCK)
        weights = down[part, :, None] * across[part, None, :]  # (<=64, h, w)
        block = torch.zeros(BLOCK, rows * columns, dtype=dtype)  # (64, h*w)
        block[: len(weights)] = weights.flatten(1)
        pooled.append((block.to(tokens.device) @ tokens)[: len(weights)])  # (<=64, D)
    return torch.cat(pooled)  # (N, D)


def _axis_weights(start: torch.Tensor, end: torch.Tensor, length: int) -> torch.Tensor:
    """Mean bilinear weight of every cell of one axis: `(N,)` box sides in cells -> `(N, L)`."""
    weights = torch.zeros(len(start), length, dtype=start.dtype)  # (N, L)
    # Steps, order and precision as in torchvision, else ceil() and the cuts at -1 and L may disagree.
    start, end = start - 0.5, end - 0.5  # (N,)
    size = end - start  # (N,)
    usable = torch.isfinite(size) & (size > 0)  # (N,)
    start, size = torch.where(usable, start, 0.0), torch.where(usable, size, 0.0)  # (N,)
    count = torch.ceil(size)  # (N,) samples on this axis
    if len(start) == 0 or not bool(usable.any()):
        return weights
    index = _reaching_samples(start, size, count, length)  # (N, K)
    divisor = count.clamp(min=1)[:, None]  # (N, 1)
    position = start[:, None] + (index + 0.5) * size[:, None] / divisor  # (N, K)
    counted = (index < count[:, None]) & (position >= -1) & (position <= length)  # (N, K)
    position = position.clamp(0, length - 1)  # (N, K)
    lower = position.floor()  # (N, K)
    upper_share = position - lower  # (N, K)
    cell = lower.long()  # (N, K)
    share = counted.to(weights.dtype)  # (N, K)
    weights.scatter_add_(1, cell, (1 - upper_share) * share)
    weights.scatter_add_(1, (cell + 1).clamp(max=length - 1), upper_share * share)
    return weights / divisor


def _reaching_samples(start: torch.Tensor, size: torch.Tensor, count: torch.Tensor, length: int) -> torch.Tensor:
    """Numbers of the samples that may reach the map, `(N, K)` in the boxes' dtype.

    Samples lie more than half a cell apart (or there is only one), so at most `2 * L + 3` of them fall into
    `-1..L`, however long the box is. Two more on either side absorb rounding.
    """
    step = (size / count.clamp(min=1)).double().clamp(min=0.5)  # (N,) cells
    first = torch.floor((-1 - start.double()) / step - 0.5) - 2  # (N,)
    first = torch.where(count > 1, first.clamp(min=0), 0.0).to(start.dtype)  # (N,)
    most = int(count.max().clamp(max=2 * length + 8))
    return first[:, None] + torch.arange(most, dtype=start.dtype)  # (N, K)


def _check_boxes(boxes: torch.Tensor) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes: expected shape (N, 4), got {tuple(boxes.shape)}")
