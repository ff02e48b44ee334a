"""Config: every setting of a detector, its default, and the TOML files that change a few of them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from regionclip.errors import ConfigError

Nms = Literal["auto", "class", "agnostic", "group", "none"]
Mode = Literal["independent", "closed"]
Budget = int | Literal["dynamic", "fast", "balanced", "fine"]
"""Most patches of a frame, or a name: see `Config.budget`."""
Tiles = Literal["none", "auto"] | tuple[int, int]
"""No tiles, those that fit frame and tower, or columns and rows."""
BUDGET_NAMES = ("dynamic", "fast", "balanced", "fine")
MOST_TILES = 1024
"""Most tiles that may be asked for."""

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
        budget: most patches a frame is cut into, or `dynamic` to choose by its size; `fast`, `balanced` and `fine` are
            the smallest, the middle and the largest that the tower offers; None takes the tower's own.
        tiles: look at parts of the frame as well (docs/large_frames.md): `none`, `auto` by frame size and tower, or
            columns and rows.
        tile_overlap: share of its side that a tile has in common with the next one, 0..0.9.
        crop_small: pool boxes under one feature cell from an enlarged crop, at the price of a tower pass each.
        max_crops: most crops a frame.
        proposers: who finds boxes where none are given (`regionclip proposals` lists them); several are united. None
            takes `dense` where the weights come with a learned head, else `grid`.
        proposer: options of proposers, by name: in a file a table `[proposer.detr]` for each (docs/proposals.md).
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
    budget: Budget | None = None
    tiles: Tiles = "none"
    tile_overlap: float = 0.25
    crop_small: bool = False
    max_crops: int = 32
    proposers: tuple[str, ...] | None = None
    proposer: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
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
            ("tile_overlap", 0, 0.9),
            ("max_crops", 1, 100_000),
        ):
            _check_range(name, getattr(self, name), low, high)
        for name in ("labels_per_region", "max_proposals", "max_detections", "max_crops"):
            _check_type(name, getattr(self, name), int)
        for name in ("bank", "unknown", "crop_small"):
            _check_type(name, getattr(self, name), bool)
        for name in ("tower", "device", "dtype", *(key for key in _OPTIONAL if getattr(self, key) is not None)):
            _check_type(name, getattr(self, name), str)
        _check_choice("nms", self.nms, get_args(Nms))
        _check_choice("mode", self.mode, get_args(Mode))
        if isinstance(self.budget, str):
            _check_choice("budget", self.budget, BUDGET_NAMES)
        elif self.budget is not None:
            _check_type("budget", self.budget, int)
            _check_range("budget", self.budget, 1, 1_000_000)
        object.__setattr__(self, "tiles", _tiles(self.tiles))
        if self.proposers is not None:
            object.__setattr__(self, "proposers", _names("proposers", self.proposers))
        _check_tables("proposer", self.proposer)

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Config":
        """Read a TOML file, or the config of that name that ships with regionclip (`tiny`, `fgclip2-base`, ...).

        Raises:
            ConfigError: where there is no such file or name, and for unknown keys, wrong types and values.
        """
        return cls.of(cls.read(name_or_path), str(name_or_path))

    @classmethod
    def read(cls, name_or_path: str | Path) -> dict[str, Any]:
        """The settings that such a file names, their keys checked; a `preset` it names is laid under them.

        Raises:
            ConfigError: where there is no such file, name or preset, or it has an unknown key.
        """
        return cls._read(name_or_path, config_folder(), "config")

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

    def with_preset(self, name_or_path: str | Path) -> "Config":
        """This config with the settings of a shipped preset, or of a TOML file, in place of its own.

        Options of a proposer that this config has already stay, those of the preset come beside them.

        Raises:
            ConfigError: where there is no such preset or file, or its settings cannot be used.
        """
        preset = self._read(name_or_path, preset_folder(), "preset")
        options = _merged(preset.get("proposer", {}), self.proposer)
        try:
            return replace(self, **{**preset, "proposer": options})
        except ConfigError as error:
            raise ConfigError(f"preset {name_or_path}: {error}") from error

    def with_proposers(self, names: Sequence[str]) -> "Config":
        """This config with these proposers in place of its own; `detr=FOLDER` gives one its weights.

        Raises:
            ConfigError: without any name.
        """
        pairs = [name.partition("=") for name in _names("proposers", list(names))]
        weights = {name: {"weights": folder} for name, _, folder in pairs if folder}
        plain = tuple(name for name, *_ in pairs)
        return replace(self, proposers=plain, proposer=_merged(self.proposer, weights))

    @classmethod
    def _read(cls, name_or_path: str | Path, folder: Path, what: str) -> dict[str, Any]:
        path = Path(name_or_path)
        if path.suffix != ".toml":
            path = folder / f"{name_or_path}.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            shipped = ", ".join(_shipped(folder))
            raise ConfigError(
                f"{what} {name_or_path} does not exist: expected a .toml file or one of {shipped}"
            ) from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{what} {path} cannot be read: {error}") from error
        known = {field.name for field in fields(cls)} | ({"preset"} if what == "config" else set())
        unknown = sorted(set(table) - known)
        if unknown:
            raise ConfigError(f"{what} {path}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        _check_tables(f"{path}: proposer", table.get("proposer", {}))
        if "preset" not in table:
            return table
        under = cls._read(str(table.pop("preset")), preset_folder(), "preset")
        options = _merged(under.get("proposer", {}), table.get("proposer", {}))
        return {**under, **table, "proposer": options}


def config_folder() -> Path:
    """The folder of shipped configs: inside the installed package, or configs/ of a checkout."""
    here = Path(__file__).parent
    installed = here / "configs"
    return installed if installed.is_dir() else here.parent / "configs"


def config_names() -> list[str]:
    """Names of the shipped configs."""
    return _shipped(config_folder())


def preset_folder() -> Path:
    """The folder of shipped presets."""
    return config_folder() / "presets"


def preset_names() -> list[str]:
    """Names of the shipped presets: choices of proposers for a kind of use, to be combined with any tower."""
    return _shipped(preset_folder())


def _shipped(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))


def _merged(under: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tables of options: key by key, `over` wins."""
    return {name: {**under.get(name, {}), **over.get(name, {})} for name in (*under, *over)}


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


def _check_tables(name: str, value: object) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(table, Mapping) for table in value.values()):
        raise ConfigError(f"config: {name}: expected tables like [proposer.detr], got {value!r}")


def _tiles(value: object) -> Tiles:
    if value == "none" or value == "auto":  # `in` would not tell mypy
        return value
    counts = list(value) if isinstance(value, list | tuple) else []
    if len(counts) != 2 or not all(isinstance(count, int) and not isinstance(count, bool) for count in counts):
        raise ConfigError(f'config: tiles: expected "none", "auto" or [columns, rows], got {value!r}')
    columns, rows = counts
    if min(counts) < 1 or columns * rows > MOST_TILES:
        raise ConfigError(
            f"config: tiles: expected 1 or more columns and rows, {MOST_TILES} tiles at most, got {value!r}"
        )
    return columns, rows
