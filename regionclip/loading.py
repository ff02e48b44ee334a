"""load(): from a name or a folder to a detector.

Nothing heavy is imported before it is needed: a config with a mistake is told before torch is loaded.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from regionclip.config import AUTO, Config, config_names
from regionclip.errors import ConfigError, WeightsError
from regionclip.towers.card import FACTS
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS, check_source, on_machine

if TYPE_CHECKING:
    import torch

    from proposals.base import Proposer
    from regionclip.describe.verifier import Verifier
    from regionclip.detector import Detector
    from regionclip.towers.base import Tower
    from regionclip.words.phrase_store import PhraseStore


TOWERS = {
    "tiny": "regionclip.towers.tiny.tower.TinyTower",
    "fgclip2": "regionclip.towers.fgclip2.tower.FGCLIP2Tower",
    "siglip2": "regionclip.towers.siglip2.SigLIP2Tower",
    "chinese_clip": "regionclip.towers.clip.chinese_clip.ChineseCLIPTower",
    "altclip": "regionclip.towers.clip.altclip.AltCLIPTower",
    "metaclip_2": "regionclip.towers.clip.metaclip2.MetaCLIP2Tower",
    "tipsv2": "regionclip.towers.tipsv2.TIPSv2Tower",
}
"""Module and class of each tower, imported when one is asked for; its `load(weights, config, device)` makes it."""

MODEL_TYPES = {
    "regionclip-tiny": "tiny",
    "siglip": "siglip2",
    **{name: name for name in TOWERS if name != "tiny"},
}
"""`model_type` of a weight folder's config.json -> tower."""

_FOR_PHOTOGRAPHS = "fgclip2-base"
"""What `auto` stands for where its weights are on this machine."""


