"""SigLIP 2 on transformers' own classes: fixed resolution (`siglip`) and variable (`siglip2`, NaFlex).

Trained on whole pictures in many languages with a sigmoid: each pair of picture and text has a probability of its own
(https://arxiv.org/abs/2502.14786). Its tokens are not in the space of texts, so regions are crops. `dense-approx` pools
what the pooling head would make of each token alone: nothing measured, much quicker.

Letters: B frames or crops, D channels, h x w feature grid, n patches a batch is padded to.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Final

import torch
from PIL import Image
from torch.nn.functional import linear
from torch.nn.utils.rnn import pad_sequence
from transformers import Siglip2Model, SiglipModel

from regionclip.errors import WeightsError
from regionclip.towers.base import Frame, Target
from regionclip.towers.card import FACTS, Score, TowerCard, TowerFacts
from regionclip.towers.crops import Choices, CropTower
from regionclip.towers.gemma import PAD, PhraseTokenizer
from regionclip.towers.hub import CONFIG, Checkpoint
from regionclip.towers.loading import fingerprint, read_json, read_native
from regionclip.towers.preprocess import BUDGETS, Pixels, cut_patches, read_budget
from regionclip.towers.trunk import Grid

# A sigmoid that is trained on one right text among thousands of wrong ones: right ones often stay below 0.5 (the
# example in transformers' documentation: 0.32), wrong ones near 0. Not measured: no released weights were at hand.
_THRESHOLD: Final = 0.1

_PIXELS: Final = Pixels(Image.Resampling.BICUBIC, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""What transformers' SiglipImageProcessor does where no file says otherwise; the files of SigLIP 2 say bilinear."""

_NAFLEX_BUDGET: Final = 256


