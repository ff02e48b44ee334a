"""What the service answers with, as types: the schemas of its OpenAPI, and what `Client` gives back."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = Annotated[list[float | None], Field(min_length=4, max_length=4)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Error(_Answer):
    """Why there is no answer."""

    status: int
    error: str


class TowerName(_Answer):
    """The tower that answered."""

    name: str
    revision: str
    notice: str


class AskedLabel(_Answer):
    """A label that was asked for."""

    name: str
    name_zh: str | None
    prompts: list[str]
    threshold: float
    group: str | None
    of: list[str]


class Detection(_Answer):
    """A row of docs/formats.md; `data` holds columns of groups, attributes and the caller's own."""

    box: Box
    label: str
    label_id: int
    confidence: float | None
    prompt: str
    region: int
    objectness: float | None
    margin: float | None
    runner_up: str
    negative_margin: float | None
    negative: str
    verified: float | None = None
    tracker_id: int | None = None
    data: dict[str, float | str | bool | None] = {}


class ClassOfImage(_Answer):
    """How well a label fits a whole picture."""

    label: str
    label_id: int
    confidence: float


class Picture(_Answer):
    """What was found in one picture; `classes` where the whole picture was asked about."""

    file: str
    width: int
    height: int
    regions: int
    out_of_domain: bool | None = None
    invalid_regions: list[int]
    detections: list[Detection]
    classes: list[ClassOfImage] = []


class Result(_Answer):
    """A result of docs/formats.md, with the id of the vocabulary where one was named, and what warnings there were."""

    layout: str = Field(alias="schema")
    regionclip: str
    tower: TowerName
    labels: list[AskedLabel]
    images: list[Picture]
    vocabulary: str | None
    warnings: list[str]

    @property
    def detections(self) -> list[Detection]:
        """Of the one picture that was sent."""
        return self.images[0].detections

    @property
    def classes(self) -> list[ClassOfImage]:
        """Of the one picture that was sent."""
        return self.images[0].classes


class Embedded(_Answer):
    """Unit-length embeddings, a row for each text or box, one row for a whole picture; zeros for invalid boxes."""

    regionclip: str
    tower: TowerName
    target: Literal["image", "region"]
    embeddings: list[list[float]]
    invalid_regions: list[int] = []
    warnings: list[str]


class KeptVocabulary(_Answer):
    """A version of a vocabulary; it never changes, but may be retired. `words` are as requests take them."""

    id: str
    name: str
    version: int
    retired: bool
    words: dict[str, object]
