"""The sizes of an FG-CLIP 2 model, as its config.json gives them.

Fields that a file leaves out take the defaults of the official configuration (which describe the base model).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from transformers import Siglip2Config
from transformers.activations import ACT2FN

from regionclip.errors import WeightsError


@dataclass(frozen=True, slots=True)
class _Encoder:
    """What both towers have; the names are those of the file."""

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    hidden_act: str = "gelu_pytorch_tanh"
    layer_norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.type is int and not (isinstance(value, int) and not isinstance(value, bool) and value > 0):
                raise ValueError(f"{item.name}: expected a whole number above 0, got {value!r}")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(f"hidden_size {self.hidden_size} does not divide by {self.num_attention_heads} heads")
        if self.hidden_act not in ACT2FN:
            raise ValueError(f"hidden_act: transformers knows no activation {self.hidden_act!r}")
        if not (isinstance(self.layer_norm_eps, float) and self.layer_norm_eps > 0):
            raise ValueError(f"layer_norm_eps: expected a number above 0, got {self.layer_norm_eps!r}")

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Take the known fields of a JSON object; the others are of no use here."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known and value is not None})


@dataclass(frozen=True, slots=True)
class TextConfig(_Encoder):
    """Text tower.

    Attributes:
        max_position_embeddings: tokens that the short and the box head read.
        longtext_len: tokens that the long head reads.
        keep_len: first positions of long texts, which keep the positions of short ones.
        projection_size: channels of the short head's output; 0 means `hidden_size`.
    """

    vocab_size: int = 32000
    max_position_embeddings: int = 64
    longtext_len: int = 196
    keep_len: int = 20
    projection_size: int = 0

    def __post_init__(self) -> None:
        if self.projection_size == 0:
            object.__setattr__(self, "projection_size", self.hidden_size)
        _Encoder.__post_init__(self)  # by name: zero-argument super() does not work in a slotted dataclass
        if self.keep_len > self.longtext_len:
            raise ValueError(f"keep_len {self.keep_len} is more than longtext_len {self.longtext_len}")


@dataclass(frozen=True, slots=True)
class VisionConfig(_Encoder):
    """Vision tower.

    Attributes:
        num_channels: of the picture.
        num_patches: learnt positions, a square grid.
        patch_size: side of a patch in pixels.
    """

    num_channels: int = 3
    num_patches: int = 256
    patch_size: int = 16

    def __post_init__(self) -> None:
        _Encoder.__post_init__(self)
        if math.isqrt(self.num_patches) ** 2 != self.num_patches:
            raise ValueError(f"num_patches: expected a square number, got {self.num_patches}")

    @property
    def side(self) -> int:
        """Rows, and columns, of the learnt position grid."""
        return math.isqrt(self.num_patches)


@dataclass(frozen=True, slots=True)
class FGCLIP2Config:
    """Sizes of both towers."""

    text: TextConfig = field(default_factory=TextConfig)
    vision: VisionConfig = field(default_factory=VisionConfig)

    @classmethod
    def parse(cls, data: Mapping[str, Any], where: str) -> Self:
        """Read the object of a config.json.

        Args:
            data: with `text_config` and `vision_config`.
            where: name of the file, for the message.

        Raises:
            WeightsError: a value cannot be used.
        """
        try:
            text, vision = data.get("text_config") or {}, data.get("vision_config") or {}
            return cls(TextConfig.parse(text), VisionConfig.parse(vision))
        except (AttributeError, TypeError, ValueError) as error:
            raise WeightsError(f"{where}: not the configuration of an FG-CLIP 2 model: {error}") from error

    def native(self) -> Siglip2Config:
        """What transformers' Siglip2 classes need of it."""
        own = {"longtext_len", "keep_len"}
        text, vision = (
            {item.name: getattr(part, item.name) for item in fields(part) if item.name not in own}
            for part in (self.text, self.vision)
        )
        # Ids play no part in the network; transformers' defaults are CLIP's, and it warns of them.
        ids = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
        return Siglip2Config(text_config=text | ids, vision_config=vision)
