"""TIPSv2: pictures and English texts, trained so that patches say what is where too (https://arxiv.org/abs/2604.12012).

Its zero-shot segmentation reads patches as MaskCLIP does, values of the last block in place of its attention, with all
else of the block kept (github.com/google-deepmind/tips, pytorch/TIPS_zeroshot_segmentation.ipynb): mode `maskclip`.

Letters: B frames or crops, D channels, h x w feature grid.
"""

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import torch
from PIL import Image
from tokenizers import Tokenizer as TokenizerFile
from transformers import Tipsv2Model

from regionclip.config import Config
from regionclip.errors import WeightsError
from regionclip.towers.base import Target
from regionclip.towers.card import FACTS, Score
from regionclip.towers.checkpoints.hub import CONFIG, TOKENIZER
from regionclip.towers.crops import CropTower, Natives
from regionclip.towers.gemma import read_tokenizer
from regionclip.towers.preprocess import Pixels
from regionclip.towers.trunk import Grid

_SIZES: Final = {
    "vit_base": (12, 12, 4),
    "vit_large": (24, 16, 4),
    "vit_so400m": (27, 16, 4304 / 1152),
    "vit_giant2": (40, 24, 4),
}
"""Layers, heads and MLP ratio of the vision side, by `vision_fn` of a released config.json."""

