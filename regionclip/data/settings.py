"""Where pictures with truth come from: rendered scenes, or a COCO file."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from regionclip.formats.settings import Settings

Seed = Annotated[int, Field(ge=0, le=2**31)]
Pixels = Annotated[int, Field(ge=64, le=4096)]

_KEYS_OF = {"scenes": ("seed", "height", "width"), "coco": ("annotations", "images", "split")}
"""Keys of `[data]` that only one kind has."""


class DataSettings(Settings):
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

    title: ClassVar[str] = "data"

    kind: Literal["scenes", "coco"] = "scenes"
    seed: Seed = 1
    height: Pixels = 480
    width: Pixels = 640
    annotations: str | None = None
    images: str | None = None
    split: str | None = None

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        other = _KEYS_OF["scenes" if self.kind == "coco" else "coco"]
        if stray := [key for key in other if getattr(self, key) != type(self).model_fields[key].default]:
            raise ValueError(f"kind {self.kind} has no {', '.join(stray)}; it has {', '.join(_KEYS_OF[self.kind])}")
        if self.kind == "coco" and (self.annotations is None or self.images is None):
            raise ValueError("kind coco needs annotations (a JSON file) and images (the folder of the pictures)")
        return self
