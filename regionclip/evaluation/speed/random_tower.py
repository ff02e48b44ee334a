"""FG-CLIP 2 of a released size with random weights: its speed is the real one, what it says means nothing."""

from typing import Literal

import torch
from tokenizers import Tokenizer, models

from regionclip.errors import ConfigError
from regionclip.towers.device import choose_device, choose_dtype
from regionclip.towers.fgclip2.config import FGCLIP2Config, TextConfig, VisionConfig
from regionclip.towers.fgclip2.model import FGCLIP2Model
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.towers.gemma import PhraseTokenizer

SIZES = {"base": (768, 3072, 12, 12), "large": (1024, 4096, 24, 16), "so400m": (1152, 4304, 27, 16)}
"""Width, MLP width, layers and heads of the vision tower; a real checkpoint's are read from its config.json."""


def random_fgclip2(
    size: str, *, device: str = "auto", dtype: str = "auto", budget: int | Literal["dynamic"] = "dynamic"
) -> FGCLIP2Tower:
    """A tower with random vision weights and next to no text side.

    Raises:
        ConfigError: for a size that is not `base`, `large` or `so400m`, or a device or dtype that cannot be had.
    """
    if size not in SIZES:
        raise ConfigError(f"random weights: expected a size of {', '.join(SIZES)}, got {size!r}")
    width, mlp, layers, heads = SIZES[size]
    config = FGCLIP2Config(TextConfig(width, mlp, 1, heads, vocab_size=8), VisionConfig(width, mlp, layers, heads))
    place = choose_device(device)
    torch.manual_seed(0)
    model = FGCLIP2Model(config).eval().to(place, choose_dtype(dtype, place))
    tokenizer = PhraseTokenizer(Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1, "<unk>": 2}, "<unk>")))
    return FGCLIP2Tower(model, tokenizer, name=f"fgclip2-{size}, random weights", revision="random", budget=budget)
