"""The towers regionclip knows, by name."""

from collections.abc import Callable
from pathlib import Path

import torch

from regionclip.config import Config
from regionclip.errors import ConfigError
from regionclip.towers.base import Tower
from regionclip.towers.device import choose_dtype

TINY_WEIGHTS = Path(__file__).parent.parent / "weights" / "tiny"
"""The embedded tower."""


def _tiny(config: Config, device: torch.device) -> Tower:
    from regionclip.towers.tiny import TinyTower

    # bfloat16 was measured to gain nothing at this size.
    dtype = torch.float32 if config.dtype == "auto" else choose_dtype(config.dtype, device)
    folder = Path(config.weights or TINY_WEIGHTS)
    return TinyTower.load(folder, device=device, dtype=dtype, name=config.name or config.tower, budget=config.budget)


def _fgclip2(config: Config, device: torch.device) -> Tower:
    from regionclip.towers.fgclip2.tower import FGCLIP2Tower

    if config.weights is None:
        raise ConfigError(
            "tower fgclip2 needs weights: expected a folder or hub name (--weights FOLDER), "
            "or one of the names fgclip2-base, fgclip2-large, fgclip2-so400m"
        )
    return FGCLIP2Tower.load(
        config.weights,
        name=config.name or config.tower,
        revision=config.revision,
        device=device,
        dtype=choose_dtype(config.dtype, device),
        budget=config.budget or "dynamic",
    )


TOWERS: dict[str, Callable[[Config, torch.device], Tower]] = {
    "tiny": _tiny,
    "fgclip2": _fgclip2,
}
"""Loader of each tower; heavy imports wait until one is asked for."""
