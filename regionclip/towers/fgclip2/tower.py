"""FGCLIP2Tower: frames and phrases in, embeddings that belong together out.

Letters: B frames, P phrases, D channels, h x w feature grid, H x W frame, n patches a batch is padded to.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import torch
from torch.nn.functional import normalize

from regionclip.config import Budget
from regionclip.errors import WeightsError
from regionclip.towers.background import BANK
from regionclip.towers.base import Frame, FrameBatch, ImageFeatures, Target, TokenGrid
from regionclip.towers.card import Score, TowerCard
from regionclip.towers.device import choose_device, choose_dtype
from regionclip.towers.fgclip2.model import FGCLIP2Model, Walk
from regionclip.towers.fgclip2.text import PhraseTokenizer
from regionclip.towers.hub import CONFIG, TOKENIZER, WEIGHTS, locate
from regionclip.towers.loading import fingerprint
from regionclip.towers.preprocess import BUDGETS, budget_grid, patchify, read_budget, resize_exact

if TYPE_CHECKING:
    from regionclip.training.trainees.fgclip2 import FGCLIP2Trainee

# The released class has no scale for regions: training started from 100, the official evaluation uses 100 (facts in
# towers.md 1.8), and there is no bias, so a region is weighed against the negatives.
_REGION_SCORE: Final = Score(scale=100.0, bias=None)

# A region's score is its share against the bank of background phrases: 0.5 means "as likely as all background phrases
# together". Not measured: no released weights were at hand. Choose it anew with real weights.
_THRESHOLD: Final = 0.5

_MOST_GRIDS: Final = 32


class FGCLIP2Tower:
    """FG-CLIP 2 as a `Tower` (regionclip/towers/base.py).

    Args:
        model: in evaluation mode; its weights must not change any more.
        tokenizer: of the same checkpoint.
        name: the name `load` knows the tower by.
        revision: fingerprint of the weights.
        budget: most patches a frame is cut into, a name (`read_budget`), or `dynamic`: the trained budget that fits
            the frame.

    Raises:
        ConfigError: budget below 1, or no name of one.
        WeightsError: text and vision side have different widths, so no cosine exists.
    """

    def __init__(
        self,
        model: FGCLIP2Model,
        tokenizer: PhraseTokenizer,
        *,
        name: str,
        revision: str,
        budget: Budget = "dynamic",
    ) -> None:
        text, vision = model.config.text, model.config.vision
        if not text.hidden_size == text.projection_size == vision.hidden_size:
            raise WeightsError(
                "config.json: expected equal text hidden_size, text projection_size and vision hidden_size, "
                f"got {text.hidden_size}, {text.projection_size} and {vision.hidden_size}"
            )
        self._model = model
        self._tokenizer = tokenizer
        self._positions: dict[tuple[int, int], torch.Tensor] = {}
        self._card = TowerCard(
            name=name,
            revision=revision,
            licence="Apache-2.0",
            languages=("en", "zh"),
            region_mode="dense",
            width=vision.hidden_size,
            text=(
                f"Lower-cased; region phrases are read to {text.max_position_embeddings} tokens, "
                f"texts for whole frames to {text.longtext_len}."
            ),
            region_score=_REGION_SCORE,
            image_score=Score(model.logit_scale.detach().float().exp().item(), model.logit_bias.detach().item()),
            threshold=_THRESHOLD,
            patch=vision.patch_size,
            budgets=BUDGETS,
            budget=read_budget(budget, BUDGETS),
            negatives=BANK,
        )

    @classmethod
    def load(
        cls,
        weights: str | Path,
        *,
        name: str = "fgclip2",
        revision: str | None = None,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        budget: Budget = "dynamic",
    ) -> Self:
        """Load a checkpoint in the official layout.

        Args:
            weights: folder, or hub name such as `qihoo360/fg-clip2-base` (cache first, see
                regionclip/towers/hub.py).
            name: the name `load` knows the tower by.
            revision: hub branch, tag or commit; a local folder is taken as it is.
            device: see `choose_device`.
            dtype: see `choose_dtype`.
            budget: most patches a frame is cut into, `dynamic`, or a name (`read_budget`).

        Raises:
            ConfigError: device, dtype or budget cannot be had.
            WeightsError: files are missing, damaged, or do not fit; says which and what to do.
        """
        place = choose_device(device)
        number = choose_dtype(dtype, place)
        checkpoint = locate(weights, (CONFIG, WEIGHTS, TOKENIZER), revision=revision)
        tokenizer = PhraseTokenizer.load(checkpoint.folder)
        model = FGCLIP2Model.from_pretrained(checkpoint.folder, dtype=number, device=place)
        return cls(model, tokenizer, name=name, revision=fingerprint(checkpoint), budget=budget)

    @property
    def card(self) -> TowerCard:
        """What is fixed about this tower."""
        return self._card

    @property
    def placement(self) -> str:
        """Device and dtype in words, as `cpu, float32`."""
        return f"{self._model.device}, {str(self._model.dtype).removeprefix('torch.')}"

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        """Features of each frame, computed on first use; the first use of any of them runs the trunk for all.

        Each frame has its own budget and grid. Frames of unequal grids are padded and masked, a single frame
        is not.
        """
        batch = FrameBatch(frames, self.encode_frames)
        return [
            ImageFeatures(
                frame=frame,
                encode=partial(batch.take, index),
                dense=self._dense,
                whole=self._whole,
                card=self._card,
            )
            for index, frame in enumerate(frames)
        ]

    @torch.no_grad()
    def encode_text(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings on the CPU.

        Phrases for regions go through the box walk; texts for whole frames through the short one, or the
        long one if they have more tokens than the short one reads. Each runs alone, so its bits do not
        depend on the others.
        """
        rows = [self._encode_phrase(phrase, target) for phrase in phrases]  # (D) each
        return torch.stack(rows) if rows else torch.zeros(0, self._card.width)

    def count_tokens(self, phrase: str, target: Target) -> tuple[int, int]:
        """Tokens that `phrase` needs, end token included, and how many of them the tower reads."""
        needed = self._tokenizer.count(phrase)
        return needed, min(needed, self._walk(needed, target)[1])

    def token_ids(self, phrase: str, target: Target) -> list[int]:
        """Ids of the tokens that are read of `phrase`, padding left out."""
        return self._tokenizer.ids(phrase, self.count_tokens(phrase, target)[1])

    def _walk(self, needed: int, target: Target) -> tuple[Walk, int]:
        text = self._model.config.text
        if target == "region":
            return "box", text.max_position_embeddings
        if needed <= text.max_position_embeddings:
            return "short", text.max_position_embeddings
        return "long", text.longtext_len

    def _encode_phrase(self, phrase: str, target: Target) -> torch.Tensor:
        walk, length = self._walk(self._tokenizer.count(phrase), target)
        ids = torch.tensor([self._tokenizer.ids(phrase, length)], device=self._model.device)  # (1, length)
        return normalize(self._model.text_features(ids, walk).float(), dim=-1, eps=1e-12)[0].cpu()  # (D)

    @torch.no_grad()
    def encode_frames(self, frames: Sequence[Frame]) -> list[TokenGrid]:
        """Run the trunk on frames together; `encode_image` is the lazy form of this."""
        sizes = [(frame.shape[0], frame.shape[1]) for frame in frames]
        grids = [budget_grid(size, self._card.patch, self._card.budget) for size in sizes]
        counts = [h * w for h, w in grids]
        longest = max(counts)
        patches = [self.preprocess(frame) for frame in frames]  # (h*w, 3*patch**2)
        pixels = torch.nn.utils.rnn.pad_sequence(patches, batch_first=True)  # (B, n, 3*patch**2)
        positions = torch.nn.utils.rnn.pad_sequence(
            [self._grid_positions(grid) for grid in grids], batch_first=True
        )  # (B, n, D)
        real = None
        if min(counts) < longest:
            ends = torch.tensor(counts, device=pixels.device)[:, None]  # (B, 1)
            real = torch.arange(longest, device=pixels.device) < ends  # (B, n)
        tokens = self._model.vision_tokens(pixels, real, positions).float()  # (B, n, D)
        # Copied out, or each frame would keep the whole batch alive.
        trimmed = [row[:count].clone() if len(frames) > 1 else row for row, count in zip(tokens, counts, strict=True)]
        return [TokenGrid(row, grid) for row, grid in zip(trimmed, grids, strict=True)]

    def trainee(self) -> "FGCLIP2Trainee":
        """A copy of the network that can be trained; the tower itself stays as it is."""
        from regionclip.training.trainees.fgclip2 import FGCLIP2Trainee

        return FGCLIP2Trainee(self._model, self._tokenizer, name=self._card.name, budget=self._card.budget)

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(h*w, 3*patch**2)` patches in -1..1, in the model's dtype and on its device."""
        patch = self._card.patch
        grid = budget_grid((frame.shape[0], frame.shape[1]), patch, self._card.budget)
        resized = resize_exact(frame, (grid[0] * patch, grid[1] * patch))  # (3, h*patch, w*patch) uint8
        return patchify(resized.to(self._model.device), patch).to(self._model.dtype)

    def _grid_positions(self, grid: tuple[int, int]) -> torch.Tensor:
        """Resized positions, kept for the grids in use: a camera has one."""
        if grid not in self._positions:
            if len(self._positions) >= _MOST_GRIDS:
                self._positions.pop(next(iter(self._positions)))
            self._positions[grid] = self._model.grid_positions(grid)  # (h*w, D)
        return self._positions[grid]

    @torch.no_grad()
    def _dense(self, encoded: TokenGrid) -> torch.Tensor:
        return self._model.dense(encoded.tokens[None].to(self._model.dtype))[0].float()  # (h*w, D)

    @torch.no_grad()
    def _whole(self, encoded: TokenGrid) -> torch.Tensor:
        return self._model.pooled(encoded.tokens[None].to(self._model.dtype))[0].float()  # (D)
