"""What calibration leaves in a vocabulary: a curve for each label, and what its thresholds were measured with."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from regionclip.config import Config
from regionclip.errors import CalibrationWarning, ConfigError, PromptError, warn
from regionclip.towers.card import TowerCard

GIVEN_BOXES = "given boxes"
"""In place of a proposer's name, where boxes came from the caller."""


@dataclass(frozen=True, slots=True)
class Platt:
    """Score to probability: `1 / (1 + e^-(slope * logit(score) + intercept))`.

    Attributes:
        slope: above 0, so that the order of scores stays.
        intercept: any finite number.

    Raises:
        PromptError: for other numbers.
    """

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise PromptError(f"calibration: expected a finite number as {field.name}, got {value!r}")
        if self.slope <= 0:
            raise PromptError(f"calibration: expected a slope above 0, got {self.slope!r}")

    @classmethod
    def of(cls, table: object, what: str) -> "Platt":
        """Read `{slope = ..., intercept = ...}`; `what` is named in errors.

        Raises:
            ConfigError: for anything else.
        """
        if not isinstance(table, Mapping) or set(table) != {"slope", "intercept"}:
            raise ConfigError(f"{what}: expected calibration = {{slope = ..., intercept = ...}}, got {table!r}")
        try:
            return cls(**table)
        except PromptError as error:
            raise PromptError(f"{what}: {error}") from error


@dataclass(frozen=True, slots=True)
class Conditions:
    """What thresholds were measured with. With anything else they promise nothing.

    Attributes:
        tower: its fingerprint.
        proposer: class of the proposer, or `given boxes`.
        budget: patches a frame, or `dynamic`.
        tiles: how large frames were cut, `none` where they were not, and whether small boxes were looked at in crops.
        objectness_weight: share of the objectness in a confidence, 0..1.
        bank: whether labels were weighed against the tower's own background phrases.
    """

    tower: str
    proposer: str
    budget: str
    tiles: str
    objectness_weight: float
    bank: bool

    @classmethod
    def now(cls, card: TowerCard, config: Config, proposer: str | None) -> "Conditions":
        """Those of a detector of this tower and these settings; `proposer` is None where boxes come from the caller."""
        return cls(
            tower=card.revision,
            proposer=proposer or GIVEN_BOXES,
            budget=str(card.budget),
            tiles=f"{config.tiles}{' and crops' if config.crop_small else ''}",
            objectness_weight=0.0 if proposer is None else float(config.objectness_weight),
            bank=config.bank,
        )

    @classmethod
    def of(cls, table: object, what: str) -> "Conditions":
        """Read what `asdict` of one gives; `what` is named in errors.

        Raises:
            ConfigError: for anything else.
        """
        kinds: dict[str, type | tuple[type, ...]] = dict.fromkeys(("tower", "proposer", "budget", "tiles"), str)
        kinds |= {"objectness_weight": (int, float), "bank": bool}
        if not isinstance(table, Mapping) or set(table) != set(kinds):
            raise ConfigError(f"{what}: expected a table measured_with of {', '.join(kinds)}, got {table!r}")
        if wrong := [name for name, value in table.items() if not isinstance(value, kinds[name])]:
            raise ConfigError(f"{what}: measured_with: {wrong[0]} cannot be {table[wrong[0]]!r}")
        return cls(**table)

    def differences(self, other: "Conditions") -> list[str]:
        """What differs there from here, each as `name: here, there`."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{name}: {mine[name]}, now {theirs[name]}" for name in mine if mine[name] != theirs[name]]


def warn_of_changes(measured_with: Conditions, now: Conditions) -> None:
    """Warn where thresholds were measured with something else than what they are used with now."""
    if differences := measured_with.differences(now):
        warn(
            f"this vocabulary's thresholds were measured with {'; '.join(differences)}: they promise nothing here; "
            "calibrate it again (regionclip calibrate)",
            CalibrationWarning,
        )


def table_of(record: Platt | Conditions | None) -> dict[str, Any] | None:
    """The record as a TOML table."""
    return None if record is None else asdict(record)
