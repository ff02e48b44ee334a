"""From names and options to a proposer: every proposer that a config may name, and the wiring of those it does."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from regionclip.config import Config
from regionclip.errors import BoxError, ConfigError, WeightsError
from regionclip.formats.settings import value_of
from regionclip.towers.checkpoints.hub import CONFIG, TINY_WEIGHTS, WEIGHTS, on_machine

if TYPE_CHECKING:
    from proposals.dense import DenseHead


@dataclass(frozen=True, slots=True)
class Known:
    """A proposer that can be named.

    Attributes:
        home: module and class, imported when it is made.
        what: one line for people.
        fixed: options that the name settles.
    """

    home: str
    what: str
    fixed: Mapping[str, Any] = field(default_factory=dict)


class NoProposer(Proposer):
    """Finds nothing and says so: for detectors that are always given boxes."""

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Refuse `frame`.

        Raises:
            BoxError: always.
        """
        raise BoxError(
            'this detector has no proposer ("none"): expected boxes with every frame (boxes=, --boxes); '
            "`regionclip proposals` lists those that find boxes"
        )


AUTO = "auto"
"""The name for what suits weights and machine: see `settled`."""

DETECTOR_FILES = (CONFIG, WEIGHTS, "preprocessor_config.json")
"""Files of a detector's checkpoint."""

PROPOSERS: dict[str, Known] = {
    AUTO: Known("", "dense where the weights come with such a head, else preset photo, or photo-archive: the default"),
    "dense": Known("proposals.dense.DenseProposer", "a small head learned on the tower's own tokens; comes with tiny"),
    "grid": Known("proposals.grid.GridProposer", "windows of several sizes, without looking; coarse, works always"),
    "motion": Known(
        "proposals.moving.motion.MotionProposer", "what moves, or came and stays, before a camera that stands still"
    ),
    "ego-motion": Known(
        "proposals.moving.ego_motion.EgoMotionProposer", "what moves against the background of a moving camera"
    ),
    "edges": Known(
        "proposals.edges.EdgeProposer", "what has a closed edge; weak, without weights", {"method": "edges"}
    ),
    "mser": Known(
        "proposals.edges.EdgeProposer", "spots of even brightness; weak, without weights", {"method": "mser"}
    ),
    "rpn": Known(
        "proposals.learned.rpn.RpnProposer", "region proposal network of a torchvision detector; needs weights"
    ),
    "detr": Known(
        "proposals.learned.detr.DetrProposer", "any transformers detector: D-FINE, RF-DETR, RT-DETR, ...; needs weights"
    ),
    "owlv2": Known("proposals.learned.owlv2.Owlv2Proposer", "OWLv2's objectness, on a GPU; needs weights"),
    "sam": Known(
        "proposals.learned.sam.SamProposer", "Segment Anything's masks as boxes, seconds a picture; needs weights"
    ),
    "tracked": Known("proposals.tracked.TrackedProposer", "boxes of what is being followed in a video"),
    "heatmap": Known("proposals.heatmap.HeatmapProposer", "where the tower itself sees what is asked for"),
    "none": Known("regionclip.proposing.NoProposer", "boxes from outside only: a call without boxes is an error"),
}
"""Names that `Config.proposers` may hold."""

_FILLED = ("self", "head", "device", "scoring")
"""What the wiring hands in; everything else that a constructor takes is an option."""
_EVERY = "every"


def make_proposer(config: Config, width: int | None) -> Proposer:
    """The proposer that a config asks for; several are united.

    Args:
        config: its `proposers`, `proposer_options`, `max_proposals`, `device`, `weights`.
        width: channels of the tower's tokens; None of a tower that no head is learned on.

    Raises:
        ConfigError: for a name or an option that is not known, or a value that cannot be.
        WeightsError: where a proposer's weights are missing, damaged or do not fit.
    """
    from proposals.union import UnionProposer

    config = settled(config)
    names = check_names(config)
    for name, options in config.proposer_options.items():
        if name != AUTO:  # whose keys are those of the proposer that it stands for here
            _check_keys(name, options)
    made = [_one(name, config, width) for name in names]
    return made[0] if len(made) == 1 else UnionProposer(*made, max_proposals=config.max_proposals)


def settled(config: Config) -> Config:
    """A config with the proposers that `auto` stands for in its place.

    These are `dense` where the weights come with a learned head. Else those of preset `photo`, where its detector is on
    this machine or the config names weights of one; else those of `photo-archive`, and stderr says so.
    Options of `auto` hold for each of them.

    Raises:
        ConfigError: as `check_names`.
    """
    names = check_names(config)
    if AUTO not in names:
        return config.replaced(proposers=names)
    chosen = _suiting(config)
    stand_ins = chosen.proposers or ()
    given, own = chosen.proposer_options, config.proposer_options.get(AUTO, {})
    return config.replaced(
        proposers=tuple(part for name in names for part in (stand_ins if name == AUTO else (name,))),
        proposer_options={**given, **{name: {**given.get(name, {}), **own} for name in stand_ins}},
    )


def _suiting(config: Config) -> Config:
    """The config with the proposers in place of its own that suit weights and machine."""
    if _learned_head(config).is_file():
        return config.replaced(proposers=("dense",))
    photo = config.with_preset("photo")
    weights = photo.proposer_options["detr"]["weights"]
    if "weights" in config.proposer_options.get("detr", {}) or on_machine(weights, DETECTOR_FILES):
        return photo
    print(
        f"regionclip: no trained detector on this machine ({weights}): boxes come from windows and edges (preset "
        "photo-archive), coarse, and small things are missed; get it with `regionclip towers get dfine-small`",
        file=sys.stderr,
    )
    return config.with_preset("photo-archive")


