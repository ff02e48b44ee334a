"""The embedded tower as a network: a convolutional stem, a small ViT, a small text encoder.

Shapes and names follow FG-CLIP 2 (arXiv 2510.10921): tokens of the trunk go through an attention head of their own for
dense features and through a probe that pools them for the whole image. Every part is sized for a CPU.

Letters: B images, P phrases, L text tokens, D channels, h x w token grid.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from regionclip.towers.base import Target
from regionclip.towers.tiny.text import pad


@dataclass(frozen=True, slots=True)
class TinyConfig:
    """Sizes of the network.

    Attributes:
        width: channels D of both towers and of their embeddings.
        heads: attention heads.
        expansion: hidden width of an MLP in units of `width`.
        blocks: blocks of the image trunk.
        stem: channels of the three inner convolutions; each of the four halves the resolution, so a token is 16 pixels.
        positions: side of the learned position grid, resized to each frame's grid.
        text_blocks: blocks of the text encoder.
        vocabulary: entries of the tokenizer.
        text_length: most tokens of a phrase, end token included.
        residual: dense features keep each token beside what attention gathers (True), or are FG-CLIP 2's own dense
            head, which has no residual from the token (False); see docs/embedded_tower.md for the comparison.
    """

    width: int = 128
    heads: int = 4
    expansion: int = 4
    blocks: int = 6
    stem: tuple[int, int, int] = (24, 48, 96)
    positions: int = 12
    text_blocks: int = 3
    vocabulary: int = 1600
    text_length: int = 48
    residual: bool = True

    @property
    def patch(self) -> int:
        """Pixels a token's side."""
        return 16


class Attention(nn.Module):
    """Multi-head attention written out: on a CPU, in bfloat16, it is faster than the fused kernel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width)
        self.to_pair = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, query: torch.Tensor, context: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Attend from `query` `(B, Q, D)` to `context` `(B, K, D)`; `mask` `(B, K)` is True at real tokens."""
        q = self._split(self.to_query(query))  # (B, heads, Q, D/heads)
        k, v = (self._split(part) for part in self.to_pair(context).chunk(2, dim=-1))  # (B, heads, K, D/heads)
        weights = (q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2)  # (B, heads, Q, K)
        if mask is not None:
            weights = weights.masked_fill(~mask[:, None, None], -1e4)
        mixed = weights.softmax(-1) @ v  # (B, heads, Q, D/heads)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Mlp(nn.Sequential):
    """Two linear layers with a ReLU between: on a CPU a GELU would cost as much as the layers."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.expansion * config.width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`(B, T, D)` to `(B, T, D)`; `mask` `(B, T)` is True at real tokens."""
        normed = self.norm1(x)
        x = x + self.attention(normed, normed, mask)
        return x + self.mlp(self.norm2(x))


class Stem(nn.Sequential):
    """Four convolutions of stride 2, which learn shapes in far fewer steps than one linear patch."""

    def __init__(self, config: TinyConfig) -> None:
        channels = (3, *config.stem)
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.ReLU()]
        super().__init__(*layers, nn.Conv2d(channels[-1], config.width, 3, 2, 1))


class WholeHead(nn.Module):
    """Pools all tokens with one learned probe (MAP head)."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.randn(1, 1, config.width) * 0.5)
        self.attention = Attention(config.width, config.heads)
        self.norm = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.expansion * config.width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(B, T, D)` to `(B, D)`."""
        pooled = self.attention(self.probe.expand(len(tokens), -1, -1), tokens)  # (B, 1, D)
        return (pooled + self.mlp(self.norm(pooled)))[:, 0]


class TextEncoder(nn.Module):
    """Token and position embeddings, a few blocks, the mean of the tokens."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Parameter(torch.randn(config.text_length, config.width) * 0.02)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.text_blocks))
        self.norm = nn.LayerNorm(config.width)
        self.region = nn.Linear(config.width, config.width)
        self.image = nn.Linear(config.width, config.width)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`ids` and `mask` (True at real tokens), both `(P, L)`, to `(P, D)`, before the region and image heads."""
        x = self.embedding(ids) + self.positions[: ids.shape[1]]  # (P, L, D)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x) * mask[..., None]
        return x.sum(1) / mask.sum(1, keepdim=True)

    def embed(self, phrases: list[list[int]], target: Target) -> torch.Tensor:
        """Token ids of each phrase to `(P, D)` by the head of the target, not normalised."""
        ids, mask = (part.to(self.positions.device) for part in pad(phrases))  # (P, L) each
        head = self.region if target == "region" else self.image
        return head(self(ids, mask))


class TinyModel(nn.Module):
    """Both towers and the scores between them.

    `region_score` and `image_score` are `(log scale, bias)`: the logit of a cosine is `exp(scale) * cosine + bias`.
    """

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Stem(config)
        self.positions = nn.Parameter(_sin_cos(config.positions, config.width))  # (1, D, g, g)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.dense_block = Block(config)
        self.dense_out = nn.Linear(config.width, config.width)
        self.whole_head = WholeHead(config)
        self.text = TextEncoder(config)
        self.region_score = nn.Parameter(torch.tensor([math.log(10.0), -6.0]))
        self.image_score = nn.Parameter(torch.tensor([math.log(10.0), -6.0]))

    def tokens(self, images: torch.Tensor) -> torch.Tensor:
        """`(B, 3, h*16, w*16)` RGB in -1..1 to `(B, h*w, D)` tokens, row-major."""
        x = self.stem(images)  # (B, D, h, w)
        place = functional.interpolate(self.positions, x.shape[2:], mode="bilinear", align_corners=False)
        x = (x + place).flatten(2).transpose(1, 2)  # (B, h*w, D)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def dense(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(B, h*w, D)` tokens to `(B, h*w, D)` features in the space of region phrases."""
        if self.config.residual:
            return self.dense_out(self.dense_block(tokens))
        gathered = self.dense_block.attention(tokens, tokens)  # (B, h*w, D)
        return self.dense_out(gathered + self.dense_block.mlp(self.dense_block.norm2(gathered)))

    def whole(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(B, h*w, D)` tokens to `(B, D)` embeddings in the space of image phrases."""
        return self.whole_head(tokens)


def _sin_cos(side: int, width: int) -> torch.Tensor:
    """A sine-cosine position grid `(1, width, side, side)` to start from."""
    frequency = 1.0 / 100 ** (torch.arange(width // 4) / (width // 4))  # (D/4,)
    angle = torch.arange(side)[:, None] * frequency  # (side, D/4)
    wave = torch.cat([angle.sin(), angle.cos()], 1).T  # (D/2, side)
    rows, columns = wave[:, :, None].expand(-1, side, side), wave[:, None].expand(-1, side, side)
    return torch.cat([rows, columns])[None] * 0.5