def load(
    name: str | Path | Config = AUTO,
    *,
    weights: str | Path | None = None,
    proposer: "str | Sequence[str] | Proposer | None" = None,
    preset: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> "Detector":
    """Make a detector.

    Args:
        name: a shipped config (`tiny`, `fgclip2-base`, ..., as `regionclip towers` lists them), the path of a .toml
            config, a folder of weights, a `Config`, or `auto`: the tower of `weights` where they are given, else
            `fgclip2-base` where its weights are on this machine, else `tiny`; a line on stderr says which and why.
        weights: folder or hub name of the weights, in place of the config's.
        proposer: who finds boxes where none are given: any `Proposer`, or one or more names of `regionclip proposals`,
            `detr=FOLDER` for one with weights.
        preset: `static-camera`, `moving-robot`, `photo-archive`, `none`, or the path of a .toml file: a choice of
            proposers (docs/proposals.md); `proposer` comes before it.
        device: `auto`, `cpu`, `cuda`, ...
        dtype: `auto` takes bfloat16 where the processor is fast at it; `float32`, `bfloat16`, `float16`.

    Raises:
        ConfigError: for unknown names and settings that do not fit this machine.
        WeightsError: where weights are missing, damaged or do not fit.
    """
    config = config_of(name)
    if preset is not None:
        config = config.with_preset(preset)
    config = config.changed(
        weights=None if weights is None else str(weights),
        device=None if device == "auto" else device,
        dtype=None if dtype == "auto" else dtype,
    )
    if isinstance(proposer, str | Sequence):
        config, proposer = config.with_proposers([proposer] if isinstance(proposer, str) else proposer), None
    config, why = check_loadable(config)
    from regionclip.detector import Detector
    from regionclip.proposing import make_proposer
    from regionclip.towers.device import choose_device, register_nms

    tower = make_tower(config, choose_device(config.device))
    if proposer is None:
        proposer = make_proposer(config, tower.card.head_width)
    if said := why or tower.card.notice:
        print(f"regionclip: {said}", file=sys.stderr)
    register_nms()
    return Detector(tower, proposer, config, _phrase_store(config), _verifier(config))


def make_tower(config: Config, device: "torch.device") -> "Tower":
    """The tower of a config that names one.

    Raises:
        ConfigError: no weights are named, the installed transformers does not know it, or a setting does not fit.
        WeightsError: files are missing, damaged, or do not fit.
    """
    weights = str(TINY_WEIGHTS) if config.weights is None and config.tower == "tiny" else config.weights
    if weights is None:
        names = [name for name in config_names() if Config.load(name).tower == config.tower]
        raise ConfigError(
            f"tower {config.tower} needs weights: expected a folder or hub name (--weights FOLDER), "
            f"or one of the names {', '.join(names)}"
        )
    module, _, name = TOWERS[config.tower].rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except ImportError as error:
        raise ConfigError(
            f"tower {config.tower} cannot be had of the transformers that is installed ({error}): "
            "pip install --upgrade transformers"
        ) from error
    tower: Tower = kind.load(weights, config, device)
    return tower


def _verifier(config: Config) -> "Verifier | None":
    """Who is asked about rows, if anybody is."""
    if config.verify is None:
        return None
    from regionclip.describe.describer import load as load_describer
    from regionclip.describe.verifier import Verifier

    model, context = config.verify.model, config.verify.context
    return Verifier(load_describer(model, device=config.device, dtype=config.dtype, context=context), config.verify)


def _phrase_store(config: Config) -> "PhraseStore | None":
    """Where encoded phrases are kept, if they are."""
    from regionclip.formats.files import user_cache
    from regionclip.words.phrase_store import PhraseStore

    if config.phrase_cache == "none" or (config.phrase_cache == "auto" and config.tower == "tiny"):
        return None
    if config.phrase_cache != "auto":
        return PhraseStore(Path(config.phrase_cache).expanduser())
    folder = user_cache()
    return None if folder is None else PhraseStore(folder / "phrases")


def check_loadable(config: Config) -> tuple[Config, str]:
    """Tell what cannot be loaded, as far as that shows without loading anything; gives what `settled_tower` does.

    Raises:
        ConfigError: for a tower that is not known, or a region mode that it does not know.
        WeightsError: for weights that are no folder and no name on the hub.
    """
    config, why = settled_tower(config)
    if config.tower not in TOWERS:
        raise ConfigError(f"tower {config.tower!r} is not known: expected one of {AUTO}, {', '.join(TOWERS)}")
    modes = FACTS[config.tower].modes
    if config.region_mode is not None and config.region_mode not in modes:
        raise ConfigError(
            f"region_mode: {config.name or config.tower} knows {', '.join(modes)}, got {config.region_mode!r}"
        )
    if config.weights is not None:
        check_source(config.weights)
    if config.verify is not None:
        check_source(config.verify.model)
    return config, why


def config_of(name: str | Path | Config) -> Config:
    """The config that a name, a .toml file or a folder of weights stands for.

    Raises:
        ConfigError: where it is none of these.
        WeightsError: for a folder whose config.json names no tower.
    """
    if isinstance(name, Config):
        return name
    if name == AUTO:
        return Config()
    path = Path(name)
    if path.suffix == ".toml" or str(name) in config_names():
        return Config.load(name)
    if os.path.isdir(path):  # noqa: PTH112 - False for names that the system refuses, where pathlib raises
        return Config(name=path.resolve().name, tower=_tower_of(path), weights=str(path))
    raise ConfigError(
        f"tower {str(name)!r} is not known: expected a folder of weights, a .toml config, or one of "
        f"{AUTO}, {', '.join(config_names())}"
    )


def settled_tower(config: Config) -> tuple[Config, str]:
    """`config` with a tower in place of `auto`, and why it is that one; the network is not asked.

    Returns:
        The config, and one line, which is empty where the config or its weights name the tower.

    Raises:
        WeightsError: for weights that are not there, or do not say which tower they are of.
    """
    if config.tower != AUTO:
        return config, ""
    if config.weights is not None:
        check_source(config.weights)
        folder = Path(config.weights).expanduser()
        shipped = next((each for each in map(Config.load, config_names()) if each.weights == config.weights), None)
        if shipped is None or folder.is_dir():
            return config.replaced(name=config.name or folder.resolve().name, tower=_tower_of(folder)), ""
        return config.replaced(name=config.name or shipped.name, tower=shipped.tower), ""
    wanted = Config.load(_FOR_PHOTOGRAPHS)
    here = on_machine(wanted.weights or "", revision=config.revision)
    if here is None:
        return config.replaced(tower="tiny"), (
            f"tower tiny, trained on rendered scenes only, as FG-CLIP 2 is not on this machine; for "
            f"photographs get it: regionclip towers get {wanted.name}"
        )
    why = f"tower {wanted.name}, as its weights are on this machine ({here.folder})"
    return config.replaced(name=config.name or wanted.name, tower=wanted.tower, weights=wanted.weights), why


def _tower_of(folder: Path) -> str:
    try:
        model_type = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except OSError as error:
        raise WeightsError(
            f"weights {folder}: config.json cannot be read ({error.strerror}): expected a folder with config.json, "
            "model.safetensors and tokenizer.json, or the name of a tower beside a hub name (--tower)"
        ) from error
    except (ValueError, AttributeError, RecursionError) as error:
        raise WeightsError(f"weights {folder}: config.json is damaged: {error}") from error
    if model_type not in MODEL_TYPES:
        raise WeightsError(
            f"weights {folder}: expected model_type {' or '.join(MODEL_TYPES)} in config.json, got {model_type!r}"
        )
    return MODEL_TYPES[model_type]