class SigLIP2Tower(CropTower[Any]):
    """SigLIP 2 as a `Tower` (regionclip/towers/base.py): what both kinds share.

    Args:
        model: `native` in evaluation mode; its weights must not change any more.
        tokenizer: of the same checkpoint.
        pixels: how pictures are prepared.
        choices: name, budget, region mode.
        revision: fingerprint of the weights.

    Raises:
        ConfigError: for a budget that cannot be.
        WeightsError: text and vision side, or model and tokenizer, do not fit each other.
    """

    facts: ClassVar[TowerFacts] = FACTS["siglip2"]
    native: ClassVar[Any]
    """The class of transformers."""

    def __init__(
        self, model: Any, tokenizer: PhraseTokenizer, pixels: Pixels, choices: Choices, *, revision: str
    ) -> None:
        text, vision = model.config.text_config, model.config.vision_config
        _check(text, vision, tokenizer)
        side = None if self.pads else vision.image_size // vision.patch_size
        budgets = BUDGETS if side is None else (side**2,)
        budget = choices.budget or (_NAFLEX_BUDGET if side is None else side**2)
        score = Score(model.logit_scale.detach().float().exp().item(), model.logit_bias.detach().float().item())
        card = TowerCard(
            name=choices.name,
            revision=revision,
            licence=self.facts.licence,
            languages=self.facts.languages_of(choices.name),
            region_mode=choices.region_mode or self.facts.modes[0],
            width=vision.hidden_size,
            text=f"Lower-cased, padded; read to {text.max_position_embeddings} tokens.",
            region_score=score,
            image_score=score,
            threshold=_THRESHOLD,
            patch=vision.patch_size,
            budgets=budgets,
            budget=read_budget(budget, budgets),
        )
        super().__init__(model, card, choices.context, side)
        self.tokenizer = tokenizer
        self._pixels = pixels
        self._length: int = text.max_position_embeddings

    @classmethod
    def read_checkpoint(
        cls, checkpoint: Checkpoint, choices: Choices, *, device: torch.device, dtype: torch.dtype
    ) -> "SigLIP2Tower":
        """The tower of the kind that config.json says."""
        folder = checkpoint.folder
        notes = read_json(folder / CONFIG)
        if (kind := _KINDS.get(str(notes.get("model_type")))) is None:
            raise WeightsError(
                f"{folder / CONFIG}: expected model_type {' or '.join(_KINDS)}, got {notes.get('model_type')!r}"
            )
        tokenizer, pixels = PhraseTokenizer.load(folder), Pixels.read(folder, _PIXELS)
        if isinstance(text := notes.get("text_config"), dict):
            # Ids play no part in the network; transformers' defaults are CLIP's, and it warns of them.
            notes["text_config"] = text | {"pad_token_id": PAD, "bos_token_id": None, "eos_token_id": None}
        model = read_native(kind.native, notes, folder, dtype=dtype, device=device)
        return kind(model, tokenizer, pixels, choices, revision=fingerprint(checkpoint))

    @abstractmethod
    def run(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> Any:
        """What the vision model says: tokens `(B, n, D)` after the last LayerNorm, and pooled `(B, D)`."""

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(3, h*patch, w*patch)` in the units of the training."""
        h, w = self.grid_of(frame)
        return self._pixels.prepare(frame, (h * self.card.patch, w * self.card.patch), self.device)

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, n, D)` tokens after the last LayerNorm."""
        return self.run(inputs, grids, mask).last_hidden_state

    def pictures(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, D)` by the pooling head."""
        return self.run(inputs, grids, mask).pooler_output

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


class FixedSigLIP2(SigLIP2Tower):
    """SigLIP 2 of fixed resolution: pictures are squeezed to a square, positions interpolated for other grids."""

    native = SiglipModel

    def prepare(self, picture: Frame) -> torch.Tensor:
        """As trained: 384 pixels for 27 patches of 14, whose last 6 the network does not see.

        `preprocess` makes 378 of the frame instead, so that the cells cover all of it and only it.
        """
        side: int = self.model.config.vision_config.image_size
        if self.card.budget != (side // self.card.patch) ** 2:
            return self.preprocess(picture)
        return self._pixels.prepare(picture, (side, side), self.device)

    def run(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> Any:
        """See `SigLIP2Tower.run`."""
        pixels = torch.stack(inputs).to(self.dtype)  # (B, 3, rows, columns)
        return self.model.vision_model(pixel_values=pixels, interpolate_pos_encoding=True)


class NaFlexSigLIP2(SigLIP2Tower):
    """SigLIP 2 of variable resolution: pictures keep their shape, cut into at most so many patches."""

    native = Siglip2Model
    pads: ClassVar[bool] = True

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(h*w, 3*patch**2)` patches in the units of the training."""
        return cut_patches(super().preprocess(frame), self.card.patch)

    def run(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> Any:
        """See `SigLIP2Tower.run`."""
        pixels = pad_sequence(inputs, batch_first=True).to(self.dtype)  # (B, n, 3*patch**2)
        shapes = torch.tensor(grids, device=self.device)  # (B, 2)
        return self.model.vision_model(pixel_values=pixels, pixel_attention_mask=mask, spatial_shapes=shapes)


_KINDS: Final[dict[str, type[SigLIP2Tower]]] = {"siglip": FixedSigLIP2, "siglip2": NaFlexSigLIP2}
"""By `model_type` of config.json."""


def _check(text: Any, vision: Any, tokenizer: PhraseTokenizer) -> None:
    if not text.projection_size == vision.hidden_size:
        raise WeightsError(
            "config.json: expected equal text projection_size and vision hidden_size, got "
            f"{text.projection_size} and {vision.hidden_size}"
        )
    if not vision.vision_use_head:
        raise WeightsError("config.json: expected vision_use_head true, got false: no picture can be embedded")
    if tokenizer.size > text.vocab_size:
        raise WeightsError(
            f"tokenizer.json: expected at most {text.vocab_size} entries, as config.json says, got {tokenizer.size}: "
            "a tokenizer of another tower"
        )
