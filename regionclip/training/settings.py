"""Settings of `regionclip train`: a TOML file, its tables, keys, types and ranges, all checked before any work."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Predicate
from pydantic import Field, model_validator

from regionclip.config import config_folder
from regionclip.data.settings import DataSettings, Seed
from regionclip.formats.settings import Expected, Settings, read_shipped
from regionclip.scenes.language.sentences import Language

Stage = Literal["global", "regions"]

EMBEDDED_SERIES = 1
"""The series of scenes that the embedded tower was trained on (regionclip/weights/tiny/training.json)."""


def _are_once_each(languages: Sequence[str]) -> bool:
    return len(set(languages)) == len(languages) > 0


Languages = Annotated[tuple[Language, ...], Predicate(_are_once_each), Expected("en, zh or both, each once")]
Weight = Annotated[float, Field(ge=0, le=1000)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Share = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class CheckSettings(DataSettings):
    """Table `[check]`: what is measured on, as `DataSettings`.

    Attributes:
        seed: scenes: the series, which must not be one that is trained on.
    """

    title: ClassVar[str] = "check"

    seed: Seed = 900_002

    def shares(self, data: DataSettings) -> str | None:
        """What is both trained on and measured on, in words, or None."""
        if self.kind != data.kind:
            return None
        if self.kind == "scenes":
            return f"series {self.seed}" if self.seed == data.seed else None
        files = [os.path.realpath(os.path.expanduser(str(each.annotations))) for each in (self, data)]  # noqa: PTH111
        apart = self.split != data.split and None not in (self.split, data.split)
        return None if files[0] != files[1] or apart else f"pictures of {self.annotations}, split {self.split}"


class LossSettings(Settings):
    """Table `[loss]`: weights of the terms. Stage `global` uses the first one only.

    Attributes:
        whole: pictures and captions, `L_global`; 1 in FG-CLIP 2.
        region: regions and their texts.
        tic: texts of regions among themselves.
        hard: hard negatives, the cross-modal rank included.
        calibration: scale and bias of region scores, for towers that have them; trains these two numbers only.
    """

    title: ClassVar[str] = "loss"

    whole: Weight = 1.0
    region: Weight = 0.2
    tic: Weight = 0.1
    hard: Weight = 0.5
    calibration: Weight = 1.0

    def acting(self, stage: Stage) -> dict[str, float]:
        """Weights of the losses of a stage, those that are not 0."""
        return {key: weight for key, weight in self if weight > 0 and (key == "whole" or stage == "regions")}


class TrainSettings(Settings):
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

    title: ClassVar[str] = "training"

    tower: Literal["tiny", "fgclip2"] = "tiny"
    weights: str | None = None
    revision: str | None = None
    start: Literal["tower", "siglip2"] = "tower"
    stage: Stage = "regions"
    out: str
    steps: Count
    batch: Annotated[int, Field(ge=1, le=10**6)] = 16
    rate: Share = 1e-6
    warmup: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.001
    betas: Annotated[tuple[Beta, Beta], Expected("two numbers from 0 to below 1")] = (0.9, 0.98)
    seed: Seed = 1
    device: str = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"
    budget: Annotated[int, Field(ge=1, le=1_000_000)] | Literal["dynamic"] | None = None
    languages: Languages = ("en", "zh")
    mixed: bool = False
    max_boxes: Annotated[int, Field(ge=1, le=10**4)] = 8
    hard_negatives: Annotated[int, Field(ge=1, le=1000)] = 10
    freeze: tuple[str, ...] = ()
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    check_every: Count = 200
    check_pictures: Count = 100
    data: DataSettings
    check: CheckSettings
    loss: LossSettings = LossSettings()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.start == "siglip2" and (self.tower != "fgclip2" or self.weights is None):
            raise ValueError('start "siglip2" needs tower = "fgclip2" and weights: the SigLIP 2 folder or hub name')
        if self.revision is not None and self.weights is None:
            raise ValueError("revision: expected weights too, the hub name that it is a commit of")
        if not self.loss.acting(self.stage):
            key = "whole" if self.stage == "global" else "some weight"
            raise ValueError(f"loss: stage {self.stage} has nothing to learn from: expected {key} above 0")
        return self

    @model_validator(mode="after")
    def _is_new_to_the_tower(self) -> Self:
        if shared := self.check.shares(self.data):
            raise ValueError(f"check: {shared}: trained on as well; take another series or split")
        shipped = self.tower == "tiny" and self.weights is None
        if shipped and self.check.kind == "scenes" and self.check.seed == EMBEDDED_SERIES:
            raise ValueError(f"check: the embedded tower was trained on series {EMBEDDED_SERIES}; take another seed")
        return self

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Read a TOML file, or the one of that name in configs/train.

        Raises:
            ConfigError: no such file; an unknown key (the known ones are listed), a wrong type or value.
        """
        return cls.of(read_shipped(name_or_path, config_folder() / "train", "config"), f"config {name_or_path}")
