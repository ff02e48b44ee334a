"""Where pictures with truth come from: rendered scenes, or a COCO file."""

from dataclasses import dataclass, fields
from typing import Literal

from regionclip.errors import ConfigError

_KEYS_OF = {"scenes": ("seed", "height", "width"), "coco": ("annotations", "images", "split")}
"""Keys of `[data]` that only one kind has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Table `[data]`: where examples come from. Keys of the other kind are refused.

    Attributes:
        kind: `scenes` renders them; `coco` reads an annotation file and pictures (docs/formats.md).
        seed: scenes: the series.
        height: scenes: of a frame, pixels.
        width: scenes: of a frame, pixels.
        annotations: coco: the JSON file.
        images: coco: the folder that `file_name` is relative to.
        split: coco: only pictures whose `split` is this.
    """

    kind: Literal["scenes", "coco"] = "scenes"
    seed: int = 1
    height: int = 480
    width: int = 640
    annotations: str | None = None
    images: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        usual = {item.name: item.default for item in fields(self)}
        other = _KEYS_OF["scenes" if self.kind == "coco" else "coco"]
        if stray := [key for key in other if getattr(self, key) != usual[key]]:
            raise ConfigError(f"kind {self.kind} has no {', '.join(stray)}; it has {', '.join(_KEYS_OF[self.kind])}")
        if self.kind == "coco" and (self.annotations is None or self.images is None):
            raise ConfigError("kind coco needs annotations (a JSON file) and images (the folder of the pictures)")
        in_range("seed", self.seed, 0, 2**31)
        in_range("height", self.height, 64, 4096)
        in_range("width", self.width, 64, 4096)


def in_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a value outside `low..high`."""
    if not low <= value <= high:
        raise ConfigError(f"{name}: expected {low}..{high}, got {value}")
