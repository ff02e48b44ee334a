"""FGCLIP2Tower: frames and phrases in, embeddings that belong together out.

Letters: B frames, D channels, h x w feature grid, n patches a batch is padded to.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final, Self

import torch
from torch.nn.utils.rnn import pad_sequence

from regionclip.config import Budget, Config
from regionclip.errors import WeightsError
from regionclip.towers.base import Frame, Target
from regionclip.towers.card import FACTS, Score, TowerCard, background
from regionclip.towers.checkpoints.hub import locate
from regionclip.towers.checkpoints.loading import fingerprint
from regionclip.towers.dense import DenseTower
from regionclip.towers.device import choose_dtype
from regionclip.towers.fgclip2.model import FGCLIP2Model, TextHead
from regionclip.towers.gemma import PAD, PhraseTokenizer
from regionclip.towers.preprocess import BUDGETS, patchify, read_budget, resize_exact
from regionclip.towers.trunk import Grid

# The released class has no scale for regions: training started from 100, and the official evaluation of box
# classification takes 100 (https://github.com/360CVGroup/FG-CLIP). There is no bias, so a region is weighed against
# the negatives.
_REGION_SCORE: Final = Score(scale=100.0, bias=None)

# A region's score is its share against the bank of background phrases: 0.5 means "as likely as all background phrases
# together". Not measured: no released weights were at hand. Choose it anew with real weights.
_THRESHOLD: Final = 0.5

_MOST_GRIDS: Final = 32


class FGCLIP2Tower(DenseTower[FGCLIP2Model]):
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

    pads = True

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
        card = TowerCard(
            name=name,
            revision=revision,
            licence=FACTS["fgclip2"].licence,
            languages=FACTS["fgclip2"].languages_of(name),
            region_mode="dense",
            width=vision.hidden_size,
            text=(
                f"Lower-cased; region phrases are read to {text.max_position_embeddings} tokens, "
                f"texts for whole frames to {text.longtext_len}. {tokenizer.note}"
            ).rstrip(),
            region_score=_REGION_SCORE,
            image_score=Score(model.logit_scale.detach().float().exp().item(), model.logit_bias.detach().item()),
            threshold=_THRESHOLD,
            patch=vision.patch_size,
            budgets=BUDGETS,
            budget=read_budget(budget, BUDGETS),
            negatives=background(FACTS["fgclip2"].languages_of(name)),
        )
        super().__init__(model, card)
        self.tokenizer = tokenizer
        self._grid_positions = lru_cache(_MOST_GRIDS)(model.grid_positions)  # a camera has one grid

    @classmethod
    def load(cls, weights: str | Path, config: Config, device: torch.device) -> Self:
        """Load a checkpoint in the official layout.

        Args:
            weights: folder, or hub name such as `qihoo360/fg-clip2-base` (cache first, see
                regionclip/towers/checkpoints/hub.py).
            config: its name, revision, dtype and budget.
            device: to compute on.

        Raises:
            ConfigError: dtype or budget cannot be had.
            WeightsError: files are missing, damaged, or do not fit; says which and what to do.
        """
        number = choose_dtype(config.dtype, device)
        checkpoint = locate(weights, revision=config.revision)
        model = FGCLIP2Model.from_pretrained(checkpoint.folder, dtype=number, device=device)
        tokenizer = PhraseTokenizer.load(checkpoint.folder, model.config.text.vocab_size)
        name, budget = config.name or config.tower, config.budget or "dynamic"
        return cls(model, tokenizer, name=name, revision=fingerprint(checkpoint), budget=budget)

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(h*w, 3*patch**2)` patches in -1..1, in the model's dtype and on its device."""
        patch = self.card.patch
        h, w = self.grid_of(frame)
        resized = resize_exact(frame, (h * patch, w * patch))  # (3, h*patch, w*patch) uint8
        return patchify(resized.to(self.device), patch).to(self.dtype)

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, n, D)` tokens after the last LayerNorm."""
        pixels = pad_sequence(inputs, batch_first=True)  # (B, n, 3*patch**2)
        positions = pad_sequence([self._grid_positions(grid) for grid in grids], batch_first=True)  # (B, n, D)
        return self.model.vision_tokens(pixels, positions, mask)

    def dense(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`(B, n, D)` tokens to features in the space of box texts."""
        return self.model.dense(tokens, mask)

    def whole(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`(B, n, D)` tokens to features of whole frames, `(B, D)`."""
        return self.model.pooled(tokens, mask)

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        """Ids that are read of `phrase`, end token included, and how many it would need."""
        needed = self.tokenizer.count(phrase)
        return self.tokenizer.ids(phrase, min(needed, self._text_head(needed, target)[1])), needed

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(D,)`: region phrases by the box head; texts for whole frames by the short one, or the long if they are."""
        head, length = self._text_head(len(ids), target)
        padded = torch.tensor([ids + [PAD] * (length - len(ids))], device=self.device)  # (1, length)
        return self.model.text_features(padded, head)[0]

    def _text_head(self, tokens: int, target: Target) -> tuple[TextHead, int]:
        """The head for a text of so many tokens, and how many it reads."""
        text = self.model.config.text
        if target == "region":
            return "box", text.max_position_embeddings
        if tokens <= text.max_position_embeddings:
            return "short", text.max_position_embeddings
        return "long", text.longtext_len
