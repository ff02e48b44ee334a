"""Config: every setting of a detector, its default, and the TOML files that change a few of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from annotated_types import Predicate
from pydantic import Field

from regionclip.formats.settings import Expected, Settings, Text, read_shipped, shipped_names, value_of

AUTO: Final = "auto"
"""Key that stands for a tower of this machine's: see `loading.settled_tower`."""
MOST_TILES: Final = 1024
"""Most tiles that may be asked for."""


def _are_few(tiles: str | tuple[int, int]) -> bool:
    return isinstance(tiles, str) or tiles[0] * tiles[1] <= MOST_TILES


Nms = Literal["auto", "class", "agnostic", "group", "none"]
Mode = Literal["independent", "closed"]
Budget = Annotated[int, Field(ge=1, le=1_000_000)] | Literal["dynamic", "fast", "balanced", "fine"]
"""Most patches of a frame, or a name: see `Config.budget`."""
Tiles = Annotated[
    Literal["none", "auto"] | tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]],
    Predicate(_are_few),
    Expected(f'"none", "auto" or [columns, rows], {MOST_TILES} tiles at most'),
]
"""No tiles, those that fit frame and tower, or columns and rows."""
RegionMode = Literal["dense", "crop", "dense-approx", "maskclip", "sclip", "naclip"]
"""How a region gets its embedding: see `Config.region_mode`."""
Names = Annotated[tuple[str, ...], Field(min_length=1), Expected('a list like ["dense"]')]
Share = Annotated[float, Field(ge=0, le=1)]
Options = Mapping[str, Mapping[str, Any]]
"""Options of proposers, by name."""


class Verify(Settings):
    """When a describer is asked about rows (docs/describe.md), and what its answers lead to.

    Attributes:
        model: folder or hub name of the describer.
        margin: rows with a smaller margin are asked about.
        limit: most of them a frame, the smallest margins first.
        min_probability: rows, and incidents of rules with `verify`, whose probability stays below it are left out.
        context: sides of the crop that it is shown, in units of the box's, 1..10.
    """

    model: Text
    margin: Share = 0.2
    limit: Annotated[int, Field(ge=1, le=10_000)] = 4
    min_probability: Share = 0.5
    context: Annotated[float, Field(ge=1, le=10)] = 1.5


