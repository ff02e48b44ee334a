"""Settings of `regionclip train`: a TOML file, its tables, keys, types and ranges, all checked before any work."""

import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

from regionclip.config import config_folder
from regionclip.data.settings import DataSettings, in_range
from regionclip.errors import ConfigError
from regionclip.formats.typed import value_of
from regionclip.scenes.language.sentences import Language

Stage = Literal["global", "regions"]

EMBEDDED_SERIES = 1
"""The series of scenes that the embedded tower was trained on (regionclip/weights/tiny/training.json)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings(DataSettings):
    """Table `[check]`: what is measured on, as `DataSettings`.

    Attributes:
        seed: scenes: the series, which must not be one that is trained on.
    """

    seed: int = 900_002

    def shares(self, data: DataSettings) -> str | None:
        """What is both trained on and measured on, in words, or None."""
        if self.kind != data.kind:
            return None
        if self.kind == "scenes":
            return f"series {self.seed}" if self.seed == data.seed else None
        files = [Path(str(each.annotations)).expanduser().resolve() for each in (self, data)]
        apart = self.split != data.split and None not in (self.split, data.split)
        return None if files[0] != files[1] or apart else f"pictures of {self.annotations}, split {self.split}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSettings:
    """Table `[loss]`: weights of the terms. Stage `global` uses the first one only.

    Attributes:
        whole: pictures and captions, `L_global`; 1 in FG-CLIP 2.
        region: regions and their texts.
        tic: texts of regions among themselves.
        hard: hard negatives, the cross-modal rank included.
        calibration: scale and bias of region scores, for towers that have them; trains these two numbers only.
    """

    whole: float = 1.0
    region: float = 0.2
    tic: float = 0.1
    hard: float = 0.5
    calibration: float = 1.0

    def __post_init__(self) -> None:
        for key, value in asdict(self).items():
            in_range(key, value, 0, 1000)

    def acting(self, stage: Stage) -> dict[str, float]:
        """Weights of the losses of a stage, those that are not 0."""
        used = ("whole",) if stage == "global" else tuple(asdict(self))
        return {key: value for key, value in asdict(self).items() if key in used and value > 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """One fine-tuning run.

    Attributes:
        tower: `tiny` or `fgclip2`.
        weights: folder or hub name to start from; None takes those that ship with the tower.
        revision: commit of the hub repository, where `weights` is one.
        start: `tower` for weights of the tower itself, `siglip2` to make an FG-CLIP 2 out of SigLIP 2 (NaFlex) weights.
        stage: `global` (pictures and captions) or `regions` (all losses).
        out: folder of the run.
        steps: updates.
        batch: pictures a step and process.
        rate: peak learning rate.
        warmup: share of the steps until the peak, 0..1.
        weight_decay: of matrices; vectors and scalars have none.
        betas: of AdamW.
        seed: of every choice.
        device: `auto`, `cpu`, `cuda`, ...
        dtype: to compute in, `float32` or `bfloat16`; weights are kept in float32.
        budget: most patches a frame is cut into, `dynamic`, or None for the tower's own.
        languages: of names, phrases and captions.
        mixed: whether a batch mixes languages; FG-CLIP 2 was trained with batches of one language.
        max_boxes: most boxes of a picture that a step uses; drawn where there are more.
        hard_negatives: of a region; drawn where there are more, repeated where there are fewer.
        freeze: beginnings of the names of parameters that stay as they are.
        workers: processes that read or render pictures; 0 for none beside the training itself.
        check_every: steps between two checks (figures, checkpoint, weights).
        check_pictures: most held-out pictures of a check.
        data: what to train on.
        check: what to measure on.
        loss: weights of the losses.
    """

    tower: Literal["tiny", "fgclip2"] = "tiny"
    weights: str | None = None
    revision: str | None = None
    start: Literal["tower", "siglip2"] = "tower"
    stage: Stage = "regions"
    out: str
    steps: int
    batch: int = 16
    rate: float = 1e-6
    warmup: float = 0.03
    weight_decay: float = 0.001
    betas: tuple[float, float] = (0.9, 0.98)
    seed: int = 1
    device: str = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"
    budget: int | Literal["dynamic"] | None = None
    languages: tuple[Language, ...] = ("en", "zh")
    mixed: bool = False
    max_boxes: int = 8
    hard_negatives: int = 10
    freeze: tuple[str, ...] = ()
    workers: int = 0
    check_every: int = 200
    check_pictures: int = 100
    data: DataSettings
    check: CheckSettings
    loss: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 1, 10**9),
            ("batch", 1, 10**6),
            ("rate", 0, 1),
            ("warmup", 0, 1),
            ("weight_decay", 0, 10),
            ("seed", 0, 2**31),
            ("max_boxes", 1, 10**4),
            ("hard_negatives", 1, 1000),
            ("workers", 0, 256),
            ("check_every", 1, 10**9),
            ("check_pictures", 1, 10**9),
        ):
            in_range(name, getattr(self, name), low, high)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas: expected two numbers from 0 to below 1, got {list(self.betas)}")
        if not self.languages or len(set(self.languages)) < len(self.languages):
            raise ConfigError(f"languages: expected en, zh or both, each once, got {list(self.languages)}")
        if self.start == "siglip2" and (self.tower != "fgclip2" or self.weights is None):
            raise ConfigError('start "siglip2" needs tower = "fgclip2" and weights: the SigLIP 2 folder or hub name')
        if self.revision is not None and self.weights is None:
            raise ConfigError("revision: expected weights too, the hub name that it is a commit of")
        if not self.loss.acting(self.stage):
            key = "whole" if self.stage == "global" else "some weight"
            raise ConfigError(f"loss: stage {self.stage} has nothing to learn from: expected {key} above 0")
        self._check_held_out()

    def _check_held_out(self) -> None:
        """What is measured on must be new to the tower."""
        if shared := self.check.shares(self.data):
            raise ConfigError(f"check: {shared}: trained on as well; take another series or split")
        shipped = self.tower == "tiny" and self.weights is None
        if shipped and self.check.kind == "scenes" and self.check.seed == EMBEDDED_SERIES:
            raise ConfigError(f"check: the embedded tower was trained on series {EMBEDDED_SERIES}; take another seed")

    @classmethod
    def load(cls, name_or_path: str | Path) -> "TrainSettings":
        """Read a TOML file, or the one of that name in configs/train.

        Raises:
            ConfigError: no such file; an unknown key (the known ones are listed), a wrong type or value.
        """
        path = Path(name_or_path)
        if path.suffix != ".toml":
            path = config_folder() / "train" / f"{name_or_path}.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            shipped = ", ".join(sorted(file.stem for file in (config_folder() / "train").glob("*.toml")))
            raise ConfigError(
                f"config {name_or_path} does not exist: expected a .toml file or one of {shipped}"
            ) from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"config {path} cannot be read: {error}") from error
        try:
            settings: TrainSettings = _table(cls, table, "")
        except ConfigError as error:
            raise ConfigError(f"config {path}: {error}") from error
        return settings


def _table(kind: type, table: dict[str, Any], where: str) -> Any:  # noqa: ANN401 - the dataclass that is asked for
    """An object of the dataclass `kind` from a table of a file."""
    known = [item.name for item in fields(kind)]
    if unknown := sorted(set(table) - set(known)):
        place = f"in [{where.rstrip('.')}]" if where else "at the top"
        raise ConfigError(f"unknown key {', '.join(unknown)} {place}; known are {', '.join(sorted(known))}")
    hints = get_type_hints(kind)
    values = {key: _value(hints[key], value, where + key) for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError as error:  # a key without default is absent
        needed = str(error).partition("argument")[2].lstrip("s: ")
        raise ConfigError(f"{where or 'top level'}: needs {needed}") from error
    except ConfigError as error:
        raise ConfigError(f"{where.rstrip('.')}: {error}" if where else str(error)) from error


def _value(hint: Any, value: object, where: str) -> Any:  # noqa: ANN401 - a value of the type that `hint` names
    """`value` as the field of type `hint` takes it."""
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a table [{where}], got {value!r}")
        return _table(hint, value, f"{where}.")
    return value_of(hint, value, where)
