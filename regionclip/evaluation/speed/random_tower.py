"""Towers and a detector of released sizes, random weights: their speed is the real one, what they say means nothing."""

from collections.abc import Iterator
from typing import Any, Final, Literal

import torch
import transformers
from tokenizers import Tokenizer

from proposals.learned.detr import DetrProposer
from regionclip.config import Config
from regionclip.errors import ConfigError
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS, TOKENIZER
from regionclip.towers.clip.chinese_clip import ChineseCLIPTower
from regionclip.towers.clip.text import MarkedTokenizer
from regionclip.towers.crops import CropTower
from regionclip.towers.device import choose_device, choose_dtype
from regionclip.towers.fgclip2.config import FGCLIP2Config, TextConfig, VisionConfig
from regionclip.towers.fgclip2.model import FGCLIP2Model
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.towers.gemma import PhraseTokenizer
from regionclip.towers.siglip2 import SigLIP2Tower

SIZES = {"base": (768, 3072, 12, 12), "large": (1024, 4096, 24, 16), "so400m": (1152, 4304, 27, 16)}
"""Width, MLP width, layers and heads of both sides; a real checkpoint's are read from its config.json."""

_CROP_TOWERS: Final[dict[str, tuple[Any, str, dict[str, int]]]] = {
    "siglip2-base": (SigLIP2Tower, "siglip", {"image_size": 256, "patch_size": 16}),
    "siglip2-base-naflex": (SigLIP2Tower, "siglip2", {"num_patches": 256, "patch_size": 16}),
    "chinese-clip-base": (ChineseCLIPTower, "chinese_clip", {"image_size": 224, "patch_size": 16}),
}
"""Those that have a base size: class, `model_type`, what is its own on the vision side. AltCLIP has none."""

# As D-FINE small's authors release it for Objects365: configs/dfine/objects365/dfine_hgnetv2_s_obj365.yml and
# configs/dfine/include/dfine_hgnetv2.yml of github.com/Peterande/D-FINE, backbone HGNetV2-B0 (arXiv 2410.13842). With
# 80 classes they make the 41.4 MB of float32 that the released file of that many classes has.
_BACKBONE: Final = {
    "stem_channels": [3, 16, 16],
    "stage_in_channels": [16, 64, 256, 512],
    "stage_mid_channels": [16, 32, 64, 128],
    "stage_out_channels": [64, 256, 512, 1024],
    "stage_num_blocks": [1, 1, 2, 1],
    "stage_numb_of_layers": [3, 3, 3, 3],
    "embedding_size": 32,
    "hidden_sizes": [128, 256, 512, 1024],
    "use_learnable_affine_block": True,
    "out_features": ["stage2", "stage3", "stage4"],
}
_DETECTOR: Final = {
    "encoder_in_channels": [256, 512, 1024],
    "depth_mult": 0.34,
    "hidden_expansion": 0.5,
    "decoder_layers": 3,
    "decoder_n_points": [3, 6, 3],
    "num_labels": 366,
}


def random_fgclip2(
    size: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    budget: int | Literal["dynamic"] = "dynamic",
    text: bool = False,
) -> FGCLIP2Tower:
    """A tower with random vision weights and next to no text side, or the other way round.

    Args:
        size: `base`, `large` or `so400m`.
        device: see `choose_device`.
        dtype: see `choose_dtype`.
        budget: most patches a frame.
        text: the whole text side, which reads as `tiny` does, and one layer of the vision side.

    Raises:
        ConfigError: for a size that is not `base`, `large` or `so400m`, or a device or dtype that cannot be had.
    """
    if size not in SIZES:
        raise ConfigError(f"random weights: expected a size of {', '.join(SIZES)}, got {size!r}")
    width, mlp, layers, heads = SIZES[size]
    text_layers, vision_layers = (layers, 1) if text else (1, layers)
    tokenizer = Tokenizer.from_file(str(TINY_WEIGHTS / TOKENIZER))
    config = FGCLIP2Config(
        TextConfig(width, mlp, text_layers, heads, vocab_size=tokenizer.get_vocab_size()),
        VisionConfig(width, mlp, vision_layers, heads),
    )
    place = choose_device(device)
    torch.manual_seed(0)
    model = FGCLIP2Model(config).eval().to(place, choose_dtype(dtype, place))
    return FGCLIP2Tower(
        model, PhraseTokenizer(tokenizer), name=f"fgclip2-{size}, random weights", revision="random", budget=budget
    )


def random_crop_towers(device: str, dtype: str) -> Iterator[CropTower]:
    """Towers of base size whose regions are crops, with random vision weights and next to no text side."""
    place = choose_device(device)
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    vision = dict(zip(names, SIZES["base"], strict=True))
    file = Tokenizer.from_file(str(TINY_WEIGHTS / TOKENIZER))
    text: dict[str, int | None] = {**vision, "num_hidden_layers": 1, "vocab_size": file.get_vocab_size()}
    text |= {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}  # transformers warns of its own defaults
    for name, (kind, model_type, own) in _CROP_TOWERS.items():
        native, pixels = kind.natives[model_type]
        torch.manual_seed(0)
        model = native(native.config_class(text_config=text, vision_config=vision | own))
        model.eval().to(place, choose_dtype(dtype, place))
        tokenizer = PhraseTokenizer(file) if kind is SigLIP2Tower else MarkedTokenizer(file, start=0, end=1)
        yield kind(model, tokenizer, pixels, Config(name=name, tower=name), revision="random")


def random_dfine_small(device: str = "auto") -> DetrProposer:
    """The proposer of preset `photo`, D-FINE small, which squeezes each frame to 640 x 640 pixels."""
    library: Any = transformers  # its configurations take more than their signatures say
    torch.manual_seed(0)
    config = library.DFineConfig(backbone_config=library.HGNetV2Config(**_BACKBONE), **_DETECTOR)
    model = library.DFineForObjectDetection(config).to(choose_device(device))
    return DetrProposer(model, library.RTDetrImageProcessor(size={"height": 640, "width": 640}))
