"""SigLIP 2 on transformers' own classes: fixed resolution (`siglip`) and variable (`siglip2`, NaFlex).

Trained on whole pictures in many languages with a sigmoid: each pair of picture and text has a probability of its own
(https://arxiv.org/abs/2502.14786). Its tokens are not in the space of texts, so regions are crops. `dense-approx` pools
what the pooling head would make of each token alone: nothing measured, much quicker.

Letters: B frames or crops, D channels, h x w feature grid, n patches a batch is padded to.
"""

from pathlib import Path
from typing import Any, ClassVar, Final, Self

import torch
from PIL import Image
from torch.nn.functional import linear
from torch.nn.utils.rnn import pad_sequence
from transformers import Siglip2Model, SiglipModel

from regionclip.config import Config
from regionclip.errors import WeightsError
from regionclip.towers.base import Frame, Target
from regionclip.towers.card import FACTS, Score
from regionclip.towers.crops import CropTower, Natives
from regionclip.towers.gemma import PAD, PhraseTokenizer
from regionclip.towers.preprocess import Pixels, cut_patches
from regionclip.towers.trunk import Grid

_HALF: Final = (0.5, 0.5, 0.5)


class SigLIP2Tower(CropTower):
    """SigLIP 2 as a `Tower` (regionclip/towers/base.py).

    Of fixed resolution it squeezes pictures to a square; NaFlex keeps their shape, cut into at most so many patches.

    Beside what `CropTower` takes it takes the tokenizer of the same checkpoint.
    """

    facts = FACTS["siglip2"]
    # A sigmoid that is trained on one right text among thousands of wrong ones: right ones often stay below 0.5 (the
    # example in transformers' documentation: 0.32), wrong ones near 0. Not measured: no released weights were at hand.
    threshold = 0.1
    natives: ClassVar[Natives] = {
        "siglip": (SiglipModel, Pixels(Image.Resampling.BICUBIC, _HALF, _HALF)),
        "siglip2": (Siglip2Model, Pixels(Image.Resampling.BILINEAR, _HALF, _HALF)),
    }

    def __init__(
        self, model: Any, tokenizer: PhraseTokenizer, pixels: Pixels, config: Config, *, revision: str
    ) -> None:
        self.pads = isinstance(model, Siglip2Model)
        self.tokenizer, self._length = tokenizer, int(model.config.text_config.max_position_embeddings)
        super().__init__(
            model,
            pixels,
            config,
            revision=revision,
            score=Score(model.logit_scale.detach().float().exp().item(), model.logit_bias.detach().float().item()),
            width=model.config.vision_config.hidden_size,
            text=f"Lower-cased, padded; read to {self._length} tokens. {tokenizer.note}".rstrip(),
            is_square=not self.pads,
        )

    @classmethod
    def over(cls, model: Any, folder: Path, pixels: Pixels, config: Config, revision: str) -> Self:
        """See `CropTower.over`."""
        text, vision = model.config.text_config, model.config.vision_config
        tokenizer = PhraseTokenizer.load(folder, text.vocab_size)
        if text.projection_size != vision.hidden_size or not vision.vision_use_head:
            raise WeightsError(
                f"{folder}: expected a pooling head, and text projection_size equal to vision hidden_size, got "
                f"vision_use_head {vision.vision_use_head}, {text.projection_size} and {vision.hidden_size}"
            )
        return cls(model, tokenizer, pixels, config, revision=revision)

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(3, h*patch, w*patch)`, of NaFlex `(h*w, 3*patch**2)` patches, in the units of the training."""
        image = super().preprocess(frame)
        return cut_patches(image, self.card.patch) if self.pads else image

    def prepare(self, picture: Frame) -> torch.Tensor:
        """As trained: 384 pixels for 27 patches of 14, whose last 6 the network does not see.

        `preprocess` makes 378 of the frame instead, so that the cells cover all of it and only it.
        """
        if self._side is None or self.card.budget != self._side**2:
            return self.preprocess(picture)
        side: int = self.model.config.vision_config.image_size
        return self._pixels.prepare(picture, (side, side), self.device)

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, n, D)` tokens after the last LayerNorm."""
        return self._run(inputs, grids, mask).last_hidden_state

    def pictures(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, D)` by the pooling head."""
        return self._run(inputs, grids, mask).pooler_output

    def _run(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> Any:
        run = self.model.vision_model
        if not self.pads:
            return run(pixel_values=torch.stack(inputs).to(self.dtype), interpolate_pos_encoding=True)
        pixels = pad_sequence(inputs, batch_first=True).to(self.dtype)  # (B, n, 3*patch**2)
        shapes = torch.tensor(grids, device=self.device)  # (B, 2)
        return run(pixel_values=pixels, pixel_attention_mask=mask, spatial_shapes=shapes)

    def dense(self, tokens: torch.Tensor) -> torch.Tensor:
        """What the pooling head makes of each token where it is the only one: `(B, n, D)`.

        A softmax over one key is 1, so of the attention its value and output projections are left, as in MaskCLIP
        (https://arxiv.org/abs/2112.01071).
        """
        head = self.model.vision_model.head
        weight, bias = head.attention.in_proj_weight.chunk(3)[2], head.attention.in_proj_bias.chunk(3)[2]  # (D, D), (D)
        mixed = head.attention.out_proj(linear(tokens, weight, bias))  # (B, n, D)
        return mixed + head.mlp(head.layernorm(mixed))

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        """Ids that are read of `phrase`, end token included, and how many it would need."""
        needed = self.tokenizer.count(phrase)
        return self.tokenizer.ids(phrase, min(needed, self._length)), needed

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(D,)`, read at the last position, padding or not."""
        padded = torch.tensor([ids + [PAD] * (self._length - len(ids))], device=self.device)  # (1, length)
        return self.model.text_model(input_ids=padded).pooler_output[0]
