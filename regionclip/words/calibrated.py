"""What calibration leaves in a vocabulary: a curve for each label, and what its thresholds were measured with."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from regionclip.config import Config
from regionclip.errors import CalibrationWarning, warn
from regionclip.formats.settings import Settings
from regionclip.towers.card import TowerCard

GIVEN_BOXES = "given boxes"
"""In place of a proposer's name, where boxes came from the caller."""


class Platt(Settings):
    """Score to probability: `1 / (1 + e^-(slope * logit(score) + intercept))`.

    Attributes:
        slope: above 0, so that the order of scores stays.
        intercept: any finite number.

    Raises:
        ConfigError: for other numbers.
    """

    title: ClassVar[str] = "calibration"

    slope: Annotated[float, Field(gt=0)]
    intercept: float


class Conditions(Settings):
    """What thresholds were measured with. With anything else they promise nothing.

    Attributes:
        tower: its fingerprint.
        proposer: class of the proposer, or `given boxes`.
        budget: patches a frame, or `dynamic`.
        regions: how they got their embeddings (`Config.region_mode`); of crops, how large those were.
        tiles: how large frames were cut, `none` where they were not, and whether small boxes were looked at in crops.
        objectness_weight: share of the objectness in a confidence, 0..1.
        bank: whether labels were weighed against the tower's own background phrases.
    """

    title: ClassVar[str] = "measured_with"

    tower: str
    proposer: str
    budget: str
    tiles: str
    objectness_weight: Annotated[float, Field(ge=0, le=1)]
    bank: bool
    regions: str = "dense"

    @classmethod
    def now(cls, card: TowerCard, config: Config, proposer: str | None) -> "Conditions":
        """Those of a detector of this tower and these settings; `proposer` is None where boxes come from the caller."""
        return cls(
            tower=card.revision,
            proposer=proposer or GIVEN_BOXES,
            budget=str(card.budget),
            tiles=f"{config.tiles}{' and crops' if config.crop_small else ''}",
            objectness_weight=0.0 if proposer is None else config.objectness_weight or 0.0,
            bank=config.bank,
            regions=f"crop x {config.crop_context}" if card.region_mode == "crop" else card.region_mode,
        )

    def differences(self, other: "Conditions") -> list[str]:
        """What differs there from here, each as `name: here, there`."""
        pairs = [(name, mine, getattr(other, name)) for name, mine in self]
        return [f"{name}: {mine}, now {now}" for name, mine, now in pairs if mine != now]


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
    return None if record is None else record.model_dump()
