"""Weights by name, got from the hub or from a folder, and looked through before anything relies on them.

What is checked is what loading checks: the weights are loaded. Downloads go into the hub's own cache; folders are
copied to where `hub.locate` finds them by the same name, with or without a network.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from regionclip.config import Config, config_names
from regionclip.errors import ConfigError, WeightsError
from regionclip.loading import make_tower
from regionclip.proposing import DETECTOR_FILES, make_proposer
from regionclip.towers.checkpoints.hub import CONFIG, NEEDED, keep, locate, on_machine
from regionclip.towers.checkpoints.released import RELEASES

_SIZES: Final = ("small", "medium", "large", "xlarge")
DETECTORS: Final = {f"dfine-{size}": f"ustc-community/dfine-{size}-obj365" for size in _SIZES}
"""Hub names of D-FINE trained on Objects365, which has no nano: proposers, as `--proposer detr=NAME`."""
DETECTOR_LICENCE: Final = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that were looked through.

    Attributes:
        folder: that holds them.
        licence: of the weights.
        size: bytes of the weight files.
        sha256: over the weight files, 64 hex digits.
        is_new: whether they were not on this machine before.
    """

    folder: Path
    licence: str
    size: int
    sha256: str
    is_new: bool


def obtainable() -> dict[str, str]:
    """Names that `get` takes, and the hub name of each."""
    towers = {name: Config.load(name).weights for name in config_names()}
    return {name: source for name, source in towers.items() if source is not None} | DETECTORS


def obtained() -> set[str]:
    """Those names whose weights are on this machine, as far as their files show."""
    return {name for name, source in obtainable().items() if on_machine(source, _files(name)) is not None}


def get(name: str, given: Path | None = None) -> Weights:
    """Have the weights of `name` on this machine, and look through them.

    Args:
        name: of `obtainable`.
        given: folder to copy them from, in place of a download.

    Raises:
        ConfigError: for a name that is not known.
        WeightsError: they cannot be got, are damaged, of another model or another size, or others are there already.
        FileError: the folder cannot be copied.
    """
    sources = obtainable()
    if name not in sources:
        raise ConfigError(f"weights {name!r} are not known: expected one of {', '.join(sources)}; tiny is here already")
    source, files = sources[name], _files(name)
    if given is not None and not given.expanduser().is_dir():
        raise WeightsError(f"{given}: no such folder: expected one that holds {', '.join(files)}")
    from regionclip.towers.checkpoints.loading import weight_files, weights_digest

    here = on_machine(source, files)
    folder = locate(source if given is None else given, files).folder
    licence, sha256 = _checked(name, folder), weights_digest(folder)
    size = sum(path.stat().st_size for path in weight_files(folder))
    if given is not None and here is None:
        folder = keep(folder, source, files)
    elif given is not None and here is not None:
        if weights_digest(here.folder) != sha256:
            raise WeightsError(
                f"{source} is on this machine with other weights than {given}: remove {here.folder} first"
            )
        folder = here.folder
    return Weights(folder, licence, size, sha256, is_new=here is None)


def _files(name: str) -> tuple[str, ...]:
    return DETECTOR_FILES if name in DETECTORS else NEEDED


def _checked(name: str, folder: Path) -> str:
    """The licence of weights, which are loaded as their user would."""
    from regionclip.towers.checkpoints.loading import read_json
    from regionclip.towers.device import choose_device

    release = None if name in DETECTORS else RELEASES[name]
    expected, found = release.model_type if release else "d_fine", read_json(folder / CONFIG).get("model_type")
    if found != expected:
        raise WeightsError(f"{folder}: expected weights of {name}, model_type {expected!r} in {CONFIG}, got {found!r}")
    if release is None:
        make_proposer(Config(device="cpu").with_proposers([f"detr={folder}"]), None)
        return DETECTOR_LICENCE
    config = Config.load(name).changed(weights=str(folder), device="cpu", dtype="float32")
    card = make_tower(config, choose_device(config.device)).card
    if card.width != release.width:
        raise WeightsError(f"{folder}: expected weights of {name}, {release.width} channels wide, got {card.width}")
    return card.licence
