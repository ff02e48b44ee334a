"""ClipTower: what Chinese-CLIP and AltCLIP share; each says its class of transformers, its text, its licence.

Letters: B frames or crops, D channels, h x w feature grid.
"""

from typing import Any, ClassVar, Final

import torch
from PIL import Image

from regionclip.towers.base import Frame, Target
from regionclip.towers.card import BANK, Score, TowerCard
from regionclip.towers.clip.recipes import last_block
from regionclip.towers.clip.text import MarkedTokenizer, Marks
from regionclip.towers.crops import Choices, CropTower
from regionclip.towers.hub import CONFIG, Checkpoint
from regionclip.towers.loading import fingerprint, read_json, read_native
from regionclip.towers.preprocess import Pixels, read_budget
from regionclip.towers.trunk import Grid

_PIXELS: Final = Pixels(
    Image.Resampling.BICUBIC, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
)
"""CLIP's own, where no file says otherwise."""

# A score is the share against the bank of background phrases, as with FG-CLIP 2. Not measured: no released weights were
# at hand.
_THRESHOLD: Final = 0.5


class ClipTower(CropTower[Any]):
    """A CLIP as a `Tower` (regionclip/towers/base.py).

    Frames are squeezed to the square of the training; the centre is not cut out of them, or boxes beside it would be
    lost. Scores are a softmax, so regions and pictures are weighed against the background phrases.

    Args:
        model: `native` in evaluation mode; its weights must not change any more.
        tokenizer: of the same checkpoint.
        pixels: how pictures are prepared.
        choices: name, budget, region mode.
        revision: fingerprint of the weights.

    Raises:
        ConfigError: for a budget that cannot be.
    """

    native: ClassVar[Any]
    """The class of transformers."""
    renamed: ClassVar[tuple[str, str]] = ("", "")
    """As in `read_native`."""
    marks: ClassVar[Marks]
    length: ClassVar[int]
    """Tokens that are read of a text, marks included."""

    def __init__(
        self, model: Any, tokenizer: MarkedTokenizer, pixels: Pixels, choices: Choices, *, revision: str
    ) -> None:
        vision = model.config.vision_config
        side = vision.image_size // vision.patch_size
        languages = self.facts.languages_of(choices.name)
        score = Score(model.logit_scale.detach().float().exp().item(), None)
        card = TowerCard(
            name=choices.name,
            revision=revision,
            licence=self.facts.licence,
            languages=languages,
            region_mode=choices.region_mode or self.facts.modes[0],
            width=model.config.projection_dim,
            text=f"As its tokenizer has it; read to {self.length} tokens.",
            region_score=score,
            image_score=score,
            threshold=_THRESHOLD,
            patch=vision.patch_size,
            budgets=(side**2,),
            budget=read_budget(side**2 if choices.budget is None else choices.budget, (side**2,)),
            negatives=tuple(phrase for phrase in BANK if ("en" if phrase.isascii() else "zh") in languages),
            notice=self.facts.notice,
        )
        super().__init__(model, card, choices.context, side)
        self._tokenizer = tokenizer
        self._pixels = pixels

    @classmethod
    def read_checkpoint(
        cls, checkpoint: Checkpoint, choices: Choices, *, device: torch.device, dtype: torch.dtype
    ) -> "ClipTower":
        """See `CropTower.read_checkpoint`."""
        folder = checkpoint.folder
        notes, pixels = read_json(folder / CONFIG), Pixels.read(folder, _PIXELS)
        model = read_native(cls.native, notes, folder, dtype=dtype, device=device, renamed=cls.renamed)
        text = model.config.text_config
        tokenizer = MarkedTokenizer.load(folder, cls.marks, entries=text.vocab_size, pad=text.pad_token_id)
        return cls(model, tokenizer, pixels, choices, revision=fingerprint(checkpoint))

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(3, h*patch, w*patch)` in the units of the training."""
        h, w = self.grid_of(frame)
        return self._pixels.prepare(frame, (h * self.card.patch, w * self.card.patch), self.device)

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
