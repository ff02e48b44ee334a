"""Config: every setting of a detector, its default, and the TOML files that change a few of them."""

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from regionclip.errors import ConfigError

Nms = Literal["auto", "class", "agnostic", "group", "none"]
Mode = Literal["independent", "closed"]

_OPTIONAL = ("name", "weights", "revision")
"""Settings that are a string or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of a detector. Files in configs/ hold only what differs from these defaults.

    Attributes:
        name: what the tower is called in results; None takes its key.
        tower: key of the tower (`regionclip towers` lists them).
        weights: folder or hub name of the weights; None takes those that ship with the tower.
        revision: commit of the hub repository, or None for its newest.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        dtype: `auto`, `float32`, `bfloat16`, `float16`.
        budget: most patches a frame is cut into, or `dynamic` to choose by its size; None takes the tower's own.
        proposers: who finds boxes where none are given: `dense`, `grid`; several are united. None takes `dense` where
            the weights come with a learned head, else `grid`.
        max_proposals: most boxes a frame.
        threshold: least confidence, 0..1, where neither label nor vocabulary has one; None takes the tower's.
        mode: `independent` scores (labels do not influence one another) or `closed` (softmax over the labels).
        bank: weigh labels against the tower's own background phrases.
        nms: whose overlap suppresses: rows of one label (`class`), all (`agnostic`), of one group (`group`), `none`.
            `auto` is none for boxes from the caller, who has chosen them; for proposals it is agnostic, or class where
            a region may keep several labels.
        nms_iou: overlap, 0..1, from which a box suppresses another.
        labels_per_region: most labels a region may keep, or 0 for all.
        max_detections: most detections a frame.
        unknown: report regions that no label fits as `unknown`.
        objectness_weight: a in confidence = score^(1-a) * objectness^a, 0..1; it is 0 where a proposer's objectness
            means nothing, and for boxes from outside.
    """

    name: str | None = None
    tower: str = "tiny"
    weights: str | None = None
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    budget: int | Literal["dynamic"] | None = None
    proposers: tuple[str, ...] | None = None
    max_proposals: int = 300
    threshold: float | None = None
    mode: Mode = "independent"
    bank: bool = True
    nms: Nms = "auto"
    nms_iou: float = 0.4
    labels_per_region: int = 1
    max_detections: int = 300
    unknown: bool = False
    objectness_weight: float = 0.7

    def __post_init__(self) -> None:
        for name, low, high in (
            ("nms_iou", 0, 1),
            ("objectness_weight", 0, 1),
            *([] if self.threshold is None else [("threshold", 0, 1)]),
            ("max_proposals", 1, 100_000),
            ("labels_per_region", 0, 100_000),
            ("max_detections", 1, 1_000_000),
        ):
            _check_range(name, getattr(self, name), low, high)
        for name in ("labels_per_region", "max_proposals", "max_detections"):
            _check_type(name, getattr(self, name), int)
        for name in ("bank", "unknown"):
            _check_type(name, getattr(self, name), bool)
        for name in ("tower", "device", "dtype", *(key for key in _OPTIONAL if getattr(self, key) is not None)):
            _check_type(name, getattr(self, name), str)
        _check_choice("nms", self.nms, get_args(Nms))
        _check_choice("mode", self.mode, get_args(Mode))
        if self.budget not in (None, "dynamic"):
            _check_type("budget", self.budget, int)
            _check_range("budget", self.budget, 1, 1_000_000)
        if self.proposers is not None:
            object.__setattr__(self, "proposers", _names("proposers", self.proposers))

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Config":
        """Read a TOML file, or the config of that name that ships with regionclip (`tiny`, `fgclip2-base`, ...).

        Raises:
            ConfigError: where there is no such file or name, and for unknown keys, wrong types and values.
        """
        return cls.of(cls.read(name_or_path), str(name_or_path))

    @classmethod
    def read(cls, name_or_path: str | Path) -> dict[str, Any]:
        """The settings that such a file names, their keys checked.

        Raises:
            ConfigError: where there is no such file or name, or it has an unknown key.
        """
        path = Path(name_or_path)
        if path.suffix != ".toml":
            path = config_folder() / f"{name_or_path}.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(
                f"config {name_or_path} does not exist: expected a .toml file or one of {', '.join(config_names())}"
            ) from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"config {path} cannot be read: {error}") from error
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(table) - known)
        if unknown:
            raise ConfigError(f"config {path}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        return table

    @classmethod
    def of(cls, settings: dict[str, Any], source: str) -> "Config":
        """A config of these settings; what they do not name keeps its default. `source` is named in errors."""
        try:
            return cls(**settings)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from error

    def changed(self, **settings: Any) -> "Config":  # noqa: ANN401 - values of several types, checked on the way
        """This config with the settings that are not None replaced."""
        return replace(self, **{name: value for name, value in settings.items() if value is not None})


def config_folder() -> Path:
    """The folder of shipped configs: inside the installed package, or configs/ of a checkout."""
    here = Path(__file__).parent
    installed = here / "configs"
    return installed if installed.is_dir() else here.parent / "configs"


def config_names() -> list[str]:
    """Names of the shipped configs."""
    return sorted(path.stem for path in config_folder().glob("*.toml"))


def _check_range(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"config: {name}: expected a number in {low}..{high}, got {value!r}")


def _check_type(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"config: {name}: expected {kind.__name__}, got {value!r}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"config: {name}: expected one of {', '.join(choices)}, got {value!r}")


def _names(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(entry, str) for entry in value):
        raise ConfigError(f'config: {name}: expected a list like ["dense"], got {value!r}')
    return tuple(value)
