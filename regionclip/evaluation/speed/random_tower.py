"""FG-CLIP 2 of a released size with random weights: its speed is the real one, what it says means nothing."""

from typing import Literal

import torch
from tokenizers import Tokenizer

from regionclip.errors import ConfigError
from regionclip.towers.device import choose_device, choose_dtype
from regionclip.towers.fgclip2.config import FGCLIP2Config, TextConfig, VisionConfig
from regionclip.towers.fgclip2.model import FGCLIP2Model
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.towers.gemma import PhraseTokenizer
from regionclip.towers.hub import TINY_WEIGHTS, TOKENIZER

SIZES = {"base": (768, 3072, 12, 12), "large": (1024, 4096, 24, 16), "so400m": (1152, 4304, 27, 16)}
"""Width, MLP width, layers and heads of both sides; a real checkpoint's are read from its config.json."""


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
