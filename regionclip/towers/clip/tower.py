"""ClipTower: what the towers of CLIP's make share; each says its class of transformers, its text, its licence.

Letters: B frames or crops, D channels, h x w feature grid.
"""

from pathlib import Path
from typing import Any, ClassVar, Final, Self

import torch
from PIL import Image

from regionclip.config import Config
from regionclip.towers.base import Target
from regionclip.towers.card import Score
from regionclip.towers.clip.recipes import last_block
from regionclip.towers.clip.text import MarkedTokenizer
from regionclip.towers.crops import CropTower
from regionclip.towers.preprocess import Pixels
from regionclip.towers.trunk import Grid

PIXELS: Final = Pixels(
    Image.Resampling.BICUBIC, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
)
"""CLIP's own."""


class ClipTower(CropTower):
    """A CLIP as a `Tower` (regionclip/towers/base.py).

    Frames are squeezed to the square of the training; the centre is not cut out of them, or boxes beside it would be
    lost. Scores are a softmax, so regions and pictures are weighed against the background phrases.

    Beside what `CropTower` takes it takes the tokenizer of the same checkpoint.
    """

    marks: ClassVar[tuple[str, str, str]]
    """Start, end and padding, as the tokenizer file spells them."""
    length: ClassVar[int]
    """Tokens that are read of a text, start and end included."""

    def __init__(
        self, model: Any, tokenizer: MarkedTokenizer, pixels: Pixels, config: Config, *, revision: str
    ) -> None:
        super().__init__(
            model,
            pixels,
            config,
            revision=revision,
            score=Score(model.logit_scale.detach().float().exp().item(), None),
            width=model.config.projection_dim,
            text=f"As its tokenizer has it; read to {self.length} tokens.",
        )
        self._tokenizer = tokenizer

    @classmethod
    def over(cls, model: Any, folder: Path, pixels: Pixels, config: Config, revision: str) -> Self:
        """See `CropTower.over`."""
        text = model.config.text_config
        tokenizer = MarkedTokenizer.load(folder, cls.marks, entries=text.vocab_size, pad=text.pad_token_id)
        return cls(model, tokenizer, pixels, config, revision=revision)

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, h*w, D)` tokens of the last block, in a dense mode as its recipe has it; without the class token."""
        vision = self.model.vision_model
        pixels = torch.stack(inputs).to(self.dtype)  # (B, 3, rows, columns)
        if self.card.region_mode == "crop":
            return vision(pixel_values=pixels, interpolate_pos_encoding=True).last_hidden_state[:, 1:]
        hidden = vision.pre_layrnorm(vision.embeddings(pixels, interpolate_pos_encoding=True))  # (B, 1 + h*w, D)
        *layers, last = vision.encoder.layers
        for layer in layers:
            hidden = layer(hidden, None)
        return last_block(self.card.region_mode, last, hidden, grids[0])

    def dense(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(B, h*w, D)` tokens through the projection of pictures, `(B, h*w, width)`."""
        return self.model.visual_projection(self.model.vision_model.post_layernorm(tokens))

    def pictures(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, width)` by the class token."""
        pixels = torch.stack(inputs).to(self.dtype)  # (B, 3, rows, columns)
        pooled = self.model.vision_model(pixel_values=pixels, interpolate_pos_encoding=True).pooler_output  # (B, D)
        return self.model.visual_projection(pooled)

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        """Ids that are read of `phrase`, marks included, and how many it would need."""
        return self._tokenizer.ids(phrase, self.length), self._tokenizer.count(phrase)

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(width,)` by the first token; without padding there is nothing to be masked."""
        states = self.model.text_model(input_ids=torch.tensor([ids], device=self.device)).last_hidden_state
        return self.model.text_projection(states[0, 0])
