"""Dense features of a CLIP without training: another last block, whose tokens live near the space of texts.

CLIP's own last block gathers the picture in its class token; what it makes of the other tokens says little of their
places. The recipes leave the query-key attention out, or attend to what is alike or near. All are approximations; crops
are the reference.

Letters: B frames, D channels, h x w feature grid, n = h*w tokens, with the class token 1 + n.
"""

from typing import Any, Final

import torch

from regionclip.config import RegionMode

_SPREAD: Final = 5.0  # cells, the standard deviation of NACLIP's neighbourhood


def last_block(recipe: RegionMode, layer: Any, hidden: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """What a recipe makes of the last block.

    Args:
        recipe: `maskclip`: the values alone (https://arxiv.org/abs/2112.01071); `sclip`: attention between like queries
            and between like keys, all else kept (https://arxiv.org/abs/2312.01597); `naclip`: between like keys, near
            ones first, without MLP and residuals (https://arxiv.org/abs/2404.08181).
        layer: the last encoder layer.
        hidden: `(B, 1 + n, D)` that goes into it, class token first.
        grid: `(h, w)`.

    Returns:
        `(B, n, D)`, the class token left out.
    """
    attention = layer.self_attn
    normed = layer.layer_norm1(hidden)  # (B, 1 + n, D)
    values = attention.v_proj(normed)  # (B, 1 + n, D)
    if recipe == "maskclip":
        return attention.out_proj(values)[:, 1:]
    keys = _heads(attention.k_proj(normed), attention.num_heads)  # (B, heads, 1 + n, D/heads)
    if recipe == "naclip":
        weights = (_likeness(keys) + _neighbourhood(grid, keys)).softmax(-1)  # (B, heads, 1 + n, 1 + n)
    else:
        queries = _heads(attention.q_proj(normed), attention.num_heads)  # (B, heads, 1 + n, D/heads)
        weights = _likeness(queries).softmax(-1) + _likeness(keys).softmax(-1)  # (B, heads, 1 + n, 1 + n)
    mixed = (weights @ _heads(values, attention.num_heads)).transpose(1, 2).flatten(2)  # (B, 1 + n, D)
    out = attention.out_proj(mixed)
    if recipe == "naclip":
        return out[:, 1:]
    hidden = hidden + out
    return (hidden + layer.mlp(layer.layer_norm2(hidden)))[:, 1:]


def _heads(channels: torch.Tensor, heads: int) -> torch.Tensor:
    return channels.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, heads, 1 + n, D/heads)


def _likeness(vectors: torch.Tensor) -> torch.Tensor:
    """Logits `(B, heads, 1 + n, 1 + n)` of each vector `(B, heads, 1 + n, D/heads)` with each."""
    return vectors @ vectors.transpose(-1, -2) / vectors.shape[-1] ** 0.5


def _neighbourhood(grid: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """`(1 + n, 1 + n)` e^(-d^2 / 2 s^2) of cells at distance d, 0 for the class token."""
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in grid)  # (h,), (w,)
    down, across = (torch.exp(-((line[:, None] - line) ** 2) / (2 * _SPREAD**2)) for line in (rows, columns))
    cells = torch.kron(down, across)  # (n, n)
    return torch.nn.functional.pad(cells, (1, 0, 1, 0)).to(like)