def check_names(config: Config) -> tuple[str, ...]:
    """The names of the proposers that a config asks for; imports none of them.

    Raises:
        ConfigError: for a name that is not known, or `none` beside another.
    """
    names = config.proposers or (AUTO,)
    for name in names:
        if name not in PROPOSERS:
            raise ConfigError(f"proposer {name!r} is not known: expected one of {', '.join(PROPOSERS)}")
    for name in config.proposer_options:
        if name not in PROPOSERS:
            raise ConfigError(f"[proposer.{name}]: expected one of {', '.join(PROPOSERS)}")
    if "none" in names and len(names) > 1:
        raise ConfigError(f"proposers: none stands alone, got {', '.join(names)}")
    return names


def options_of(name: str) -> dict[str, inspect.Parameter]:
    """The options that a proposer takes in its table; `every` comes beside them."""
    known = PROPOSERS[name]
    parameters = _parameters(_maker(known))
    return {key: each for key, each in parameters.items() if key not in (*_FILLED, *known.fixed)}


def _check_keys(name: str, options: Mapping[str, Any]) -> None:
    known = sorted([*options_of(name), _EVERY])
    if strange := sorted(options.keys() - set(known)):
        raise ConfigError(f"[proposer.{name}]: unknown key {', '.join(strange)}; known are {', '.join(known)}")


def _one(name: str, config: Config, width: int | None) -> Proposer:
    options = dict(config.proposer_options.get(name, {}))
    every = options.pop(_EVERY, None)
    proposer = _made(name, options, config, width)
    if every is None:
        return proposer
    every = value_of(int, every, f"[proposer.{name}] {_EVERY}")
    wrap = _maker(Known("proposals.every.EveryProposer", ""))
    return _called(wrap, f"proposer.{name}", proposer, every=every)


def _made(name: str, options: dict[str, Any], config: Config, width: int | None) -> Proposer:
    known, place = PROPOSERS[name], f"proposer.{name}"
    maker, takes = _maker(known), options_of(name)
    _check_keys(name, options)
    given = {key: value_of(takes[key].annotation, value, f"[{place}] {key}") for key, value in options.items()}
    if "weights" in given and (here := on_machine(given["weights"], DETECTOR_FILES)):
        given["weights"] = here.folder  # of a hub name: `proposals` does not know where copies are kept
    needed = [key for key, each in takes.items() if each.default is each.empty and key not in given]
    if needed:
        raise ConfigError(f'[{place}] needs {", ".join(needed)}; on the command line --proposer "{name}=WEIGHTS"')
    if "max_proposals" in takes and "max_proposals" not in given:
        given["max_proposals"] = _most(name, takes["max_proposals"].default, config.max_proposals)
    handed = _parameters(maker)
    if "device" in handed:
        from regionclip.towers.device import choose_device

        given["device"] = choose_device(config.device)
    if "head" in handed:
        given["head"] = _head(config, width)
    return _called(maker, place, **given, **known.fixed)


def _most(name: str, usual: int, most: int) -> int:
    """How many boxes: the config's number for the defaults, and at most that for the others, whose own is lower."""
    return most if name in ("dense", "grid") else min(usual, most)


def _called(maker: Callable[..., Any], place: str, *parts: Proposer, **options: Any) -> Proposer:  # noqa: ANN401
    """What `maker` makes; its complaints in this package's exceptions."""
    from proposals.learned.checkpoint import CheckpointError

    try:
        made: Proposer = maker(*parts, **options)
    except CheckpointError as error:
        raise WeightsError(f"[{place}] weights: {error}") from error
    except ValueError as error:
        raise ConfigError(f"[{place}]: {error}") from error
    return made


def _maker(known: Known) -> Callable[..., Any]:
    """What is called to make it: `load` where it has weights, else the class."""
    module, _, name = known.home.rpartition(".")
    kind = getattr(import_module(module), name)
    made: Callable[..., Any] = getattr(kind, "load", kind)
    return made


def _parameters(maker: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What it takes; of a `load` that hands settings on to its class, those too."""
    taken = dict(inspect.signature(maker, eval_str=True).parameters)
    if taken.pop("settings", None) is not None:
        own = inspect.signature(maker.__self__, eval_str=True).parameters  # type: ignore[attr-defined]
        taken |= {key: each for key, each in own.items() if each.kind is each.KEYWORD_ONLY}
    return taken


def _learned_head(config: Config) -> Path:
    """Where the head is beside the weights, or would be."""
    source, name = config.weights or TINY_WEIGHTS, "proposer.safetensors"
    here = on_machine(source, (name,), revision=config.revision)
    return (here.folder if here else Path(source).expanduser()) / name


def _head(config: Config, width: int | None) -> "DenseHead":
    from proposals.dense import DenseHead

    path = _learned_head(config)
    if not path.is_file():
        raise WeightsError(
            f"proposer dense needs {path}, the head learned on this tower's tokens: expected it beside the weights; "
            "use the proposer grid"
        )
    if width is None:
        raise ConfigError(
            f"proposer dense: {path} was learned on the tokens of a dense tower, and {config.name or config.tower} is "
            "none: use the proposer grid, or one with weights of its own"
        )
    try:
        head = DenseHead.load(path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"proposer weights {path}: {error}") from error
    if head.width != width:
        raise WeightsError(
            f"proposer weights {path}: expected a head for tokens of {width} channels, got {head.width}; "
            "take both files of one export"
        )
    return head