class Config(Settings):
    """Settings of a detector. Files in configs/ hold only what differs from these defaults.

    Attributes:
        name: what the tower is called in results; None takes its key.
        tower: key of the tower (docs/towers.md). `auto` is that of the weights, where they are given; else FG-CLIP 2
            base where its weights are on this machine; else `tiny`.
        weights: folder or hub name of the weights; None takes those that ship with the tower.
        revision: commit of the hub repository, or None for its newest.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        dtype: `auto`, `float32`, `bfloat16`, `float16`.
        budget: most patches a frame is cut into, or `dynamic` to choose by its size; `fast`, `balanced` and `fine` are
            the smallest, the middle and the largest that the tower offers; None takes the tower's own.
        region_mode: how a region gets its embedding, of those that the tower knows (docs/towers.md); None takes the
            tower's own. `crop`: an enlarged crop is encoded as a picture. The others pool from a grid of features:
            `dense` of towers trained for it; `dense-approx`, `maskclip`, `sclip`, `naclip` of towers that were not.
        crop_context: sides of such a crop in units of the box's, 1..10.
        tiles: look at parts of the frame as well (docs/large_frames.md): `none`, `auto` by frame size and tower, or
            columns and rows.
        tile_overlap: share of its side that a tile has in common with the next one, 0..0.9.
        crop_small: pool boxes under one feature cell from an enlarged crop, at the price of a tower pass each.
        max_crops: most crops a frame.
        proposers: who finds boxes where none are given (`regionclip proposals` lists them); several are united. None
            takes what `auto` stands for.
        proposer_options: options of proposers, by name: in a file a table `[proposer.detr]` for each
            (docs/proposals.md).
        max_proposals: most boxes a frame.
        threshold: least confidence, 0..1, where neither label nor vocabulary has one; None takes the tower's.
        mode: `independent` scores (labels do not influence one another) or `closed` (softmax over the labels).
        bank: weigh labels against the tower's own background phrases.
        phrase_cache: folder where encoded phrases are kept for the next process, or `none`; `auto` is the user's cache
            folder, and none for `tiny`, which encodes a phrase in a millisecond.
        nms: whose overlap suppresses: rows of one label (`class`), all (`agnostic`), of one group (`group`), `none`.
            `auto` is none for boxes from the caller, who has chosen them; for proposals it is agnostic, or class where
            a region may keep several labels.
        nms_iou: overlap, 0..1, from which a box suppresses another.
        labels_per_region: most labels a region may keep, or 0 for all.
        max_detections: most detections a frame.
        unknown: report regions that no label fits as `unknown`.
        objectness_weight: a in confidence = score^(1-a) * objectness^a, 0..1; None takes the proposer's own
            (`Proposer.objectness_weight`). It is 0 where a proposer's objectness means nothing, and for boxes from
            outside.
        verify: a describer that is asked about rows of which the tower is not sure: in a file a table `[verify]`; None
            asks none.

    Raises:
        ConfigError: for what cannot be.
    """

    title: ClassVar[str] = "config"

    name: str | None = None
    tower: str = AUTO
    weights: str | None = None
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    budget: Budget | None = None
    region_mode: RegionMode | None = None
    crop_context: Annotated[float, Field(ge=1, le=10)] = 1.5
    tiles: Tiles = "none"
    tile_overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.25
    crop_small: bool = False
    max_crops: Annotated[int, Field(ge=1, le=100_000)] = 32
    proposers: Names | None = None
    proposer_options: Options = Field(default={}, validation_alias="proposer")
    max_proposals: Annotated[int, Field(ge=1, le=100_000)] = 300
    threshold: Share | None = None
    mode: Mode = "independent"
    bank: bool = True
    phrase_cache: Annotated[str, Field(min_length=1)] = "auto"
    nms: Nms = "auto"
    nms_iou: Share = 0.4
    labels_per_region: Annotated[int, Field(ge=0, le=100_000)] = 1
    max_detections: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    unknown: bool = False
    objectness_weight: Share | None = None
    verify: Verify | None = None

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Config":
        """Read a TOML file, or the config of that name that ships with regionclip (`tiny`, `fgclip2-base`, ...).

        Raises:
            ConfigError: where there is no such file or name, and for unknown keys, wrong types and values.
        """
        return cls.of(cls.read(name_or_path), str(name_or_path))

    @classmethod
    def read(cls, name_or_path: str | Path) -> dict[str, Any]:
        """The settings that such a file names, checked; a `preset` it names is laid under them.

        Raises:
            ConfigError: as `load`, and where there is no such preset.
        """
        table = read_shipped(name_or_path, config_folder(), "config")
        _File.of(table, f"config {name_or_path}")
        if (name := table.pop("preset", None)) is None:
            return table
        under = _preset(name)
        options = _merged(under.get("proposer", {}), table.get("proposer", {}))
        return {**under, **table, "proposer": options}

    def changed(self, **settings: Any) -> "Config":  # noqa: ANN401 - values of several types, checked on the way
        """This config with the settings that are not None replaced."""
        return self.replaced(**{name: value for name, value in settings.items() if value is not None})

    def with_preset(self, name_or_path: str | Path) -> "Config":
        """This config with the settings of a shipped preset, or of a TOML file, in place of its own.

        Options of a proposer that this config has already stay, those of the preset come beside them.

        Raises:
            ConfigError: where there is no such preset or file, or its settings cannot be used.
        """
        preset = _preset(name_or_path)
        options = _merged(preset.pop("proposer", {}), self.proposer_options)
        return self.replaced(**preset, proposer_options=options)

    def with_proposers(self, names: Sequence[str]) -> "Config":
        """This config with these proposers in place of its own; `detr=FOLDER` gives one its weights.

        Raises:
            ConfigError: without any name.
        """
        pairs = [name.partition("=") for name in value_of(Names, list(names), "config: proposers")]
        weights = {name: {"weights": folder} for name, _, folder in pairs if folder}
        plain = tuple(name for name, *_ in pairs)
        return self.replaced(proposers=plain, proposer_options=_merged(self.proposer_options, weights))


class _File(Config):
    """A file of settings, which may name a preset that lies under them."""

    preset: str | None = None


def _preset(name_or_path: str | Path) -> dict[str, Any]:
    table = read_shipped(name_or_path, config_folder() / "presets", "preset")
    Config.of(table, f"preset {name_or_path}")
    return table


def config_folder() -> Path:
    """The folder of shipped configs: inside the installed package, or configs/ of a checkout."""
    here = Path(__file__).parent
    installed = here / "configs"
    return installed if installed.is_dir() else here.parent / "configs"


def config_names() -> list[str]:
    """Names of the shipped configs."""
    return shipped_names(config_folder())


def preset_names() -> list[str]:
    """Names of the shipped presets: choices of proposers for a kind of use, to be combined with any tower."""
    return shipped_names(config_folder() / "presets")


def _merged(under: Options, over: Options) -> dict[str, dict[str, Any]]:
    """Tables of options: key by key, `over` wins."""
    return {name: {**under.get(name, {}), **over.get(name, {})} for name in (*under, *over)}