_RENAMED: Final = (
    ("text_encoder.transformer.resblocks.", "text_model.encoder.layers."),
    ("text_encoder.ln_final.", "text_model.final_layer_norm."),
    ("text_encoder.", "text_model.embeddings."),
    ("vision_encoder.blocks.", "vision_model.encoder.layer."),
    ("vision_encoder.norm.", "vision_model.layernorm."),
    ("vision_encoder.patch_embed.proj.", "vision_model.embeddings.patch_embeddings.projection."),
    ("vision_encoder.pos_embed", "vision_model.embeddings.position_embeddings"),
    ("vision_encoder.", "vision_model.embeddings."),
    *((f".ln_{i}.", f".layer_norm{i}.") for i in (1, 2)),
    *((f".ls{i}.gamma", f".layer_scale{i}.lambda1") for i in (1, 2)),
    (".attn.out_proj.", ".self_attn.out_proj."),
    (".attn.proj.", ".attention.o_proj."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
    (".mlp.w3.", ".mlp.down_proj."),
)
"""Parts of names in the files, which `save_pretrained` keeps, and in the class."""

_JOINED: Final = (
    (".attn.in_proj_", [f".self_attn.{each}_proj." for each in "qkv"]),
    (".attn.qkv.", [f".attention.{each}_proj." for each in "qkv"]),
    (".mlp.w12.", [".mlp.gate_proj.", ".mlp.up_proj."]),
)
"""Tensors that are one in the files, and several in the class."""


class TIPSv2Tower(CropTower):
    """TIPSv2 as a `Tower` (regionclip/towers/base.py).

    Beside what `CropTower` takes it takes the tokenizer of the same checkpoint.
    """

    facts = FACTS["tipsv2"]
    natives: ClassVar[Natives] = {
        "tipsv2": (Tipsv2Model, Pixels(Image.Resampling.BILINEAR, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    }

    def __init__(self, model: Any, tokenizer: TokenizerFile, pixels: Pixels, config: Config, *, revision: str) -> None:
        vision = model.config.vision_config
        self._tokenizer, self._length = tokenizer, model.config.text_config.max_position_embeddings
        self._others = 1 + vision.num_register_tokens  # class tokens: its register is a second one
        super().__init__(
            model,
            pixels,
            config,
            revision=revision,
            score=Score(1 / model.temperature.detach().float().item(), None),
            width=vision.hidden_size,
            text=f"Lower-cased; read to {self._length} tokens.",
        )

    @classmethod
    def over(cls, model: Any, folder: Path, pixels: Pixels, config: Config, revision: str) -> Self:
        """See `CropTower.over`."""
        tokenizer, most = read_tokenizer(folder), model.config.text_config.vocab_size
        pad, entries = tokenizer.token_to_id("<pad>"), tokenizer.get_vocab_size()
        if pad != 0 or entries > most:
            raise WeightsError(
                f"{folder / TOKENIZER}: expected a token <pad> with id 0 and at most {most} entries, got id {pad} and "
                f"{entries} entries: a tokenizer of another tower"
            )
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(model, tokenizer, pixels, config, revision=revision)

    @classmethod
    def native_notes(cls, notes: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `CropTower.native_notes`; released ones are flat, and of a class of the authors' own.

        Raises:
            WeightsError: it is flat and lacks something, or is of a size that is not known.
        """
        try:
            return _nested(notes) if "vision_fn" in notes else notes
        except KeyError as error:
            raise WeightsError(
                f"{CONFIG} of TIPSv2: expected a known size with all its fields, got no {error}"
            ) from error

    @classmethod
    def native_tensors(cls, tensors: Mapping[str, torch.Tensor], config: Any) -> Mapping[str, torch.Tensor]:
        """See `CropTower.native_tensors`; the temperature is in config.json where the files have none."""
        named = {"temperature": torch.tensor(config.temperature_init_value)}
        for name, tensor in tensors.items():
            own = reduce(lambda text, pair: text.replace(*pair), _RENAMED, name)
            joined, parts = next((pair for pair in _JOINED if pair[0] in own), ("", [""]))
            split = tensor.chunk(len(parts)) if joined and tensor.ndim else [tensor]
            # Of a damaged one there may be fewer: the others are missing then, and told so.
            named |= {own.replace(joined, part): each for part, each in zip(parts, split, strict=False)}
        return named

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, h*w, D)` tokens of the last block, in mode `maskclip` by its values; without class tokens."""
        vision = self.model.vision_model
        pixels = torch.stack(inputs).to(self.dtype)  # (B, 3, rows, columns)
        if self.card.region_mode == "crop":
            return vision(pixel_values=pixels).last_hidden_state[:, self._others :]
        hidden = vision.embeddings(pixels)  # (B, others + h*w, D)
        *layers, last = vision.encoder.layer
        for layer in layers:
            hidden = layer(hidden)
        values = last.attention.o_proj(last.attention.v_proj(last.norm1(hidden)))
        hidden = hidden + last.layer_scale1(values)
        return (hidden + last.layer_scale2(last.mlp(last.norm2(hidden))))[:, self._others :]

    def dense(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(B, h*w, D)` after the last LayerNorm."""
        return self.model.vision_model.layernorm(tokens)

    def pictures(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, D)` by the first class token, that of captions from the web."""
        return self.model.vision_model(pixel_values=torch.stack(inputs).to(self.dtype)).pooler_output

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        """Ids that are read of `phrase`, without start and end, and how many it would need."""
        ids = self._tokenizer.encode(phrase.lower(), add_special_tokens=False).ids
        return ids[: self._length], len(ids)

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(D,)`, the mean of all tokens; without padding there is nothing to be masked."""
        return self.model.text_model(input_ids=torch.tensor([ids], device=self.device)).pooler_output[0]


def _nested(notes: Mapping[str, Any]) -> dict[str, Any]:
    """A flat config.json as transformers' class has it."""
    layers, heads, ratio = _SIZES[notes["vision_fn"]]
    vision = {
        "hidden_size": notes["embed_dim"], "num_hidden_layers": layers, "num_attention_heads": heads,
        "mlp_ratio": ratio, "use_swiglu_ffn": notes["ffn_layer"] == "swiglu", "image_size": notes["img_size"],
        "patch_size": notes["patch_size"], "num_register_tokens": notes["num_register_tokens"],
    }  # fmt: skip
    text = {
        "vocab_size": notes["vocab_size"], "hidden_size": notes["text_hidden_size"],
        "intermediate_size": notes["text_mlp_dim"], "num_hidden_layers": notes["text_num_layers"],
        "num_attention_heads": notes["text_num_heads"], "max_position_embeddings": notes["max_len"],
    }  # fmt: skip
    return {"text_config": text, "vision_config": vision, "temperature_init_value": notes["temperature"]}
